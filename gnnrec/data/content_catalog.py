"""The raw content of a data set's items, for encoders."""

from collections.abc import Mapping
from pathlib import Path
from string import Formatter
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from encoders.errors import EncoderError
from encoders.store import Catalog, check_fresh
from gnnrec.data.id_map import IdMap, plain_id
from gnnrec.data.modality import MODALITIES
from gnnrec.data.readers.base import TableForm
from gnnrec.data.readers.catalog import catalog_frame, report_repeated_ids
from gnnrec.data.readers.external_log import COLUMN_NAMES
from gnnrec.data.readers.log_table import raise_problems
from gnnrec.data.readers.table import read_table
from gnnrec.errors import ArgumentError, DataError

if TYPE_CHECKING:
    from gnnrec.data.dataset import Dataset

__all__ = ["content_catalog", "content_folder", "fill_template", "stale_reason", "text_columns"]

_ID_NAMES = (*COLUMN_NAMES["item"], "id")
_OWN = "column"
_TEMPLATE = "template "


def content_catalog(
    dataset: "Dataset",
    *,
    templates: Mapping[str, str] | None = None,
    table: str | Path | None = None,
    root: str | Path | None = None,
    form: TableForm | None = None,
) -> Catalog:
    """What of a data set's items can be encoded.

    By default the columns ``image``, ``text``, ``audio`` and ``video`` of the data set's table of items.

    Args:
        dataset: The items.
        templates: How to make a modality's entry from columns, such as ``{"image": "posters/{item_id}.jpg"}`` or
            ``{"text": "{title}. {plot}"}``. Without one of its columns a file name is absent, and a text leaves it out.
        table: A further table of the items: .csv, .tsv, .jsonl or .parquet.
        root: Folder that file names start from [default: that of the data].
        form: How ``table`` is to be read, where its name does not say it.

    Raises:
        DataError: If the table cannot be read.
        ArgumentError: If a modality, column or folder does not exist, or nothing at all can be encoded.
    """
    folder = Path(root) if root is not None else content_folder(dataset)
    if not folder.is_dir():
        raise ArgumentError(f"'root' must be a folder (got {folder})")
    columns = text_columns(dataset.items, dataset.catalog)
    if table is not None:
        columns |= text_columns(dataset.items, _read_table(dataset.items, Path(table), form or TableForm()))
    contents: dict[str, list[str | None]] = {}
    sources: dict[str, str] = {}

    def add(modality: str, entries: list[str | None], source: str) -> None:
        contents[modality] = entries
        # Only contents that the data set names by itself can be found again when it is read.
        found = table is None and (root is None or modality == "text")
        sources[modality] = source if found else f"{source} of {table or root}"

    for modality in MODALITIES:
        if modality in columns:
            add(modality, columns[modality], _OWN)
    for modality, template in (templates or {}).items():
        if modality not in MODALITIES:
            raise ArgumentError(f"'templates' must be of {', '.join(MODALITIES)} (got '{modality}')")
        add(modality, fill_template(modality, template, columns, len(dataset.items)), f"{_TEMPLATE}{template}")
    if not contents:
        raise ArgumentError(
            f"{dataset.source}: nothing to encode; items.parquet needs a column {', '.join(MODALITIES)}, or give a "
            f"template such as --image 'posters/{{item_id}}.jpg' (columns: {', '.join(columns)})"
        )
    return Catalog(folder, dataset.items.array.tolist(), contents, sources)


def content_folder(dataset: "Dataset") -> Path:
    """The folder that file names of a data set start from: its own, or that of its log."""
    source = Path(dataset.source)
    return source if source.is_dir() else source.parent


