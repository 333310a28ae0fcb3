"""What every reader hands over, and what a reader is."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from gnnrec.data.feature_file import FeatureFile
from gnnrec.data.id_map import IdMap
from gnnrec.errors import ArgumentError, DataError

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["PARTS", "RawLog", "Reader", "position_map", "refuse_columns"]

PARTS = ("train", "valid", "test")

# Position ids far above the number of rows are a mistake (an external id in a position column), and would
# make tables of that many rows.
_SPARSEST = 1_000
_SLACK = 1_000_000


@dataclass
class RawLog:
    """A log as it was read: positions by row in file order, before duplicates are dropped and parts are cut.

    Args:
        path: File or folder it was read from, for messages.
        name: Name of the data set.
        users: External user ids by position.
        items: External item ids by position.
        user: User of each row. Shape: (E,), int64.
        item: Item of each row. Shape: (E,), int64.
        part: Index into ``PARTS`` of each row, if the files give a split. Shape: (E,), int8.
        timestamp: Seconds since the epoch. Shape: (E,), int64 or float64.
        weight: Strength, for instance a rating. Shape: (E,), float32 or float64.
        features: Feature files of this format; nothing is loaded yet.
        catalog: Table of the items in position order.
        notes: What the user should know about the data, a line each.
        columns: Names of the file's columns, where the user can choose among them.
    """

    path: Path
    name: str
    users: IdMap
    items: IdMap
    user: npt.NDArray[np.int64]
    item: npt.NDArray[np.int64]
    part: npt.NDArray[np.int8] | None = None
    timestamp: npt.NDArray[np.generic] | None = None
    weight: npt.NDArray[np.generic] | None = None
    features: list[FeatureFile] = field(default_factory=list)
    catalog: "pd.DataFrame | None" = None
    notes: list[str] = field(default_factory=list)
    columns: list[str] = field(default_factory=list)


@dataclass(frozen=True)
class Reader:
    """One file format.

    Args:
        name: Name of the format.
        looks_for: What detection looks for, for the message when nothing is found.
        detect: Whether a path that exists has this format; cheap, reads a header line at most.
        read: Reads the log. Takes the path and the column names given by the user.
    """

    name: str
    looks_for: str
    detect: Callable[[Path], bool]
    read: Callable[[Path, Mapping[str, str]], RawLog]


def position_map(largest: int, rows: int, path: Path, kind: str) -> IdMap:
    """The id map of files whose ids are positions 0..largest.

    Args:
        largest: Largest id.
        rows: Rows of the file, which bound how large an id can reasonably be.
        path: File, for messages.
        kind: ``"user"`` or ``"item"``.

    Raises:
        DataError: If the largest id cannot be a position.
    """
    if largest >= _SPARSEST * rows + _SLACK:
        raise DataError(
            f"{path}: {kind} ids must be positions 0..n-1, but the largest is {largest} in {rows} rows; "
            "read it as a table (format 'table') if these are external ids"
        )
    return IdMap.of_range(largest + 1, kind=kind)


def refuse_columns(columns: Mapping[str, str], reader: str) -> None:
    """Say that column names cannot be chosen in a format that fixes them.

    Raises:
        ArgumentError: If any column name is given.
    """
    if columns:
        raise ArgumentError(
            f"'columns' are for tables (format 'table'); format '{reader}' fixes its columns (got {dict(columns)})"
        )
