"""Tables of one JSON object a line, such as Amazon's and Yelp's reviews."""

import ast
import json
import re
from pathlib import Path
from typing import Any

from gnnrec.data.readers.log_table import LogTable
from gnnrec.data.readers.text_files import read_text
from gnnrec.errors import DataError

__all__ = ["read_json_lines"]

_MOST_NAMES = 1_000


def read_json_lines(path: Path, encoding: str = "utf8") -> LogTable:
    """Read a file of objects, one a line, in gzip or not; old files have Python's notation instead.

    Values that are lists or objects stay; what a line lacks is missing.

    Args:
        path: The file.
        encoding: Character encoding, as for :func:`read_text`.

    Raises:
        DataError: If a line is no object; it is named.
    """
    import pyarrow as pa

    content = read_text(path, encoding)
    rows: list[dict[str, Any]] = []
    names: dict[str, None] = {}
    number, end = 1, 0
    for match in re.finditer(rb"[^\n]+", content):
        number += content.count(b"\n", end, match.start())
        end = match.start()
        if match[0].strip():
            rows.append(_object(path, number, match[0]))
            names.update(dict.fromkeys(rows[-1]))
            if len(names) > _MOST_NAMES:
                raise DataError(
                    f"{path}, row {number}: objects must have at most {_MOST_NAMES:,} different names in all"
                )
    if not rows:
        raise DataError(f"{path}: must have rows of data (got an empty file)")
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
    try:
        found = json.loads(line)
    except (ValueError, RecursionError):
        try:
            found = ast.literal_eval(line.decode("utf8").strip())
        except (ValueError, SyntaxError, RecursionError, MemoryError, UnicodeDecodeError):
            found = None
    if not isinstance(found, dict):
        raise DataError(
            f"{path}, row {number}: must be a JSON object, one a line (got {line[:60].decode(errors='ignore')!r})"
        )
    if b"\\ud" in line.lower() and not _is_whole(found):
        raise DataError(f"{path}, row {number}: holds half of a character, such as \\ud800 alone; write it whole")
    return {str(name): value for name, value in found.items()}


def _is_whole(found: object) -> bool:
    """Whether no text in it has half of a pair of surrogates."""
    try:
        json.dumps(found, ensure_ascii=False, skipkeys=True, default=str).encode()
    except UnicodeEncodeError:
        return False
    return True
