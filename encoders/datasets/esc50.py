"""ESC-50: 2000 sounds of 5 s in 50 classes and 5 folds."""

import re
from pathlib import Path

from encoders.datasets.csv_table import CsvTable
from encoders.datasets.dataset_format import DatasetFormat
from encoders.datasets.fold_table import read_fold_table
from encoders.datasets.labeled_collection import LabeledCollection

__all__ = ["FORMAT", "read_esc50"]

_TABLE = Path("meta", "esc50.csv")
_RECORDING = re.compile(r"[0-9]+-([0-9]+)-")  # FOLD-RECORDING-TAKE-TARGET.wav
_NUM_FOLDS = 5
_SECONDS = 5.0


def read_esc50(path: Path, *, esc10_only: bool = False) -> LabeledCollection:
    """Read ESC-50 (https://github.com/karolpiczak/ESC-50) as it is published.

    The folder has ``meta/esc50.csv``, with the columns filename, fold, target and category (and others that are not
    used), and ``audio/`` with the files that it names. Classes are in the order of ``target``; the underscores of
    categories become spaces.

    Args:
        path: The folder.
        esc10_only: Keep only the rows, and so the ten classes, that the column ``esc10`` marks; files of others need
            not be there.

    Raises:
        DatasetError: If the table is wrong or a file is missing.
    """
    table = CsvTable(path / _TABLE, ("filename", "fold", "target", "category", *(["esc10"] if esc10_only else [])))
    if esc10_only:
        _keep_marked(table)
    items, classes = read_fold_table(
        table,
        file_column="filename",
        number_column="target",
        name_column="category",
        num_folds=_NUM_FOLDS,
        folder_of=lambda fold: path / "audio",
        recording=_RECORDING,
    )
    return LabeledCollection("esc10" if esc10_only else "esc50", items, classes, seconds=_SECONDS)


def _keep_marked(table: CsvTable) -> None:
    marks = table.texts("esc10")
    table.require(
        "esc10",
        [mark.lower() in ("true", "false", "") for mark in marks],  # empty ones have been reported
        lambda place: f"must be True or False (got '{marks[place]}')",
    )
    is_marked = [mark.lower() == "true" for mark in marks]
    if marks and not any(is_marked):
        table.problems.append(f"{table.path}, column 'esc10': must be True in some rows (got none)")
    table.keep_rows(is_marked)


def _detect(path: Path) -> bool:
    return (path / _TABLE).is_file()


FORMAT = DatasetFormat("esc50", looks_for=_TABLE.as_posix(), detect=_detect, read=read_esc50)
