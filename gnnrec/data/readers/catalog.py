"""The table of the items: one row an item, in position order."""

from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

import numpy as np

from gnnrec.data.id_map import IdMap
from gnnrec.data.readers.log_table import LogTable

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["catalog_frame", "report_repeated_ids"]

_TITLE_NAMES = ("title", "name")


def catalog_frame(items: IdMap, tables: Iterable[tuple[LogTable, str]]) -> "pd.DataFrame | None":
    """Join catalog tables by item id.

    Args:
        items: All items.
        tables: Tables and the name of their id column. Of columns with one name the first table's is kept;
            ``name`` becomes ``title``. Items without a row have missing values.

    Returns:
        ``item_id`` and the tables' other columns, a row an item; None without tables.
    """
    import pyarrow as pa

    columns: dict[str, Any] = {}
    tables = list(tables)
    if not tables:
        return None
    for table, id_column in tables:
        row_of = np.full(len(items), -1, dtype=np.int64)
        position = items.positions(np.asarray(table.ids(id_column).to_pylist(), dtype=object))
        row_of[position[position >= 0]] = np.flatnonzero(position >= 0)
        rows = pa.array(row_of, mask=row_of < 0)
        title = table.find("title", _TITLE_NAMES, required=False)
        for name, values in table.columns.items():
            if name not in (id_column, "item_id"):
                columns.setdefault("title" if name == title else name, values.take(rows))
    ids = pa.array(items.array.tolist(), type=pa.int64() if items.is_integer else pa.string())
    frame: pd.DataFrame = pa.table({"item_id": ids, **columns}).to_pandas()
    return frame


def report_repeated_ids(table: LogTable, column: str) -> None:
    """Keep a problem of ``table`` if an id of ``column`` occurs again."""
    encoded = table.columns[column].dictionary_encode().unify_dictionaries().combine_chunks()
    codes = encoded.indices.to_numpy(zero_copy_only=False)
    first = np.zeros(len(codes), dtype=bool)
    first[np.unique(codes, return_index=True)[1]] = True
    again = np.flatnonzero(~first)
    if again.size:
        value = table.columns[column][int(again[0])].as_py()
        table.report_rows(column, f"ids must be unique (got {value!r} again)", again)
