"""Tables of one JSON object a line, such as Amazon's and Yelp's reviews."""

import ast
import json
from pathlib import Path
from typing import Any

from gnnrec.data.readers.log_table import LogTable
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
        except (pa.ArrowException, OverflowError, TypeError):  # of several kinds: as text
            texts = [None if value is None else str(value) for value in values]
            columns[name] = pa.chunked_array([pa.array(texts, pa.string())])
    return LogTable(path, columns, text=content, first_row=1)


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
