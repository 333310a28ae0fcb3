"""Plain tables with a row an interaction: text, JSON lines, Parquet, sparse matrices, and folders of these."""

import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from gnnrec.data.readers.base import RawLog, Reader, TableForm
from gnnrec.data.readers.external_log import COLUMN_NAMES, LogPart, read_external_log
from gnnrec.data.readers.json_lines import read_json_lines
from gnnrec.data.readers.log_table import LogTable
from gnnrec.data.readers.sparse_matrix import read_matrix
from gnnrec.data.readers.table_files import read_delimited, read_parquet, without_types
from gnnrec.data.readers.text_files import guess_delimiter, header_of, is_present
from gnnrec.errors import DataError

__all__ = ["READER", "TABLE_SUFFIXES", "read_table"]

_DELIMITERS = {".csv": ",", ".tsv": "\t"}
_JSON = (".jsonl", ".ndjson", ".json")
_MATRIX = ".npz"
TABLE_SUFFIXES = (*_DELIMITERS, *_JSON, ".parquet")
_ITEMS = "items"
_SHARD = r"(?P<name>[a-z]+)-[0-9]{5}-of-(?P<count>[0-9]{5})(-[0-9a-f]+)?"  # as the Hugging Face Hub calls files
_PARTS = {"train": 0, "training": 0, "valid": 1, "val": 1, "validation": 1, "dev": 1, "test": 2}


def read_table(path: Path, form: TableForm | None = None) -> LogTable:
    """The table in a file: CSV or TSV, JSON a line, each also in gzip, Parquet; any other suffix is read as text.

    Args:
        path: The file.
        form: What is known of it.

    Raises:
        DataError: If the file cannot be read as what its suffix says.
    """
    form = form or TableForm()
    suffix = _suffix(path)
    if suffix == ".parquet":
        return read_parquet(path)
    if suffix in _JSON:
        return read_json_lines(path, form.encoding or "utf8")
    delimiter = _DELIMITERS.get(suffix) or guess_delimiter(path) if form.delimiter is None else form.delimiter
    names = None
    if not form.header:
        first = header_of(path, delimiter)
        names = [str(place) for place in range(1, len(first) + 1)]
    return without_types(read_delimited(path, delimiter, names, quoted=True, encoding=form.encoding or "utf8"))


def _suffix(path: Path) -> str:
    """What a file is by its name, in gzip or not."""
    return (path.with_suffix("") if path.suffix.lower() == ".gz" else path).suffix.lower()


def _is_table(path: Path) -> bool:
    return not path.name.startswith(".") and _suffix(path) in TABLE_SUFFIXES and is_present(path)


@dataclass(frozen=True)
class _Folder:
    """Tables of a folder: those of each part, of the items, and others."""

    parts: dict[int, list[Path]]
    items: list[Path]
    others: list[Path]

    @property
    def logs(self) -> dict[int, list[Path]]:
        """Tables of each part; of -1 those of an undivided log, which are Parquet files where there is no other."""
        if self.parts and not (set(self.parts) == {0} and len(self.parts[0]) > 1):
            return self.parts
        undivided = [*self.parts.get(0, []), *self.others]
        return {-1: undivided} if undivided and all(_suffix(file) == ".parquet" for file in undivided) else {}


def _tables_of(path: Path) -> _Folder:
    """The tables of a folder by what they are called.

    Raises:
        DataError: If a part or the items have two tables, or a part lacks one of its shards.
    """
    parts: dict[int, list[Path]] = {}
    items: list[Path] = []
    others: list[Path] = []
    for file in sorted(file for file in path.iterdir() if _is_table(file)):
        stem = file.name.split(".")[0].lower()
        shard = re.fullmatch(_SHARD, stem)
        part = _PARTS.get(shard["name"] if shard else stem)
        if part is not None:
            parts.setdefault(part, []).append(file)
        else:
            (items if stem == _ITEMS else others).append(file)
    for files in [*parts.values(), items]:
        _check_whole(files)
    return _Folder(parts, items, others)


def _check_whole(files: Sequence[Path]) -> None:
    """Refuse two tables of one part, unless they are all of its shards."""
    shards = [re.fullmatch(_SHARD, file.name.split(".")[0].lower()) for file in files]
    counts = {(shard["name"], shard["count"]) for shard in shards if shard}
    if len(files) > 1 and (None in shards or len(counts) > 1):
        raise DataError(f"{files[0]}: {files[1].name} is there too, so which of them is meant is not clear; remove one")
    if counts and len(files) != int(next(iter(counts))[1]):
        raise DataError(f"{files[0]}: must be one of {int(next(iter(counts))[1])} files by its name (got {len(files)})")


def _detect(path: Path) -> bool:
    if path.is_dir():
        logs = _tables_of(path).logs
        return 0 in logs or -1 in logs
    return _suffix(path) in TABLE_SUFFIXES or path.suffix.lower() == _MATRIX


def _read(path: Path, form: TableForm) -> RawLog:
    if path.is_file() and path.suffix.lower() == _MATRIX:
        return read_matrix(path, form)
    if path.is_dir():
        return _read_folder(path, form)
    table = read_table(path, form)
    log = read_external_log(path, path.name.split(".")[0], [LogPart(table)], form)
    log.columns = list(table.columns)
    return log


def _read_folder(path: Path, form: TableForm) -> RawLog:
    """Tables of the parts, or of an undivided log, with the table of items if there is one."""
    tables = _tables_of(path)
    logs = tables.logs
    if not logs:
        raise DataError(f"{path}: must have tables called train, valid and test, or Parquet files")
    parts = [
        LogPart(read_table(file, form), None if part < 0 else part)
        for part, files in sorted(logs.items())
        for file in files
    ]
    catalog = None
    if tables.items:
        table = read_table(tables.items[0], replace(form, columns={}))
        names = [*([form.columns["item"]] if "item" in form.columns else []), *COLUMN_NAMES["item"], "id"]
        catalog = (table, table.find("item ids", names) or "")
    log = read_external_log(path, path.resolve().name, parts, form, catalog=catalog)
    log.columns = list(parts[0].table.columns)
    unread = [file.name for file in tables.others if -1 not in logs]
    if unread:
        log.notes.append(f"not read, as they are called neither like a part nor {_ITEMS}: {', '.join(unread)}")
    return log


READER = Reader(
    name="table",
    looks_for="a .csv, .tsv, .jsonl or .parquet file (.gz too), a .npz matrix, or a folder of Parquet files or "
    "tables called train, valid, test",
    detect=_detect,
    read=_read,
)
