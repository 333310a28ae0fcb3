"""Delimited text and Parquet files as tables of columns."""

import csv
import io
import re
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from encoders.files import require_regular
from gnnrec.data.readers.log_table import LogTable
from gnnrec.data.readers.text_files import (
    BLOCK_BYTES,
    DELIMITERS,
    count_filled,
    filled_row,
    first_names,
    read_text,
)
from gnnrec.errors import DataError

__all__ = ["read_delimited", "read_parquet", "without_types"]

_SHOWN = 5
_MOST_COLUMNS = 10_000
_MOST_RAGGED = 1_000
_EXPANSION = 100
_LEAST_LIMIT = 1 << 26
_TYPED = re.compile(r".+:(token|token_seq|float|float_seq)")


def read_delimited(
    path: Path,
    delimiter: str,
    names: Sequence[str] | None = None,
    quoted: bool = False,
    encoding: str = "utf8",
) -> LogTable:
    """Read a delimited text file, every column as text; a row of the file is a row of the table.

    Args:
        path: The file.
        delimiter: What separates columns; may be longer than a character.
        names: Names of the columns of a file without a header line.
        quoted: Whether ``"`` may quote values. A file in which each line has all columns as it stands is taken as it
            stands: a stray quote would swallow rows otherwise.
        encoding: Character encoding, as for :func:`read_text`.

    Raises:
        DataError: If the file is absent, empty, not such text, or rows differ in their number of columns.
    """
    content = read_text(path, encoding)
    if not content.strip():
        raise DataError(f"{path}: must have rows of data (got an empty file)")
    if not delimiter:
        raise DataError(f"{path}: 'delimiter' must be one character or more (got none)")
    if len(delimiter.encode()) > 1:
        if b"\t" in content:
            raise DataError(f"{path}: must hold no tabs where columns are separated by {delimiter!r}")
        content, delimiter = content.replace(delimiter.encode(), b"\t"), "\t"
    columns = list(names) if names is not None else first_names(content, delimiter)
    if not columns:
        raise DataError(f"{path}, row 1: must be a line of column names")
    _check_count(path, len(columns))
    if len(set(columns)) < len(columns):
        raise DataError(
            f"{path}, row 1: column names must differ (got {', '.join(columns)}); without a header, --no-header"
        )
    _check_delimiter(path, content, delimiter)
    table, notes = _parse_rows(path, content, delimiter, columns, names is None, quoted)
    if not table.num_rows:
        raise DataError(f"{path}: must have rows of data (got a header only)")
    found = LogTable(
        path,
        {name: table.column(name) for name in columns},
        text=content,
        first_row=1 if names is not None else 2,
    )
    found.notes += notes
    return found


def without_types(table: LogTable) -> LogTable:
    """The table with columns called without their types, where all have one, as in RecBole's files."""
    if all(_TYPED.fullmatch(name) for name in table.columns):
        names = [name.rpartition(":")[0] for name in table.columns]
        if len(set(names)) == len(names):
            table.columns = dict(zip(names, table.columns.values(), strict=True))
    return table


def read_parquet(path: Path) -> LogTable:
    """Read a Parquet file with the types that it declares.

    Raises:
        DataError: If the file is absent, truncated or not Parquet.
    """
    import pyarrow as pa
    from pyarrow import parquet

    require_regular(path, DataError)
    if not path.is_file():
        raise DataError(f"{path}: no such file")
    limit = max(_EXPANSION * path.stat().st_size, _LEAST_LIMIT)
    try:
        with parquet.ParquetFile(path) as file:
            about, schema = file.metadata, file.schema_arrow
        _check_count(path, about.num_columns)
        sizes = [about.row_group(group).total_byte_size for group in range(about.num_row_groups)]
        if max(8 * about.num_rows * len(schema), sum(sizes)) > limit:
            raise DataError(_promise(path, about.num_rows))
        # Texts stay numbers of their dictionary until it is known how much they are.
        texts = [field.name for field in schema if _is_text(field.type)]
        table = parquet.read_table(path, partitioning=None, read_dictionary=texts)
        encoded = [column for column in table.columns if pa.types.is_dictionary(column.type)]
        if sum(_text_bytes(column) for column in encoded if _is_text(column.type.value_type)) > limit:
            raise DataError(_promise(path, about.num_rows))
        columns = {name: table.column(name) for name in table.column_names}
        columns.update({name: columns[name].cast(schema.field(name).type) for name in texts})
    except (pa.ArrowException, OSError) as error:
        raise DataError(f"{path}: not a whole Parquet file: {_first_line(error)}") from None
    return LogTable(path, columns)


def _promise(path: Path, rows: int) -> str:
    return f"{path}: promises more than a file of its size can reasonably hold ({rows:,} rows)"


def _is_text(kind: Any) -> bool:
    import pyarrow as pa

    return bool(pa.types.is_string(kind) or pa.types.is_large_string(kind))


