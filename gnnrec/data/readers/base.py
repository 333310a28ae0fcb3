"""What every reader hands over, and what a reader is."""

from collections.abc import Callable, Collection, Mapping
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

__all__ = ["PARTS", "RawLog", "Reader", "TableForm", "position_map", "refuse_form"]

PARTS = ("train", "valid", "test")

# Position ids far above the number of rows are a mistake (an external id in a position column), and would
# make tables of that many rows.
_SPARSEST = 1_000
_SLACK = 1_000_000


@dataclass(frozen=True)
class TableForm:
    """How a user says that a table is to be read; each format takes what makes sense for it.

    Args:
        columns: Column name of each role; the number of a column where there is no header, from 1.
        header: Whether the first line names the columns.
        delimiter: What separates columns [default: by the file's name].
        encoding: Of the text [default: UTF-8].
    """

    columns: Mapping[str, str] = field(default_factory=dict)
    header: bool = True
    delimiter: str | None = None
    encoding: str | None = None


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
        read: Reads the log. Takes the path and what the user says of its form.
    """

    name: str
    looks_for: str
    detect: Callable[[Path], bool]
    read: Callable[[Path, TableForm], RawLog]


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


def refuse_form(form: TableForm, reader: str, taken: Collection[str] = ()) -> None:
    """Say that what a format fixes cannot be chosen.

    Args:
        form: What the user says.
        reader: Name of the format.
        taken: Fields of the form that the format takes.

    Raises:
        ArgumentError: If anything else is said of the form.
    """
    plain = TableForm()
    said = {name: value for name, value in vars(form).items() if value != getattr(plain, name) and name not in taken}
    if said:
        got = ", ".join(f"{name} {value}" for name, value in said.items())
        raise ArgumentError(
            f"'{next(iter(said))}' is for tables; format '{reader}' fixes it (got {got}): leave it out, or say "
            "--format table"
        )
