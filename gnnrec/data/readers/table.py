"""Plain tables: CSV, TSV and Parquet files with a row an interaction."""

from collections.abc import Mapping
from pathlib import Path

from gnnrec.data.readers.base import RawLog, Reader
from gnnrec.data.readers.external_log import LogPart, read_external_log
from gnnrec.data.readers.log_table import LogTable
from gnnrec.data.readers.table_files import read_delimited, read_parquet
from gnnrec.errors import DataError

__all__ = ["READER", "TABLE_SUFFIXES", "read_table"]

_DELIMITERS = {".csv": ",", ".tsv": "\t"}
TABLE_SUFFIXES = (*_DELIMITERS, ".parquet")


def read_table(path: Path) -> LogTable:
    """The table in a CSV, TSV or Parquet file.

    Raises:
        DataError: If the file has another suffix or cannot be read as what its suffix says.
    """
    suffix = path.suffix.lower()
    if suffix == ".parquet":
        return read_parquet(path)
    if suffix in _DELIMITERS:
        return read_delimited(path, _DELIMITERS[suffix], quoted=True)
    raise DataError(f"{path}: tables must be files ending in {', '.join(TABLE_SUFFIXES)}")


def _detect(path: Path) -> bool:
    return path.is_file() and path.suffix.lower() in TABLE_SUFFIXES


def _read(path: Path, columns: Mapping[str, str]) -> RawLog:
    table = read_table(path)
    log = read_external_log(path, path.stem, [LogPart(table)], given=columns)
    log.columns = list(table.columns)
    return log


READER = Reader(name="table", looks_for="a .csv, .tsv or .parquet file", detect=_detect, read=_read)
