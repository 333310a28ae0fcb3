"""Tables of comma-separated values with checked columns."""

from collections.abc import Callable, Sequence
from pathlib import Path

from encoders.datasets.csv_rows import csv_rows
from encoders.datasets.problems import row_problem
from encoders.errors import DatasetError

__all__ = ["CsvTable"]

_LONGEST = 18  # digits that are a number; more are a mistake


class CsvTable:
    """The columns of a file and what is wrong with them.

    The checks keep problems instead of raising, so that several are reported together by :meth:`raise_problems`.

    Args:
        path: The file, in UTF-8, its first row the names of the columns.
        columns: Columns that it must have; it may have more.

    Raises:
        DatasetError: If the file cannot be read, or lacks a column.
    """

    def __init__(self, path: Path, columns: Sequence[str]) -> None:
        self.path = path
        self.problems: list[str] = []
        rows = list(csv_rows(path))
        header = [name.strip() for name in rows[0][1]] if rows else []
        absent = [name for name in columns if name not in header]
        if absent:
            wanted = f"{', '.join(columns)}; {', '.join(absent)} {'is' if len(absent) == 1 else 'are'} missing"
            raise DatasetError(f"{path}, row 1: must name the columns {wanted} (got {', '.join(header) or 'nothing'})")
        cut = [(row, values) for row, values in rows[1:] if len(values) != len(header)]
        whole = [(row, values) for row, values in rows[1:] if len(values) == len(header)]
        if cut:
            message = f"must have {len(header)} values (got {len(cut[0][1])})"
            self.problems.append(row_problem(path, [row for row, _ in cut], message))
        elif not whole:
            self.problems.append(f"{path}: must have rows below its header (got none)")
        self.rows = [row for row, _ in whole]
        self._columns = {name: [values[place].strip() for _, values in whole] for place, name in enumerate(header)}

    def texts(self, column: str) -> list[str]:
        """Values that are not empty."""
        values = self._columns[column]
        self.require(column, [value != "" for value in values], lambda place: "must not be empty (got '')")
        return values

    def unique_texts(self, column: str) -> list[str]:
        """Values that are not empty and all different."""
        values = self.texts(column)
        first: dict[str, int] = {}
        is_first = [first.setdefault(value, place) == place for place, value in enumerate(values)]
        self.require(
            column,
            is_first,
            lambda place: f"must be unique (got '{values[place]}', as row {self.rows[first[values[place]]]} has)",
        )
        return values

    def whole_numbers(self, column: str, lowest: int, highest: int | None = None) -> list[int]:
        """Whole numbers between the two; below the lowest where the file has something else."""
        numbers = [_whole_number(value, lowest, highest) for value in self._columns[column]]
        wanted = f"of at least {lowest}" if highest is None else f"from {lowest} to {highest}"
        self.require(
            column,
            [number >= lowest for number in numbers],
            lambda place: f"must be a whole number {wanted} (got '{self._columns[column][place]}')",
        )
        return numbers

    def require(self, column: str, is_good: Sequence[bool], message: Callable[[int], str]) -> None:
        """Keep a problem if not all values are good.

        Args:
            column: Name of the column.
            is_good: Whether each value is.
            message: Says what is wrong with the value at a place.
        """
        bad = [place for place, good in enumerate(is_good) if not good]
        if bad:
            rows = [self.rows[place] for place in bad]
            self.problems.append(row_problem(self.path, rows, message(bad[0]), column=column))

    def keep_rows(self, is_kept: Sequence[bool]) -> None:
        """Go on as if the other rows were not there."""
        places = [place for place, kept in enumerate(is_kept) if kept]
        self.rows = [self.rows[place] for place in places]
        self._columns = {name: [values[place] for place in places] for name, values in self._columns.items()}

    def raise_problems(self) -> None:
        """Raise the problems together.

        Raises:
            DatasetError: If there is any.
        """
        if self.problems:
            raise DatasetError(self.problems)


def _whole_number(text: str, lowest: int, highest: int | None) -> int:
    """The number, or one below the lowest."""
    if not (text.isascii() and text.isdigit() and len(text) <= _LONGEST):
        return lowest - 1
    number = int(text)
    return number if lowest <= number and (highest is None or number <= highest) else lowest - 1
