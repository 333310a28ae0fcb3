"""MMRec's form: a tab-separated ``.inter`` file of positions, and feature arrays with a row an item."""

from pathlib import Path

import numpy as np

from gnnrec.data.feature_file import FeatureFile
from gnnrec.data.readers.base import RawLog, Reader, TableForm, position_map, refuse_form
from gnnrec.data.readers.catalog import catalog_frame, report_repeated_ids
from gnnrec.data.readers.external_log import choose_columns
from gnnrec.data.readers.inter_files import has_typed_header, inter_files, only_log
from gnnrec.data.readers.log_table import LogTable, raise_problems
from gnnrec.data.readers.table_files import read_delimited
from gnnrec.data.readers.text_files import header_of
from gnnrec.errors import DataError

__all__ = ["READER"]

_NAME = "mmrec"
_NAMES = {
    "user": ("userID", "user_id"),
    "item": ("itemID", "item_id"),
    "timestamp": ("timestamp",),
    "weight": ("rating",),
    "split": ("x_label",),
}
_CATALOG_DELIMITERS = {".tsv": "\t", ".csv": ","}


def _detect(path: Path) -> bool:
    files = inter_files(path)
    return bool(files) and not has_typed_header(files[0])


def _read(path: Path, form: TableForm) -> RawLog:
    """Read the log; users and items are 0..largest, items also as far as a catalog beside the log goes.

    A ``.tsv`` or ``.csv`` file whose first column is ``itemID`` or ``item_id`` is taken for the catalog
    unless it is damaged or repeats an item, which a note tells. Every ``.npy`` file is a feature file,
    called as its stem without ``_feat``; rows of zeros count as missing.
    """
    refuse_form(form, _NAME, ("columns", "delimiter", "encoding"))
    files = inter_files(path)
    stem = only_log(path, [file.stem for file in files])
    file = next(file for file in files if file.stem == stem)
    folder = file.parent
    table = read_delimited(file, form.delimiter or "\t", encoding=form.encoding or "utf8")
    roles = choose_columns(table, form.columns, _NAMES)
    raise_problems([table])
    user, item = table.indices(roles["user"]), table.indices(roles["item"])
    part = table.labels(roles["split"]) if "split" in roles else None
    timestamp = table.times(roles["timestamp"]) if "timestamp" in roles else None
    weight = table.weights(roles["weight"]) if "weight" in roles else None
    raise_problems([table])
    notes: list[str] = []
    catalogs = _read_catalogs(folder, notes)
    listed = [
        int(np.asarray(catalog.columns[column].to_pylist(), dtype=np.int64).max()) for catalog, column in catalogs
    ]
    items = position_map(max(int(item.max()), *listed, 0), len(item), file, "item")
    return RawLog(
        path=path,
        name=stem,
        users=position_map(int(user.max()), len(user), file, "user"),
        items=items,
        user=user,
        item=item,
        part=part,
        timestamp=timestamp,
        weight=weight,
        features=[FeatureFile(array.stem.removesuffix("_feat"), array) for array in sorted(folder.glob("*.npy"))],
        catalog=catalog_frame(items, catalogs),
        notes=notes,
    )


def _read_catalogs(folder: Path, notes: list[str]) -> list[tuple[LogTable, str]]:
    catalogs = []
    for suffix, delimiter in _CATALOG_DELIMITERS.items():
        for file in sorted(folder.glob(f"*{suffix}")):
            first = header_of(file, delimiter)[:1]
            if first not in (["itemID"], ["item_id"]):
                continue
            try:
                table = read_delimited(file, delimiter, quoted=True)
                table.indices(first[0])
                report_repeated_ids(table, first[0])
                raise_problems([table])
            except DataError as error:
                notes.append(f"not used as the catalog: {error.problems[0]}")
            else:
                catalogs.append((table, first[0]))
    return catalogs


READER = Reader(
    name=_NAME,
    looks_for="one *.inter file with columns userID, itemID [, x_label]",
    detect=_detect,
    read=_read,
)
