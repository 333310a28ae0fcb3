"""A model for production: selected as always, then trained anew on all interactions."""

from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import torch

from gnnrec.data.dataset import Dataset
from gnnrec.data.splits import pool_parts
from gnnrec.errors import ArgumentError
from gnnrec.evaluation import EvalOptions
from gnnrec.evaluation.metrics import default_metric
from gnnrec.training.callbacks import Callback
from gnnrec.training.experiment import ExperimentResult, run_experiment
from gnnrec.training.options import TrainOptions
from gnnrec.training.run_folder import EVERYTHING, SELECTION

__all__ = ["refit_experiment"]


def refit_experiment(
    model_name: str,
    dataset: Dataset,
    out: Path | str,
    *,
    options: TrainOptions | None = None,
    evaluation: EvalOptions | None = None,
    make_callbacks: Callable[[], Sequence[Callback]] = tuple,
    **arguments: Any,
) -> ExperimentResult:
    """Select the epoch by validation and test once, then train the same model on all interactions for as many epochs.

    The run folder serves what was trained on everything. Its folder ``selection`` is the run that the figures are of:
    on what a model was trained on it cannot be measured.

    Args:
        model_name: A registered model.
        dataset: The split data.
        out: The run folder, new or empty unless ``resume``.
        options: How to train; ``max_epochs`` and ``patience`` are of the selection.
        evaluation: How to evaluate.
        make_callbacks: Gives the hooks of each of the two trainings.
        **arguments: Further ones of :func:`~gnnrec.training.experiment.run_experiment`.

    Returns:
        The figures of the selection, with the folder of the refitted run.

    Raises:
        ArgumentError: If encoders learn in the run: the second training would begin where the first has ended.
        RunError: As of :func:`~gnnrec.training.experiment.run_experiment`.
    """
    if arguments.get("encoder_training", "frozen") != "frozen":
        raise ArgumentError(
            "'refit' trains a second time, and an encoder that learns would begin where it ended; train the encoder in "
            "a run of its own, and refit with its weights and 'encoder_training' frozen"
        )
    evaluation = evaluation or EvalOptions()
    options = options or TrainOptions(metric=default_metric(evaluation.ks))
    selected = run_experiment(
        model_name,
        dataset,
        Path(out) / SELECTION,
        options=options,
        evaluation=evaluation,
        callbacks=make_callbacks(),
        **arguments,
    )
    nothing = dataset.train.select(torch.zeros(len(dataset.train), dtype=torch.bool))
    everything = replace(
        dataset,
        train=pool_parts(dataset),
        valid=nothing,
        test=nothing,
        split=EVERYTHING,
    )
    refitted = run_experiment(
        model_name,
        everything,
        out,
        options=replace(options, max_epochs=max(1, selected.best_epoch)),
        evaluation=evaluation,
        callbacks=make_callbacks(),
        select=False,
        **arguments,
    )
    return replace(selected, path=refitted.path, seconds=selected.seconds + refitted.seconds)
