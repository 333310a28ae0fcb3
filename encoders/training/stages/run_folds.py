"""A stage on every fold of a data set."""

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from encoders.datasets import LabeledCollection
from encoders.errors import ArgumentError
from encoders.evaluation import FoldResults
from encoders.training.options import TrainingOptions
from encoders.training.run_files import write_json
from encoders.training.stages.run_stage import StageResult, run_stage
from encoders.training.stages.seen_items import require_unseen
from encoders.training.stages.settings import StageSettings

__all__ = ["run_folds"]


def run_folds(
    collection: LabeledCollection,
    settings: StageSettings,
    options: TrainingOptions,
    *,
    folds: Sequence[int] | None = None,
    folder: Path | None = None,
    resume: bool = False,
    weights: Path | None = None,
    on_fold: Callable[[int, StageResult], None] | None = None,
    **arguments: Any,
) -> FoldResults:
    """Train once for each fold, on the others, and measure on the fold.

    Args:
        collection: With folds.
        settings: Of the stage.
        options: Of the training.
        folds: Which [default: all].
        folder: Gets a run folder for each fold, ``fold-1`` and so on, and ``folds.json``.
        resume: Go on with what is in the folder.
        weights: What each fold starts from; of a folder of folds its own fold's run.
        on_fold: Called with each fold and its result.
        **arguments: Further ones of :func:`~encoders.training.stages.run_stage`.

    Returns:
        The test figures by fold, with their mean and spread.

    Raises:
        ArgumentError: If the data set has no folds.
    """
    wanted = list(collection.folds if folds is None else folds)
    if not wanted:
        raise ArgumentError(f"'{collection.name}' has no folds")
    splits = {fold: collection.fold_split(fold) for fold in wanted}
    for fold, (_, test) in splits.items():  # before the first is trained
        if weights is not None:
            require_unseen(_weights_of_fold(weights, fold), collection, test)
    by_fold = {}
    for fold, (train, test) in splits.items():
        place = None if folder is None else folder / f"fold-{fold}"
        result = run_stage(
            collection,
            settings,
            options,
            train=train,
            test=test,
            folder=place,
            resume=resume and place is not None and (place / "run.json").is_file(),
            weights=None if weights is None else _weights_of_fold(weights, fold),
            **arguments,
        )
        by_fold[fold] = result.test
        if on_fold:
            on_fold(fold, result)
    results = FoldResults(by_fold)
    if folder is not None:
        write_json(folder / "folds.json", results.to_dict())
    return results


def _weights_of_fold(weights: Path, fold: int) -> Path:
    own = weights / f"fold-{fold}"
    return own if own.is_dir() else weights
