"""Reading data for a run."""

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

from gnnrec.data.dataset import Dataset
from gnnrec.data.reading import read_dataset
from gnnrec.data.splits import apply_split, carve_validation
from gnnrec.errors import DataError
from gnnrec.models import Recommender, model_class

__all__ = ["VALIDATION_RATIO", "read_for_training"]

VALIDATION_RATIO = 0.1
"""Share of each user's training items that becomes validation where the data bring none."""


def read_for_training(
    model: str,
    path: Path | str,
    *,
    split: str = "given",
    split_seed: int = 0,
    k_core: int = 0,
    format: str | None = None,
    columns: Mapping[str, str] | None = None,
    header: bool = True,
    delimiter: str | None = None,
    encoding: str | None = None,
    min_weight: float | None = None,
    carve: bool = False,
    feature_folder: str | Path | None = None,
) -> Dataset:
    """Read data so that ``model`` can be trained, selected and tested on them.

    A log without any split is split per user 8:1:1. A log whose split has no validation part gets one carved out of
    train, for models that select their epoch; models without epochs learn from the whole train part. A split of which
    all is train stays one: nothing is tested.

    Args:
        model: A registered model.
        path: Dataset folder or interaction file.
        split: How to split; ``"given"`` takes the split of the data.
        split_seed: Seed of the split.
        k_core: Drop users and items with fewer interactions.
        format: Name of the format where it shall not be detected.
        columns: Column name of each role, for tables.
        header: Whether the first line of a table names its columns.
        delimiter: What separates the columns of a text table.
        encoding: Of a text table.
        min_weight: Leave out interactions of a lower weight.
        feature_folder: A further folder of feature files.
        carve: Carve validation out of train for models without epochs too, so that all models see the same data.

    Raises:
        DataError: If the data are wrong.
        UnknownNameError: If the model, the split or the format does not exist.
    """
    kind = model_class(model)
    dataset = read_dataset(
        path,
        format=format,
        columns=columns,
        header=header,
        delimiter=delimiter,
        encoding=encoding,
        min_weight=min_weight,
        split=split,
        seed=split_seed,
        k_core=k_core,
        feature_folder=feature_folder,
    )
    if dataset.split == "none":
        dataset = apply_split(dataset, "ratio", split_seed)
    elif not len(dataset.test):
        dataset.notes.append(
            "the data say that all of them are for training, so nothing is tested; --split cuts them anew"
        )
    if len(dataset.valid) == 0 and (carve or issubclass(kind, Recommender)):
        train, valid = carve_validation(dataset.train, ratio=VALIDATION_RATIO, seed=split_seed)
        if len(valid) == 0:
            raise DataError(
                f"{dataset.name}: no user has two training interactions, so none can be kept back for validation; "
                "more data are needed to train this model"
            )
        note = f"{dataset.split}, {VALIDATION_RATIO:.0%} of each user's train as validation, seed {split_seed}"
        dataset = replace(dataset, train=train, valid=valid, split=note)
    return dataset
