"""RecBole's atomic files: tab-separated columns called ``name:type``."""

from pathlib import Path

from gnnrec.data.readers.base import PARTS, RawLog, Reader, TableForm, refuse_form
from gnnrec.data.readers.external_log import COLUMN_NAMES, LogPart, read_external_log
from gnnrec.data.readers.inter_files import has_typed_header, inter_files, only_log
from gnnrec.data.readers.log_table import LogTable
from gnnrec.data.readers.table_files import read_delimited
from gnnrec.data.readers.text_files import is_present
from gnnrec.errors import DataError

__all__ = ["READER"]

_NAME = "recbole"


def _detect(path: Path) -> bool:
    files = inter_files(path)
    return bool(files) and has_typed_header(files[0])


def _read(path: Path, form: TableForm) -> RawLog:
    """Read ``name.inter``, or ``name.train.inter`` with valid and test, and ``name.item`` as the catalog."""
    refuse_form(form, _NAME, ("columns", "delimiter", "encoding"))
    files = inter_files(path)
    stem = only_log(path, [_set_name(file) for file in files])
    folder = files[0].parent
    whole = folder / f"{stem}.inter"
    by_part = {number: folder / f"{stem}.{part}.inter" for number, part in enumerate(PARTS)}
    if whole in files or not any(is_present(file) for file in by_part.values()):
        parts = [LogPart(_read_atomic(whole, form))]
    elif not by_part[0].is_file():
        raise DataError(f"{by_part[0]}: no such file, but other parts of the split are there")
    else:
        parts = [LogPart(_read_atomic(file, form), number) for number, file in by_part.items() if file.is_file()]
    catalog = folder / f"{stem}.item"
    log = read_external_log(
        path, stem, parts, form, catalog=_read_catalog(catalog, form) if is_present(catalog) else None
    )
    log.columns = list(parts[0].table.columns)
    return log


def _set_name(file: Path) -> str:
    """Name of the data set of ``name.inter`` or ``name.train.inter``."""
    name, _, part = file.stem.rpartition(".")
    return name if name and part in PARTS else file.stem


def _read_atomic(path: Path, form: TableForm) -> LogTable:
    """The table with columns called without their types."""
    table = read_delimited(path, form.delimiter or "\t", encoding=form.encoding or "utf8")
    table.columns = {name.partition(":")[0]: values for name, values in table.columns.items()}
    return table


def _read_catalog(path: Path, form: TableForm) -> tuple[LogTable, str]:
    table = _read_atomic(path, form)
    names = [form.columns["item"], *COLUMN_NAMES["item"]] if "item" in form.columns else COLUMN_NAMES["item"]
    return table, table.find("item ids", names) or "item_id"


READER = Reader(
    name=_NAME,
    looks_for="*.inter files with typed columns such as user_id:token, item_id:token",
    detect=_detect,
    read=_read,
)
