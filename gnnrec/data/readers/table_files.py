"""Delimited text and Parquet files as tables of columns."""

import codecs
import csv
import gzip
import io
import zlib
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from encoders.files import require_regular
from gnnrec.data.readers.log_table import LogTable, count_filled_rows, filled_rows
from gnnrec.errors import DataError

__all__ = ["UTF8_OR_LATIN1", "guess_delimiter", "header_of", "is_there", "read_bytes", "read_delimited", "read_parquet"]

UTF8_OR_LATIN1 = "utf8 or latin-1"
"""Encoding of files of which some versions are one and some the other."""

_SHOWN = 5
_GZIP = b"\x1f\x8b"
_UTF16 = (codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)
_LONGEST_HEADER = 65536
_MOST_COLUMNS = 10_000
_EXPANSION = 100
_MOST_ROWS_A_BYTE = 100
_LARGE_BYTES = 1 << 28
_BLOCK_BYTES = 1 << 26  # a row has to fit into one block
_DELIMITERS = {"\t": "tab", ",": "comma", ";": "semicolon", "|": "bar", "::": "'::'", " ": "space"}


def is_there(path: Path) -> bool:
    """Whether there is such a file; what is neither file nor folder is refused, not taken for absent.

    Raises:
        DataError: If it is a pipe, a device or the like.
    """
    require_regular(path, DataError)
    return path.is_file()


def header_of(path: Path, delimiter: str = "\t") -> list[str]:
    """Column names in the first line of a text file; empty if the file has no readable text."""
    if not is_there(path):
        return []
    try:
        with path.open("rb") as stream:
            line = stream.readline(_LONGEST_HEADER)
            if line[:2] == _GZIP:
                stream.seek(0)
                line = gzip.GzipFile(fileobj=stream).readline(_LONGEST_HEADER)
            elif line[:2] in _UTF16:
                stream.seek(0)
                text = stream.read(_LONGEST_HEADER).decode("utf-16", "ignore")
                line = text.split("\n", 1)[0].encode()
    except (OSError, EOFError, zlib.error):
        return []
    return _names(line, delimiter)


def _names(line: bytes, delimiter: str, encoding: str = "utf8") -> list[str]:
    """Names of columns in a line; none if it is no text."""
    try:
        text = line.decode("utf-8-sig" if encoding == "utf8" else encoding).rstrip("\r\n")
        if len(delimiter) > 1:
            return text.split(delimiter)
        return next(csv.reader([text], delimiter=delimiter), [])
    except (UnicodeDecodeError, csv.Error):
        return []


