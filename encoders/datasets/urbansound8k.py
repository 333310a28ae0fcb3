"""UrbanSound8K: 8732 sounds of up to 4 s in 10 classes and 10 folds."""

import re
from pathlib import Path

from encoders.datasets.csv_table import CsvTable
from encoders.datasets.dataset_format import DatasetFormat
from encoders.datasets.fold_table import read_fold_table
from encoders.datasets.labeled_collection import LabeledCollection

__all__ = ["FORMAT", "read_urbansound8k"]

_TABLE = Path("metadata", "UrbanSound8K.csv")
_RECORDING = re.compile(r"([0-9]+)-")  # RECORDING-CLASS-OCCURRENCE-SLICE.wav
_NUM_FOLDS = 10
_SECONDS = 4.0


def read_urbansound8k(path: Path) -> LabeledCollection:
    """Read UrbanSound8K (https://urbansounddataset.weebly.com/urbansound8k.html) as it is published.

    The folder has ``metadata/UrbanSound8K.csv``, with the columns slice_file_name, fold, classID and class (and others
    that are not used), and ``audio/fold1`` to ``audio/fold10`` with the files that it names. Classes are in the order
    of ``classID``; their underscores become spaces.

    Args:
        path: The folder.

    Raises:
        DatasetError: If the table is wrong or a file is missing.
    """
    items, classes = read_fold_table(
        CsvTable(path / _TABLE, ("slice_file_name", "fold", "classID", "class")),
        file_column="slice_file_name",
        number_column="classID",
        name_column="class",
        num_folds=_NUM_FOLDS,
        folder_of=lambda fold: path / "audio" / f"fold{fold}",
        recording=_RECORDING,
    )
    return LabeledCollection("urbansound8k", items, classes, seconds=_SECONDS)


def _detect(path: Path) -> bool:
    return (path / _TABLE).is_file()


FORMAT = DatasetFormat("urbansound8k", looks_for=_TABLE.as_posix(), detect=_detect, read=read_urbansound8k)
