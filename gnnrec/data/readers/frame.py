"""A log that is in memory already, as a table of pandas."""

from pathlib import Path
from typing import TYPE_CHECKING

from gnnrec.data.readers.base import RawLog, TableForm
from gnnrec.data.readers.external_log import LogPart, read_external_log
from gnnrec.data.readers.log_table import LogTable
from gnnrec.errors import DataError

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["frame_table", "read_frame"]


def frame_table(frame: "pd.DataFrame", name: str) -> LogTable:
    """The columns of a frame, with the checks that those of a file get.

    Args:
        frame: The table; its index is not read.
        name: What it is called in messages.

    Raises:
        DataError: If a column is of a kind that no table has.
    """
    import pyarrow as pa

    columns = {}
    for label in frame.columns:
        try:
            columns[str(label)] = pa.chunked_array([pa.array(frame[label])])
        except (pa.ArrowException, TypeError, ValueError) as error:
            raise DataError(f"{name}, column '{label}': must have values of one kind ({error})") from None
    return LogTable(Path(name), columns)


def read_frame(
    frame: "pd.DataFrame", form: TableForm, items: "pd.DataFrame | None" = None, name: str = "frame"
) -> RawLog:
    """Read a frame with a row an interaction.

    Args:
        frame: The log.
        form: Names of its columns by role.
        items: Further columns of the items, beside their ids.
        name: What the data set is called.

    Raises:
        DataError: With all problems.
    """
    table = frame_table(frame, name)
    catalog = None
    if items is not None:
        listed = frame_table(items, f"{name} of items")
        column = listed.find("item ids", (form.columns.get("item", "item_id"), "item_id"))
        if column is None:
            raise DataError(listed.problems)
        catalog = (listed, column)
    log = read_external_log(Path(name), name, [LogPart(table)], form, catalog=catalog)
    log.columns = list(table.columns)
    return log
