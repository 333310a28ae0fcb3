"""Tables of one JSON object a line, such as Amazon's and Yelp's reviews."""

import ast
import codecs
import json
from pathlib import Path
from typing import Any

from gnnrec.data.readers.log_table import LogTable, filled_rows
from gnnrec.data.readers.table_files import read_bytes
from gnnrec.errors import DataError

__all__ = ["read_json_lines"]

_LONGEST = 2**24


def read_json_lines(path: Path) -> LogTable:
    """Read a file of objects, one a line, in gzip or not; old files have Python's notation instead.

    Values that are lists or objects stay; what a line lacks is missing.

    Raises:
        DataError: If a line is no object; it is named.
    """
    import pyarrow as pa

    content = read_bytes(path)
    if content[:2] in (codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE):
        content = _utf8(path, content)
    rows: list[dict[str, Any]] = []
    for number, line in enumerate(content.split(b"\n"), start=1):
        if line.strip():
            rows.append(_object(path, number, line))
    if not rows:
        raise DataError(f"{path}: must have rows of data (got an empty file)")
    names = dict.fromkeys(name for row in rows for name in row)
    columns = {}
    for name in names:
        values = [row.get(name) for row in rows]
        try:
            columns[name] = pa.chunked_array([pa.array(values)])
        except (pa.ArrowException, OverflowError, TypeError, ValueError):  # of several kinds: as text
            texts = [None if value is None else str(value) for value in values]
            columns[name] = pa.chunked_array([_text_array(path, name, texts, content)])
    return LogTable(path, columns, text=content, first_row=1)


def _text_array(path: Path, name: str, texts: list[str | None], content: bytes) -> Any:
    import pyarrow as pa

    try:
        return pa.array(texts, pa.large_string())
    except UnicodeEncodeError:
        row = next(row for row, text in enumerate(texts) if text is not None and not _is_unicode(text))
        raise DataError(
            f"{path}, row {filled_rows(content)[row]}, column '{name}': must be Unicode (got half of a pair of "
            f"surrogates: {ascii(texts[row])[:60]})"
        ) from None


def _is_unicode(text: str) -> bool:
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True


def _utf8(path: Path, content: bytes) -> bytes:
    try:
        return content.decode("utf-16").encode()
    except UnicodeError:
        raise DataError(f"{path}: begins as UTF-16 and is none; save the file as UTF-8") from None


def _object(path: Path, number: int, line: bytes) -> dict[str, Any]:
    if len(line) > _LONGEST:
        raise DataError(f"{path}, row {number}: must be shorter than {_LONGEST // 2**20} MiB")
    try:
        found = json.loads(line)
    except (ValueError, RecursionError):
        try:
            found = ast.literal_eval(line.decode("utf8").strip())
        except (ValueError, SyntaxError, RecursionError, MemoryError, UnicodeDecodeError):
            found = None
    if not isinstance(found, dict):
        raise DataError(f"{path}, row {number}: must be a JSON object (got {line[:60]!r})")
    return {str(name): value for name, value in found.items()}
