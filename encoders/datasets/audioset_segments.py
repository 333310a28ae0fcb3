"""AudioSet's tables of segments: films, times and labels."""

import math
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

from encoders.datasets.csv_rows import csv_rows
from encoders.datasets.problems import row_problem
from encoders.errors import DatasetError

__all__ = ["Segment", "read_segments"]

_COLUMNS = ["# YTID", "start_seconds", "end_seconds", "positive_labels"]


class Segment(NamedTuple):
    """A row of a table.

    Args:
        name: The film and the start, as files are called.
        film: Its identifier at YouTube.
        labels: Ascending.
        table: The file that it is in.
    """

    name: str
    film: str
    labels: tuple[int, ...]
    table: Path


class _Wrong(NamedTuple):
    """What is wrong with a row: the column, if it is one, what would be right and what is there."""

    column: str | None
    wanted: str
    got: str


def read_segments(tables: Sequence[Path], label_of: Mapping[str, int]) -> tuple[list[Segment], list[str]]:
    """Read tables as they are published: comments, the last of them the names of the columns, then a row a segment.

    Args:
        tables: The files.
        label_of: Position of each class by its identifier, such as ``"/m/09x0r"``.

    Returns:
        The segments, in order, and what is wrong with the tables.
    """
    segments: dict[str, Segment] = {}
    problems = []
    for table in tables:
        try:
            problems += _read_table(table, label_of, segments)
        except DatasetError as error:
            problems += error.problems
    return list(segments.values()), problems


def _read_table(table: Path, label_of: Mapping[str, int], segments: dict[str, Segment]) -> list[str]:
    """Add the segments of a table; what is wrong with it."""
    # What the first row of each kind of problem has, and all rows.
    wrong: dict[tuple[str | None, str], tuple[str, list[int]]] = {}
    columns: list[str] = []
    is_empty = True
    for row, values in csv_rows(table):
        if values[0].startswith("#"):
            columns = [value.strip() for value in values]
            continue
        if columns != _COLUMNS:
            got = ", ".join(columns) or "no comment"
            raise DatasetError(f"{table}, row {row}: must be below a row '{', '.join(_COLUMNS)}' (got {got})")
        is_empty = False
        found = _parse(table, values, label_of)
        if isinstance(found, Segment):
            if segments.setdefault(found.name, found) is found:
                continue
            found = _Wrong(_COLUMNS[0], "must be one segment a row", f"{found.name} again")
        kind = found.column, found.wanted
        wrong.setdefault(kind, (found.got, []))[1].append(row)
    if is_empty:
        return [f"{table}: must have segments (got none)"]
    return [
        row_problem(table, rows, f"{wanted} (got {got})", column=column and column.strip("# "))
        for (column, wanted), (got, rows) in wrong.items()
    ]


def _parse(table: Path, values: Sequence[str], label_of: Mapping[str, int]) -> Segment | _Wrong:
    if len(values) != len(_COLUMNS):
        return _Wrong(None, f"must have {len(_COLUMNS)} values", str(len(values)))
    film, start, end, labels = values[0].strip(), _number(values[1]), _number(values[2]), values[3].split(",")
    if not film or "/" in film:
        return _Wrong(_COLUMNS[0], "must be the identifier of a film", repr(film))
    if not 0 <= start < math.inf:
        return _Wrong(_COLUMNS[1], "must be a number of seconds of at least 0", repr(values[1]))
    if not start < end < math.inf:
        return _Wrong(_COLUMNS[2], "must be a number of seconds above the start", repr(values[2]))
    positions = {label_of.get(label.strip(), -1) for label in labels}
    if -1 in positions:
        unknown = next(label.strip() for label in labels if label.strip() not in label_of)
        return _Wrong(_COLUMNS[3], "must be identifiers of class_labels_indices.csv", repr(unknown))
    return Segment(f"{film}_{start:.3f}", film, tuple(sorted(positions)), table)


def _number(text: str) -> float:
    try:
        return float(text)
    except ValueError:
        return math.nan