def stale_reason(
    path: Path, header: Mapping[str, str], folder: Path, items: IdMap, catalog: "pd.DataFrame | None"
) -> str | None:
    """Why features that ``gnnrec encode`` wrote are no longer those of their items or weights; None if they are.

    Args:
        path: The file of features.
        header: Its header.
        folder: The data's, that file names start from.
        items: The items as they are now.
        catalog: Their table.
    """
    if "reference_hash" not in header:
        return None  # not written by encode
    if "modality" not in header:
        return f"{path}: its header names no modality; encode again"
    modality = header["modality"]
    columns = text_columns(items, catalog)
    contents = _found_again(modality, header.get("source", ""), columns, len(items))
    try:
        check_fresh(path, Catalog(folder, items.array.tolist(), contents))
    except EncoderError as error:
        return str(error)
    return None


def _found_again(
    modality: str, source: str, columns: Mapping[str, list[str | None]], num_items: int
) -> dict[str, list[str | None]]:
    """Entries as they were made when the features were, from what the data set has; none if it took something else."""
    if source == _OWN and modality in columns:
        return {modality: columns[modality]}
    if source.startswith(_TEMPLATE):
        try:
            return {modality: fill_template(modality, source.removeprefix(_TEMPLATE), columns, num_items)}
        except ArgumentError:  # columns of a table that is not the data set's
            return {}
    return {}


def _read_table(items: IdMap, path: Path, form: TableForm) -> "pd.DataFrame | None":
    table = read_table(path, form)
    given = form.columns.get("item")
    column = table.find("item ids", (given,) if given in table.columns else _ID_NAMES)
    raise_problems([table])
    assert column is not None, "a missing one is a problem"
    ids = table.ids(column).to_pylist()
    report_repeated_ids(table, column)
    raise_problems([table])
    if not any(one in items for one in ids):
        raise DataError(
            f"{path}, column '{column}': has none of the data's items (such as {ids[0]!r} there and "
            f"{items.ids([0])[0]!r} in the data); name the column of the ids with --column item=NAME"
        )
    return catalog_frame(items, [(table, column)])


def text_columns(items: IdMap, frame: "pd.DataFrame | None") -> dict[str, list[str | None]]:
    """Columns as texts, in item order."""
    columns: dict[str, list[str | None]] = {"item_id": [str(item) for item in items.array.tolist()]}
    if frame is not None:
        for name in frame.columns:
            if name != "item_id":
                columns[str(name)] = [_text(value) for value in frame[name].tolist()]
    return columns


def _text(value: Any) -> str | None:
    """A value as a text: those of a list one after the other, nothing for what is missing."""
    if isinstance(value, (list, tuple, np.ndarray)):
        parts = [_text(one) for one in value]
        return " ".join(part for part in parts if part is not None) or None
    if isinstance(value, dict):
        return _text([one for one in value.values()])
    if value is None or pd.isna(value):
        return None
    text = str(plain_id(value))  # whole numbers of a column that lacks some are floats
    return text if text.strip() else None


def fill_template(
    modality: str, template: str, columns: Mapping[str, list[str | None]], num_items: int
) -> list[str | None]:
    """Entries of a modality made from columns; without one of its columns a file name is absent.

    Raises:
        ArgumentError: If the template is no format of columns that there are.
    """
    try:
        names = [name for _, name, _, _ in Formatter().parse(template) if name is not None]
    except ValueError as error:
        raise ArgumentError(f"template '{template}' of {modality}: {error}") from None
    unknown = [name for name in names if name not in columns]
    if unknown or not names:
        raise ArgumentError(
            f"template '{template}' of {modality} must name columns (unknown: {', '.join(unknown) or 'none'}; "
            f"there are: {', '.join(columns)})"
        )
    try:
        template.format_map(dict.fromkeys(names, ""))
    except (ValueError, KeyError) as error:  # a format such as {item_id:04d}, which texts do not have
        raise ArgumentError(f"template '{template}' of {modality}: {error}") from None
    filled: list[str | None] = []
    for item in range(num_items):
        values = {name: columns[name][item] for name in names}
        present = [value for value in values.values() if value is not None]
        complete = len(present) == len(values) if modality != "text" else bool(present)
        filled.append(template.format_map({k: v or "" for k, v in values.items()}).strip() if complete else None)
    return filled