def _text_bytes(values: Any) -> int:
    """Bytes of a column of texts when each row has its own."""
    import pyarrow.compute as pc

    chunks = [chunk for chunk in values.chunks if len(chunk.dictionary)]
    return sum(
        pc.sum(pc.binary_length(chunk.dictionary).take(chunk.indices).cast("int64")).as_py() or 0 for chunk in chunks
    )


def _check_count(path: Path, columns: int) -> None:
    if columns > _MOST_COLUMNS:
        raise DataError(f"{path}: must have at most {_MOST_COLUMNS:,} columns (got {columns:,})")


def _parse_rows(
    path: Path, content: bytes, delimiter: str, columns: Sequence[str], has_header: bool, quoted: bool
) -> tuple[Any, list[str]]:
    """The table of text, after its rows have been compared with the lines of the file, and what to tell of these."""
    arguments = (path, content, delimiter, columns, has_header)
    lines = count_filled(content) - int(has_header)
    if not quoted or b'"' not in content:
        table = _parse(*arguments, False)
    else:
        try:
            table = _parse(*arguments, True)
        except DataError:
            table = None
        if table is None or table.num_rows != lines:
            table = _parse_swallowed(arguments, table, lines)
            if table.num_rows < lines:
                return table, [f"{path}: {lines} lines are {table.num_rows} rows, as values in quotes go over several"]
    if table.num_rows != lines:
        raise DataError(f"{path}: has {lines} rows of data, of which {table.num_rows} were read")
    return table, []


def _parse_swallowed(arguments: tuple[Path, bytes, str, Sequence[str], bool], quoted: Any, lines: int) -> Any:
    """A file whose quotes join lines: as it stands if each line has all columns, else by quotes if they are whole."""
    path, content, delimiter, _, _ = arguments
    try:
        plain = _parse(*arguments, False)
    except DataError:
        plain = None
    if plain is not None and plain.num_rows == lines:
        return plain
    reader = csv.reader(io.TextIOWrapper(io.BytesIO(content), "utf8", newline=""), delimiter=delimiter, strict=True)
    row = 1
    try:
        for _ in reader:
            row = reader.line_num + 1
    except csv.Error as error:
        raise DataError(
            f"{path}, row {row}: a quote that begins here does not end where a value does ({error}); double the "
            "quotes inside values, or write the file without quoting"
        ) from None
    return quoted if quoted is not None else _parse(*arguments, True)


def _parse(path: Path, content: bytes, delimiter: str, columns: Sequence[str], has_header: bool, quoted: bool) -> Any:
    """The ``pyarrow.Table`` of text; blank lines are nothing, other rows must have all columns."""
    import pyarrow as pa
    from pyarrow import csv as arrow_csv

    ragged: list[tuple[int, int]] = []

    def note_ragged(row: Any) -> str:
        if row.text.strip("\r\n"):  # the only column of a file may be blank
            ragged.append((row.number, row.actual_columns))
        return "skip" if len(ragged) < _MOST_RAGGED else "error"

    try:
        table = arrow_csv.read_csv(
            pa.BufferReader(content),
            read_options=arrow_csv.ReadOptions(
                use_threads=False,  # row numbers are known to one thread only
                column_names=columns,
                skip_rows=int(has_header),
                block_size=BLOCK_BYTES,
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
        if not ragged:
            kind = f"{_delimiter_name(delimiter)}-separated text"
            raise DataError(f"{path}: not readable as {kind}: {_first_line(error)}") from None
    if ragged:
        kind = f"{len(columns)} {_delimiter_name(delimiter)}-separated columns"
        more = "many" if len(ragged) == _MOST_RAGGED else len(ragged) - _SHOWN
        raise DataError(
            [
                f"{path}, row {filled_row(content, row - 1)}: must have {kind} (got {count})"
                for row, count in ragged[:_SHOWN]
            ]
            + ([f"{path}: {more} more such rows"] if len(ragged) > _SHOWN else [])
        )
    return table


def _check_delimiter(path: Path, content: bytes, delimiter: str) -> None:
    """Refuse a first line without the delimiter that has another one."""
    line = content.split(b"\n", 1)[0].decode()
    others = {other: line.count(other) for other in DELIMITERS if other in line}
    if delimiter not in line and others:
        other = max(others, key=lambda candidate: (others[candidate], len(candidate)))
        raise DataError(
            f"{path}, row 1: columns must be {_delimiter_name(delimiter)}-separated "
            f"(got {_delimiter_name(other)}-separated: '{line.strip()[:60]}'); say --delimiter {_typed(other)}"
        )


def _typed(delimiter: str) -> str:
    """A delimiter as one types it into a shell."""
    return "$'\\t'" if delimiter == "\t" else f"'{delimiter}'"


def _delimiter_name(delimiter: str) -> str:
    return DELIMITERS.get(delimiter, repr(delimiter))


def _first_line(error: Exception) -> str:
    return (str(error).splitlines() or [type(error).__name__])[0].rstrip(".")
