"""Delimited text and Parquet files as tables of columns."""

import csv
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from gnnrec.data.readers.log_table import LogTable, filled_rows
from gnnrec.errors import DataError

__all__ = ["header_of", "read_delimited", "read_parquet"]

_SHOWN = 5
_BLOCK_BYTES = 1 << 26  # a row has to fit into one block
_DELIMITERS = {"\t": "tab", ",": "comma", ";": "semicolon", "|": "bar", "::": "'::'", " ": "space"}


def header_of(path: Path, delimiter: str = "\t") -> list[str]:
    """Column names in the first line of a text file; empty if the file has no readable text."""
    with path.open("rb") as stream:
        line = stream.readline(65536)
    try:
        return next(csv.reader([line.decode("utf-8-sig").rstrip("\r\n")], delimiter=delimiter), [])
    except (UnicodeDecodeError, csv.Error):
        return []


def read_delimited(
    path: Path,
    delimiter: str,
    names: Sequence[str] | None = None,
    quoted: bool = False,
    encoding: str = "utf8",
) -> LogTable:
    """Read a delimited text file, every column as text.

    Args:
        path: The file.
        delimiter: What separates columns; may be longer than a character.
        names: Names of the columns of a file without a header line.
        quoted: Whether ``"`` quotes values.
        encoding: Character encoding.

    Raises:
        DataError: If the file is absent, empty, not such text, or rows differ in their number of columns.
    """
    content = _read_bytes(path)
    if not content.strip():
        raise DataError(f"{path}: must have rows of data (got an empty file)")
    if encoding == "utf8":
        _check_utf8(path, content)
    if len(delimiter) > 1:
        content, delimiter = content.replace(delimiter.encode(), b"\t"), "\t"
    columns = list(names) if names is not None else header_of(path, delimiter)
    if not columns:
        raise DataError(f"{path}, row 1: must be a line of column names")
    if len(set(columns)) < len(columns):
        raise DataError(f"{path}, row 1: column names must differ (got {', '.join(columns)})")
    _check_delimiter(path, content, delimiter, encoding)
    table = _parse(path, content, delimiter, columns, names is None, quoted, encoding)
    if not table.num_rows:
        raise DataError(f"{path}: must have rows of data (got a header only)")
    return LogTable(
        path,
        {name: table.column(name) for name in columns},
        text=content,
        first_row=1 if names is not None else 2,
    )


def read_parquet(path: Path) -> LogTable:
    """Read a Parquet file with the types that it declares.

    Raises:
        DataError: If the file is absent, truncated or not Parquet.
    """
    import pyarrow as pa
    from pyarrow import parquet

    if not path.is_file():
        raise DataError(f"{path}: no such file")
    try:
        table = parquet.read_table(path, partitioning=None)
    except (pa.ArrowException, OSError) as error:
        raise DataError(f"{path}: not a whole Parquet file: {_first_line(error)}") from None
    return LogTable(path, {name: table.column(name) for name in table.column_names})


def _read_bytes(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except FileNotFoundError:
        raise DataError(f"{path}: no such file") from None
    except OSError as error:
        raise DataError(f"{path}: cannot be read: {error.strerror}") from None


def _parse(
    path: Path,
    content: bytes,
    delimiter: str,
    columns: Sequence[str],
    has_header: bool,
    quoted: bool,
    encoding: str,
) -> Any:
    """The ``pyarrow.Table`` of text; blank lines are nothing, other rows must have all columns."""
    import pyarrow as pa
    from pyarrow import csv as arrow_csv

    ragged: list[tuple[int, int]] = []

    def note_ragged(row: Any) -> str:
        if row.text.strip("\r\n"):  # the only column of a file may be blank
            ragged.append((row.number, row.actual_columns))
        return "skip"

    try:
        table = arrow_csv.read_csv(
            pa.BufferReader(content),
            read_options=arrow_csv.ReadOptions(
                use_threads=False,  # row numbers are known to one thread only
                column_names=columns,
                skip_rows=int(has_header),
                block_size=_BLOCK_BYTES,
                encoding=encoding,
            ),
            parse_options=arrow_csv.ParseOptions(
                delimiter=delimiter,
                quote_char='"' if quoted else False,
                newlines_in_values=quoted,
                invalid_row_handler=note_ragged,
            ),
            convert_options=arrow_csv.ConvertOptions(column_types=dict.fromkeys(columns, pa.string())),
        )
    except pa.ArrowInvalid as error:
        if "Empty CSV" in str(error):
            raise DataError(f"{path}: must have rows of data (got a header only)") from None
        kind = f"{_delimiter_name(delimiter)}-separated {encoding} text"
        raise DataError(f"{path}: not readable as {kind}: {_first_line(error)}") from None
    if ragged:
        numbers = filled_rows(content)
        kind = f"{len(columns)} {_delimiter_name(delimiter)}-separated columns"
        more = [f"{path}: {len(ragged) - _SHOWN} more such rows"] if len(ragged) > _SHOWN else []
        raise DataError(
            [f"{path}, row {numbers[row - 1]}: must have {kind} (got {count})" for row, count in ragged[:_SHOWN]] + more
        )
    return table


def _check_utf8(path: Path, content: bytes) -> None:
    if content.isascii():
        return
    try:
        content.decode("utf8")
    except UnicodeDecodeError as error:
        row = len((content[: error.start] + b".").splitlines())
        raise DataError(f"{path}: row {row} is not UTF-8; save the file as UTF-8") from None


def _check_delimiter(path: Path, content: bytes, delimiter: str, encoding: str) -> None:
    """Refuse a first line without the delimiter that has another one."""
    line = content.split(b"\n", 1)[0].decode(encoding, errors="replace")
    others = {other: line.count(other) for other in _DELIMITERS if other in line}
    if delimiter not in line and others:
        other = max(others, key=lambda candidate: (others[candidate], len(candidate)))
        raise DataError(
            f"{path}, row 1: columns must be {_delimiter_name(delimiter)}-separated "
            f"(got {_delimiter_name(other)}-separated: '{line.strip()[:60]}')"
        )


def _delimiter_name(delimiter: str) -> str:
    return _DELIMITERS.get(delimiter, repr(delimiter))


def _first_line(error: Exception) -> str:
    return (str(error).splitlines() or [type(error).__name__])[0].rstrip(".")
