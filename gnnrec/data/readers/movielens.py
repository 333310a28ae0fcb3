"""MovieLens: ``u.data`` and its splits, ``ratings.dat``, ``ratings.csv``, with the movies as catalog."""

from pathlib import Path

from gnnrec.data.readers.base import RawLog, Reader, TableForm, refuse_form
from gnnrec.data.readers.external_log import LogPart, read_external_log
from gnnrec.data.readers.log_table import LogTable
from gnnrec.data.readers.table_files import read_delimited
from gnnrec.data.readers.text_files import UTF8_OR_LATIN1, header_of, is_present
from gnnrec.errors import DataError

__all__ = ["READER"]

_NAME = "movielens"
_LOGS = ("u.data", "ratings.dat", "ratings.csv")
_BASES = tuple(f"{split}.base" for split in ("ua", "ub", "u1", "u2", "u3", "u4", "u5"))
_LOG_COLUMNS = ("user_id", "item_id", "rating", "timestamp")
_NAMES = {
    "user": ("user_id", "userId"),
    "item": ("item_id", "movieId"),
    "timestamp": ("timestamp",),
    "weight": ("rating",),
}
_MOVIES = ("item_id", "title", "genres")
_GENRES = 19  # flags at the end of a line of u.item


def _detect(path: Path) -> bool:
    if path.is_dir():
        return any(_detect(path / name) for name in _LOGS)
    if not path.is_file():
        return False
    return path.name in ("u.data", "ratings.dat", *_BASES) or (
        path.name == "ratings.csv" and header_of(path, ",")[:3] == ["userId", "movieId", "rating"]
    )


def _read(path: Path, form: TableForm) -> RawLog:
    """Read the log at ``path``; ``ua.base`` and its kind bring ``ua.test`` along as the test part."""
    refuse_form(form, _NAME, ("columns", "delimiter", "encoding"))
    log = path
    if path.is_dir():
        present = [path / name for name in _LOGS if is_present(path / name)]
        if not present:
            raise DataError(f"{path}: must have one of {', '.join(_LOGS)}")
        log = present[0]
    folder = log.resolve().parent
    if log.suffix == ".base":
        parts = [LogPart(_read_log(log, form), 0), LogPart(_read_log(log.with_suffix(".test"), form), 2)]
        name = f"{folder.name}-{log.stem}"
    else:
        parts = [LogPart(_read_log(log, form))]
        name = folder.name
    found = read_external_log(path, name, parts, form, names=_NAMES, catalog=_read_catalog(log.parent))
    found.notes += _splits_beside(log)
    return found


def _splits_beside(log: Path) -> list[str]:
    """That a folder of MovieLens-100K has splits too, which are not those of its whole log."""
    beside = [base for base in _BASES if (log.parent / base).is_file()] if log.name == _LOGS[0] else []
    if not beside:
        return []
    return [
        f"{log} is read as a whole; the splits given beside it ({', '.join(beside)}, each with its .test) are read by "
        f"their path, such as {log.parent / beside[0]}"
    ]


def _read_log(path: Path, form: TableForm) -> LogTable:
    encoding = form.encoding or "utf8"
    if path.suffix == ".csv":
        return read_delimited(path, form.delimiter or ",", encoding=encoding)
    usual = "::" if path.suffix == ".dat" else "\t"
    return read_delimited(path, form.delimiter or usual, names=_LOG_COLUMNS, encoding=encoding)


def _read_catalog(folder: Path) -> tuple[LogTable, str] | None:
    """The movies: ``u.item`` (bars), ``movies.dat`` (``::``; of 10M in UTF-8, of 1M in latin-1) or ``movies.csv``."""
    if is_present(folder / "u.item"):
        flags = [f"genre_{number}" for number in range(_GENRES)]
        names = ["item_id", "title", "release_date", "video_release_date", "url", *flags]
        table = read_delimited(folder / "u.item", "|", names=names, encoding=UTF8_OR_LATIN1)
        for flag in flags:
            del table.columns[flag]
    elif is_present(folder / "movies.dat"):
        table = read_delimited(folder / "movies.dat", "::", names=_MOVIES, encoding=UTF8_OR_LATIN1)
    elif is_present(folder / "movies.csv"):
        table = read_delimited(folder / "movies.csv", ",", quoted=True)
    else:
        return None
    column = table.find("item ids", _NAMES["item"])
    return (table, column or "item_id")


READER = Reader(
    name=_NAME,
    looks_for="u.data, ua.base with ua.test (or ub, u1 to u5), ratings.dat or ratings.csv",
    detect=_detect,
    read=_read,
)
