"""gnnrec's own folder: ``interactions.parquet``, ``items.parquet`` and ``features/``."""

from pathlib import Path

import numpy as np
import numpy.typing as npt

from gnnrec.data.id_map import IdMap
from gnnrec.data.readers.base import RawLog, Reader, TableForm, refuse_form
from gnnrec.data.readers.catalog import catalog_frame, report_repeated_ids
from gnnrec.data.readers.external_log import choose_columns, encode_ids, factorize
from gnnrec.data.readers.log_table import LogTable, raise_problems
from gnnrec.data.readers.table_files import read_parquet
from gnnrec.data.readers.text_files import is_present

__all__ = ["INTERACTIONS", "ITEMS", "READER", "USERS"]

INTERACTIONS, ITEMS, USERS = "interactions.parquet", "items.parquet", "users.parquet"
_NAME = "folder"
_NAMES = {
    "user": ("user_id",),
    "item": ("item_id",),
    "timestamp": ("timestamp",),
    "weight": ("weight",),
    "split": ("split",),
}


def _detect(path: Path) -> bool:
    if path.is_dir():
        return (path / INTERACTIONS).is_file()
    return path.name == INTERACTIONS and path.with_name(ITEMS).is_file()


def _read(path: Path, form: TableForm) -> RawLog:
    """Read the folder, or that of the file ``interactions.parquet`` at ``path``.

    Items have the order of ``items.parquet``, users that of ``users.parquet`` if any.
    """
    refuse_form(form, _NAME)
    path = path if path.is_dir() else path.parent
    log, item_table = read_parquet(path / INTERACTIONS), read_parquet(path / ITEMS)
    user_table = read_parquet(path / USERS) if is_present(path / USERS) else None
    tables = [log, item_table, *([user_table] if user_table else [])]
    roles = choose_columns(log, {}, _NAMES)
    id_columns: dict[str, tuple[LogTable, str]] = {}
    for kind, table in (("item", item_table), ("user", user_table)):
        column = table.find(f"{kind} ids", _NAMES[kind]) if table is not None else None
        if table is not None and column is not None:
            id_columns[kind] = (table, column)
            table.ids(column)
            report_repeated_ids(table, column)
    raise_problems(tables)
    items, item = _place(log, roles["item"], *id_columns["item"], "item")
    if user_table is None:
        user_ids, user = encode_ids([log.ids(roles["user"])], is_text_file=False)
        users = IdMap(user_ids, kind="user")
    else:
        users, user = _place(log, roles["user"], *id_columns["user"], "user")
    part = log.labels(roles["split"]) if "split" in roles else None
    timestamp = log.times(roles["timestamp"]) if "timestamp" in roles else None
    weight = log.weights(roles["weight"]) if "weight" in roles else None
    raise_problems(tables)
    has_catalog = len(item_table.columns) > 1
    return RawLog(
        path=path,
        name=path.resolve().name,
        users=users,
        items=items,
        user=user,
        item=item,
        part=part,
        timestamp=timestamp,
        weight=weight,
        catalog=catalog_frame(items, [id_columns["item"]] if has_catalog else []),
    )


def _place(
    log: LogTable, column: str, listed: LogTable, listed_column: str, kind: str
) -> tuple[IdMap, npt.NDArray[np.int64]]:
    """The map of the listed ids and the position of each row's id; an unlisted id is a problem of the log."""
    ids = IdMap(factorize([listed.ids(listed_column)])[0], kind=kind)
    uniques, codes = factorize([log.ids(column)])
    positions = ids.positions(uniques)[codes]
    unlisted = np.flatnonzero(positions < 0)
    if unlisted.size:
        value = uniques[codes[unlisted[0]]].tolist() if ids.is_integer else uniques[codes[unlisted[0]]]
        log.report_rows(column, f"must be listed in {listed.path.name} (got {value!r})", unlisted)
    return ids, positions.clip(min=0)


READER = Reader(name=_NAME, looks_for=f"{INTERACTIONS} with {ITEMS}", detect=_detect, read=_read)
