"""Plain tables with a row an interaction: text, JSON lines, Parquet, sparse matrices, and folders of these."""

import re
from dataclasses import replace
from pathlib import Path

import numpy as np

from gnnrec.data.id_map import IdMap
from gnnrec.data.readers.base import RawLog, Reader, TableForm, refuse_form
from gnnrec.data.readers.external_log import COLUMN_NAMES, LogPart, read_external_log
from gnnrec.data.readers.json_lines import read_json_lines
from gnnrec.data.readers.log_table import LogTable
from gnnrec.data.readers.table_files import guess_delimiter, header_of, is_there, read_delimited, read_parquet
from gnnrec.errors import DataError

__all__ = ["READER", "TABLE_SUFFIXES", "read_table"]

_DELIMITERS = {".csv": ",", ".tsv": "\t"}
_JSON = (".jsonl", ".ndjson", ".json")
_MATRIX = ".npz"
TABLE_SUFFIXES = (*_DELIMITERS, *_JSON, ".parquet")
_PARTS = {"train": 0, "training": 0, "valid": 1, "val": 1, "validation": 1, "dev": 1, "test": 2}
_SHARD = re.compile(r"-[0-9]+(-of-[0-9]+)?\.")
_TYPED = re.compile(r"[^:]+:(token|float)(_seq)?")
_PART_NAME = re.compile(r"([a-z]+)(-[0-9]+(-of-[0-9]+)?)?(?=\.)")


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
        return read_json_lines(path)
    delimiter = _DELIMITERS.get(suffix) or guess_delimiter(path) if form.delimiter is None else form.delimiter
    names = None
    if not form.header:
        first = header_of(path, delimiter)
        names = [str(place) for place in range(1, len(first) + 1)]
    table = read_delimited(path, delimiter, names, quoted=True, encoding=form.encoding or "utf8")
    if all(_TYPED.fullmatch(name) for name in table.columns):  # as RecBole writes them
        table.columns = {name.partition(":")[0]: values for name, values in table.columns.items()}
    return table


def _suffix(path: Path) -> str:
    """What a file is by its name, in gzip or not."""
    return (path.with_suffix("") if path.suffix.lower() == ".gz" else path).suffix.lower()


def _is_table(path: Path) -> bool:
    return not path.name.startswith(".") and _suffix(path) in TABLE_SUFFIXES and is_there(path)


def _part_files(path: Path) -> dict[int, list[Path]]:
    """Tables of a folder that are called like the parts of a split: one of each, or shards ``train-00000-of-00002``."""
    found: dict[int, list[Path]] = {}
    for file in sorted(path.iterdir()):
        match = _PART_NAME.match(file.name.lower())
        part = _PARTS.get(match[1]) if match else None
        if part is not None and _is_table(file):
            found.setdefault(part, []).append(file)
    for files in found.values():
        kinds = {(_PART_NAME.sub(r"\1", file.name.lower()), bool(_SHARD.search(file.name))) for file in files}
        if len(files) > 1 and (len(kinds) > 1 or not all(_SHARD.search(file.name) for file in files)):
            names = ", ".join(file.name for file in files)
            raise DataError(f"{path}: has more than one table for a part ({names}); leave one of them")
    return found


def _shards(path: Path) -> list[Path]:
    """Parquet files of a folder, where it has no other tables but one of the items."""
    files = [file for file in sorted(path.iterdir()) if _is_table(file) and not _is_of_items(file)]
    return files if files and all(_suffix(file) == ".parquet" for file in files) else []


def _is_of_items(file: Path) -> bool:
    return file.name.split(".")[0].lower() == "items"


def _items_table(path: Path, form: TableForm) -> tuple[LogTable, str] | None:
    """The table ``items`` beside those of a log, if it has a column of ids."""
    files = [file for file in sorted(path.iterdir()) if _is_of_items(file) and _is_table(file)]
    if len(files) > 1:
        names = ", ".join(file.name for file in files)
        raise DataError(f"{path}: has more than one table of the items ({names}); leave one of them")
    if not files:
        return None
    table = read_table(files[0], replace(form, header=True))
    column = form.columns.get("item")
    accepted = (*(() if column is None else (column,)), *COLUMN_NAMES["item"])
    return table, table.find("item ids", accepted) or "item_id"


def _detect(path: Path) -> bool:
    if path.is_dir():
        return 0 in _part_files(path) or bool(_shards(path))
    return _is_table(path) or path.suffix.lower() == _MATRIX


def _read(path: Path, form: TableForm) -> RawLog:
    if path.is_file() and path.suffix.lower() == _MATRIX:
        refuse_form(form, f"{READER.name} of a {_MATRIX} matrix")
        return _read_matrix(path)
    catalog = None
    if path.is_dir():
        files = sorted(_part_files(path).items())
        parts = [LogPart(read_table(file, form), part) for part, found in files for file in found]
        parts = parts or [LogPart(read_table(file, form)) for file in _shards(path)]
        catalog = _items_table(path, form)
        if not parts:
            raise DataError(f"{path}: must have tables called train, valid and test, or Parquet files")
        name = path.resolve().name
    else:
        parts = [LogPart(read_table(path, form))]
        name = path.name.split(".")[0]
    log = read_external_log(path, name, parts, form, catalog=catalog)
    log.columns = list(parts[0].table.columns)
    return log


def _read_matrix(path: Path) -> RawLog:
    """A sparse matrix of scipy: users in rows, items in columns, entries as weights."""
    from scipy import sparse

    try:
        with np.load(path, allow_pickle=False) as archive:
            sizes = archive["shape"].astype(np.int64)
            stored = int(archive["data"].shape[0])
        if sizes.shape != (2,) or int(sizes.max()) > _largest(path):
            raise DataError(f"{path}: must hold a matrix of users by items of a size that fits the file")
        matrix = sparse.load_npz(path)
        if hasattr(matrix, "check_format"):
            matrix.check_format(full_check=True)
        matrix = matrix.tocoo()
        if not np.isfinite(matrix.data.astype(np.float64, casting="same_kind")).all():
            raise DataError(f"{path}: must hold finite numbers")
    except DataError:
        raise
    except Exception as error:  # numpy and zipfile raise many kinds for a damaged archive
        raise DataError(f"{path}: must be a sparse matrix of scipy.sparse.save_npz ({error})") from None
    if not stored:
        raise DataError(f"{path}: must have rows of data (got an empty matrix)")
    weight = matrix.data.astype(np.float64)
    return RawLog(
        path=path,
        name=path.stem,
        users=IdMap.of_range(matrix.shape[0], kind="user"),
        items=IdMap.of_range(matrix.shape[1], kind="item"),
        user=matrix.row.astype(np.int64),
        item=matrix.col.astype(np.int64),
        weight=weight,
    )


def _largest(path: Path) -> int:
    """Rows or columns that a matrix of the file's size may reasonably have, most of them empty."""
    return 1_000 * path.stat().st_size + 1_000_000


READER = Reader(
    name="table",
    looks_for="a .csv, .tsv, .jsonl or .parquet file (.gz too), a .npz matrix, or a folder of Parquet files or "
    "tables called train, valid, test",
    detect=_detect,
    read=_read,
)
