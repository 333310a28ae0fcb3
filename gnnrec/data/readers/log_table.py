"""A table of a log with checked columns: every problem is kept with its file, row and column."""

import re
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from gnnrec.data.readers.base import PARTS
from gnnrec.data.readers.dates import MOMENT, are_dates, epoch_seconds, is_date
from gnnrec.data.readers.text_files import filled_row
from gnnrec.errors import DataError

__all__ = ["LogTable", "raise_problems"]

_SHOWN = 3
_MOST = 10_000  # rows of a problem that are counted
_PIECE = 65_536  # rows that are looked at together
_PLAIN_NUMBER = re.compile(r"-?[0-9]{1,15}(\.[0-9]{1,15})?")
_WHOLE_DECIMAL = r"^-?[0-9]{1,15}(\.0+)?$"
_LABELS = {
    "train": 0,
    "valid": 1,
    "val": 1,
    "validation": 1,
    "test": 2,
    "0": 0,
    "1": 1,
    "2": 2,
}


class LogTable:
    """Columns of a file, as pyarrow arrays, and what is wrong with them.

    The getters return arrays of the right kind and collect problems instead of raising, so that several are
    reported together by :func:`raise_problems`.

    Args:
        path: The file.
        columns: Columns by name (``pyarrow.ChunkedArray``), all of one length.
        text: The file's content where it is a text file, to number rows as an editor does (the header is
            row 1).
        first_row: Number of the first row of data.
    """

    def __init__(self, path: Path, columns: dict[str, Any], text: bytes | None = None, first_row: int = 1) -> None:
        self.path = path
        self.columns = columns
        self.problems: list[str] = []
        self.notes: list[str] = []
        self._text = text
        self._first_row = first_row

    def __len__(self) -> int:
        return len(next(iter(self.columns.values()))) if self.columns else 0

    @property
    def is_text_file(self) -> bool:
        """Whether the columns are text because the file is, not because it says so."""
        return self._text is not None

    def row(self, index: int) -> int:
        """Row number of the ``index``-th row of data; blank lines of a text file count as rows."""
        if self._text is None:
            return index + self._first_row
        return filled_row(self._text, index + self._first_row - 1)

    def find(self, role: str, names: Sequence[str], required: bool = True, hint: str = "") -> str | None:
        """The column among ``names``, whatever its case.

        Args:
            role: What the column is for, for the message.
            names: Accepted names, the first found wins.
            required: Whether a missing column is a problem.
            hint: What helps then, for the message.
        """
        by_name = {name.lower(): name for name in reversed(list(self.columns))}
        for name in names:
            if name.lower() in by_name:
                return by_name[name.lower()]
        if required:
            wanted = f"'{names[0]}'" if len(names) == 1 else "one of " + ", ".join(f"'{name}'" for name in names)
            have = ", ".join(f"'{name}'" for name in self.columns) or "none"
            self.problems.append(
                f"{self.path}, row 1: no column for the {role}: must have {wanted} (columns: {have}){hint}"
            )
        return None

    def indices(self, column: str) -> npt.NDArray[np.int64]:
        """Positions: whole numbers from 0. Shape: (E,)."""
        import pyarrow as pa
        import pyarrow.compute as pc

        values = self.columns[column]
        if _is_text(values) and pc.all(pc.match_substring_regex(values, "^[0-9]{1,18}$")).as_py() is not False:
            values = values.cast(pa.int64())
        if pa.types.is_integer(values.type) and values.null_count == 0:
            numbers: npt.NDArray[np.int64] = values.to_numpy().astype(np.int64)
            if not numbers.size or numbers.min() >= 0:
                return numbers
        self._report(column, "a whole number of at least 0", _is_position)
        return np.zeros(len(self), dtype=np.int64)

    def times(self, column: str) -> npt.NDArray[np.generic]:
        """Seconds since the epoch: int64 where all are whole numbers, float64 otherwise. Shape: (E,).

        Numbers are taken for such seconds. Dates are those of a Parquet file or ISO 8601 text, in UTC where
        they name no zone. A column has one kind.
        """
        values = self.columns[column]
        if not are_dates(values):
            return self.numbers(column, MOMENT)
        seconds = epoch_seconds(values)
        if seconds is None:
            self._report(column, MOMENT, is_date)
            return np.zeros(len(self))
        return seconds

    def numbers(self, column: str, wanted: str = "a finite number") -> npt.NDArray[np.generic]:
        """Finite numbers: int64 where all are whole numbers, float64 otherwise. Shape: (E,).

        Args:
            column: Name of the column.
            wanted: What the values must be, for the message.
        """
        import pyarrow as pa

        values = self.columns[column]
        try:
            decimals = values.cast(pa.float64(), safe=False)
        except (pa.ArrowInvalid, pa.ArrowNotImplementedError):
            decimals = None
        if decimals is None or decimals.null_count or not np.isfinite(decimals.to_numpy()).all():
            self._report(column, wanted, _is_finite)
            return np.zeros(len(self))
        try:
            whole: npt.NDArray[np.int64] = values.cast(pa.int64()).to_numpy()
            return whole
        except pa.ArrowInvalid:  # decimals, or whole numbers written as decimals
            numbers: npt.NDArray[np.float64] = decimals.to_numpy()
            is_whole = bool((np.mod(numbers, 1) == 0).all() and (np.abs(numbers) < 2**53).all())
            return numbers.astype(np.int64) if is_whole else numbers

    def weights(self, column: str) -> npt.NDArray[np.generic]:
        """Finite strengths: float64 if the file says so, float32 otherwise. Shape: (E,)."""
        import pyarrow as pa

        kind = np.float64 if pa.types.is_float64(self.columns[column].type) else np.float32
        return self.numbers(column).astype(kind)

    def ids(self, column: str) -> Any:
        """External ids: int64 or text, none of them missing. A ``pyarrow.ChunkedArray`` of length E."""
        import pyarrow as pa
        import pyarrow.compute as pc

        values = self.columns[column]
        if pa.types.is_dictionary(values.type):
            values = values.cast(values.type.value_type)
        if pa.types.is_floating(values.type):
            try:
                values = values.cast(pa.int64())
            except pa.ArrowInvalid:
                self._report(column, "a whole number or text", _is_whole)
                return pa.chunked_array([np.zeros(len(self), dtype=np.int64)])
        if not (_is_text(values) or pa.types.is_integer(values.type)):
            self.problems.append(
                f"{self.path}, column '{column}': ids must be whole numbers or text (got {values.type})"
            )
            return pa.chunked_array([np.zeros(len(self), dtype=np.int64)])
        if pa.types.is_unsigned_integer(values.type) and (pc.max(values).as_py() or 0) >= 2**63:
            values = values.cast(pa.large_string())  # hashes of 64 bits
        if _is_text(values):
            values = self._tidy(column, values) if self.is_text_file else values
        if values.null_count or (_is_text(values) and pc.any(pc.equal(values, "")).as_py()):
            self._report(column, "an id", lambda value: value not in (None, ""))
        return values.cast(pa.large_string() if _is_text(values) else pa.int64())

    def _tidy(self, column: str, values: Any) -> Any:
        """Ids of a text file as they are meant: one id where some differ by blanks only, whole numbers without ``.0``.

        Programs that have met a missing id write all of a column as ``3.0``.
        """
        import pyarrow.compute as pc

        trimmed = pc.utf8_trim_whitespace(values)
        if pc.count_distinct(trimmed).as_py() < pc.count_distinct(values).as_py():
            self.notes.append(f"{self.path}: ids of '{column}' differ by blanks around them only; they are left out")
            values = trimmed
        is_whole = pc.match_substring_regex(values, _WHOLE_DECIMAL)
        if pc.any(pc.ends_with(values, ".0")).as_py() and pc.all(is_whole).as_py():
            return pc.replace_substring_regex(values, r"\.0+$", "")
        return values

    def labels(self, column: str) -> npt.NDArray[np.int8]:
        """Parts: 0 train, 1 valid, 2 test, from these numbers or names. Shape: (E,)."""
        import pyarrow as pa

        encoded = self.columns[column].cast(pa.string()).dictionary_encode().unify_dictionaries().combine_chunks()
        known = [_LABELS.get(str(label).lower(), -1) for label in encoded.dictionary.to_pylist()]
        if -1 in known or encoded.null_count:
            allowed = f"a split label: {', '.join(PARTS)} or 0, 1, 2"
            self._report(column, allowed, lambda value: str(value).lower() in _LABELS)
            return np.zeros(len(self), dtype=np.int8)
        parts: npt.NDArray[np.int8] = np.asarray(known, dtype=np.int8)[encoded.indices.to_numpy()]
        return parts

    def report_rows(self, column: str, message: str, rows: Sequence[int] | npt.NDArray[np.int64]) -> None:
        """Keep the problem ``message`` of the rows of data at ``rows``; of many, their number is not told."""
        others = ""
        if len(rows) > 1:
            shown = ", ".join(str(self.row(int(row))) for row in rows[1:_SHOWN])
            others = f"; also row{'s' if len(rows) > 2 else ''} {shown}"
        if len(rows) > _SHOWN:
            others += f" and {len(rows) - _SHOWN if len(rows) < _MOST else 'many'} more"
        self.problems.append(f"{self.path}, row {self.row(int(rows[0]))}, column '{column}': {message}{others}")

    def _report(self, column: str, wanted: str, is_good: Callable[[object], bool]) -> None:
        values, bad = self.columns[column], list[int]()
        for start in range(0, len(values), _PIECE):
            listed = values.slice(start, _PIECE).to_pylist()
            bad += [start + row for row, value in enumerate(listed) if not is_good(value)]
            if len(bad) >= _MOST:
                break
        self.report_rows(column, f"must be {wanted} (got {values[bad[0]].as_py()!r})", bad)


def raise_problems(tables: Sequence[LogTable]) -> None:
    """Raise the problems of all tables together.

    Raises:
        DataError: If there is any.
    """
    problems = [problem for table in tables for problem in table.problems]
    if problems:
        raise DataError(problems)


def _is_text(values: Any) -> bool:
    import pyarrow as pa

    return bool(pa.types.is_string(values.type) or pa.types.is_large_string(values.type))


def _is_position(value: object) -> bool:
    text = str(value)
    return text.isascii() and text.isdigit() and len(text) <= 18


def _is_finite(value: object) -> bool:
    import pyarrow as pa

    if isinstance(value, str) and _PLAIN_NUMBER.fullmatch(value):  # nearly all, and much faster
        return True
    try:
        number = pa.scalar(value).cast(pa.float64()).as_py()
    except (pa.ArrowInvalid, pa.ArrowNotImplementedError):
        return False
    return number is not None and bool(np.isfinite(number))


def _is_whole(value: object) -> bool:
    return isinstance(value, float) and value.is_integer() and abs(value) < 2**53