def guess_delimiter(path: Path) -> str:
    """What separates the columns in the first line of a text file; a tab where nothing does."""
    line = "\t".join(header_of(path, "\t"))
    counts = {delimiter: line.count(delimiter) for delimiter in _DELIMITERS}
    if counts["::"]:
        return "::"
    best = max(("\t", ",", ";", "|", " "), key=lambda delimiter: counts[delimiter])
    return best if counts[best] else "\t"


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
        encoding: Character encoding; :data:`UTF8_OR_LATIN1` is UTF-8, and latin-1 only where that does not decode.

    Raises:
        DataError: If the file is absent, empty, not such text, or rows differ in their number of columns.
    """
    content = read_bytes(path)
    if not content.strip():
        raise DataError(f"{path}: must have rows of data (got an empty file)")
    content, encoding = _decodable(path, content, encoding)
    if not delimiter:
        raise DataError(f"{path}: 'delimiter' must be one character or more (got none)")
    if b"\n" not in content:  # as old programs end lines
        content = content.replace(b"\r", b"\n")
    if len(delimiter.encode()) > 1:
        if b"\t" in content:
            raise DataError(f"{path}: must hold no tabs where columns are separated by {delimiter!r}")
        content, delimiter = content.replace(delimiter.encode(), b"\t"), "\t"
    columns = list(names) if names is not None else _names(content.split(b"\n", 1)[0], delimiter, encoding)
    if not columns:
        raise DataError(f"{path}, row 1: must be a line of column names")
    if len(columns) > _MOST_COLUMNS:
        raise DataError(f"{path}, row 1: must have at most {_MOST_COLUMNS:,} columns (got {len(columns):,})")
    if len(set(columns)) < len(columns):
        raise DataError(
            f"{path}, row 1: column names must differ (got {', '.join(columns)}); without a header, --no-header"
        )
    _check_delimiter(path, content, delimiter, encoding)
    table = _parse_rows(path, content, delimiter, columns, names is None, quoted, encoding)
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

    if not is_there(path):
        raise DataError(f"{path}: no such file")
    try:
        file = parquet.ParquetFile(path)
        _check_promises(path, file.metadata)
        texts = [field.name for field in file.schema_arrow if pa.types.is_string(field.type)]
        table = parquet.read_table(path, partitioning=None, read_dictionary=texts)
    except (pa.ArrowException, OSError) as error:
        raise DataError(f"{path}: not a whole Parquet file: {_first_line(error)}") from None
    return LogTable(path, {name: _plain_text(path, name, table.column(name)) for name in table.column_names})


def _check_promises(path: Path, metadata: Any) -> None:
    """Refuse a Parquet file of more rows or bytes than one of its size can reasonably hold."""
    size = path.stat().st_size
    if metadata.num_rows > _MOST_ROWS_A_BYTE * size:
        raise DataError(
            f"{path}: promises {metadata.num_rows:,} rows, more than a file of its size can reasonably hold"
        )
    whole = sum(metadata.row_group(group).total_byte_size for group in range(metadata.num_row_groups))
    if whole > max(_EXPANSION * size, _LARGE_BYTES):
        raise DataError(f"{path}: expands to {whole / 2**30:.1f} GiB, more than {_EXPANSION} times its size")


def _plain_text(path: Path, name: str, values: Any) -> Any:
    """A column of text that was read as a dictionary, in which a long text that is repeated stands once."""
    import pyarrow as pa
    import pyarrow.compute as pc

    if not pa.types.is_dictionary(values.type) or not pa.types.is_string(values.type.value_type):
        return values
    whole = sum(pc.sum(pc.binary_length(chunk.dictionary).take(chunk.indices)).as_py() or 0 for chunk in values.chunks)
    if whole > _LARGE_BYTES and whole > _EXPANSION * path.stat().st_size:
        raise DataError(f"{path}, column '{name}': its texts are {whole / 2**30:.1f} GiB; leave the column out")
    return values.cast(pa.large_string() if whole >= 2**31 else pa.string())


def read_bytes(path: Path) -> bytes:
    """A file's content, out of gzip where it is in it.

    Raises:
        DataError: If it is no regular file, absent, or expands to what no file of its size reasonably holds.
    """
    require_regular(path, DataError)
    try:
        content = path.read_bytes()
    except FileNotFoundError:
        raise DataError(f"{path}: no such file") from None
    except OSError as error:
        raise DataError(f"{path}: cannot be read: {(error.strerror or str(error)).lower()}") from None
    return _unzipped(path, content) if content[:2] == _GZIP else content


def _unzipped(path: Path, content: bytes) -> bytes:
    """What a gzip file holds, as long as it is no more than a file of that size can reasonably be."""
    limit = max(len(content) * _EXPANSION, _BLOCK_BYTES)
    try:
        with gzip.GzipFile(fileobj=io.BytesIO(content)) as stream:
            whole = stream.read(limit + 1)
    except (OSError, EOFError, zlib.error) as error:
        raise DataError(f"{path}: not a whole gzip file: {error}") from None
    if len(whole) > limit:
        raise DataError(f"{path}: expands to more than {_EXPANSION} times its size; unzip it first")
    return whole


def _decodable(path: Path, content: bytes, encoding: str) -> tuple[bytes, str]:
    """The content without a mark of byte order, and its encoding, in which all of it can be read."""
    if content[:2] in _UTF16 and encoding in ("utf8", UTF8_OR_LATIN1):
        encoding = "utf-16"
    try:
        "a".encode("utf8" if encoding == UTF8_OR_LATIN1 else encoding)
    except (LookupError, ValueError):  # of no text, or no name at all
        known = "one that Python knows, such as latin-1"
        raise DataError(f"{path}: 'encoding' must be {known} (got '{encoding}')") from None
    if encoding == UTF8_OR_LATIN1:
        try:
            content.decode("utf8")
        except UnicodeDecodeError:
            return content, "latin-1"
        return content, "utf8"
    if encoding == "utf8":
        _check_utf8(path, content)
        return content, encoding
    try:
        return content.decode(encoding).encode(), "utf8"
    except UnicodeDecodeError as error:
        raise DataError(f"{path}: is not {encoding} ({error.reason} at byte {error.start})") from None


def _parse_rows(
    path: Path,
    content: bytes,
    delimiter: str,
    columns: Sequence[str],
    has_header: bool,
    quoted: bool,
    encoding: str,
) -> Any:
    """The table of text, after its rows have been compared with the lines of the file."""
    arguments = (path, content, delimiter, columns, has_header)
    lines = count_filled_rows(content) - int(has_header)
    if not quoted or b'"' not in content:
        table = _parse(*arguments, False, encoding)
    else:
        try:
            table = _parse(*arguments, True, encoding)
        except DataError:
            table = None
        if table is None or table.num_rows != lines:
            table = _parse_swallowed(arguments, encoding, table, lines)
    if table.num_rows > lines:
        raise DataError(f"{path}: has {lines} rows of data, of which {table.num_rows} were read")
    return table


def _parse_swallowed(
    arguments: tuple[Path, bytes, str, Sequence[str], bool], encoding: str, quoted: Any, lines: int
) -> Any:
    """A file whose quotes join lines: as it stands if each line has all columns, else by quotes if they are whole."""
    path, content, delimiter, _, _ = arguments
    try:
        plain = _parse(*arguments, False, encoding)
    except DataError:
        plain = None
    if plain is not None and plain.num_rows == lines:
        return plain
    reader = csv.reader(io.StringIO(content.decode(encoding), newline=""), delimiter=delimiter, strict=True)
    row = 1
    try:
        for _ in reader:
            row = reader.line_num + 1
    except csv.Error as error:
        raise DataError(
            f"{path}, row {row}: a quote that begins here does not end where a value does ({error}); double the "
            "quotes inside values, or write the file without quoting"
        ) from None
    return quoted if quoted is not None else _parse(*arguments, True, encoding)


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
        raise DataError(
            f"{path}: row {row} is not UTF-8; save the file as UTF-8, or read it with --format table --encoding latin-1"
        ) from None


def _check_delimiter(path: Path, content: bytes, delimiter: str, encoding: str) -> None:
    """Refuse a first line without the delimiter that has another one."""
    line = content.split(b"\n", 1)[0].decode(encoding, errors="replace")
    others = {other: line.count(other) for other in _DELIMITERS if other in line}
    if delimiter not in line and others:
        other = max(others, key=lambda candidate: (others[candidate], len(candidate)))
        raise DataError(
            f"{path}, row 1: columns must be {_delimiter_name(delimiter)}-separated "
            f"(got {_delimiter_name(other)}-separated: '{line.strip()[:60]}'); "
            f"read it with --format table --delimiter {other!r}"
        )


def _delimiter_name(delimiter: str) -> str:
    return _DELIMITERS.get(delimiter, repr(delimiter))


def _first_line(error: Exception) -> str:
    return (str(error).splitlines() or [type(error).__name__])[0].rstrip(".")
