"""Telling names of columns from a first row of data, which would be lost as such."""

import re
from collections.abc import Mapping, Sequence

from gnnrec.data.readers.log_table import LogTable

__all__ = ["check_header"]

_NUMBER = r"-?[0-9]+([.,][0-9]+)?"
_REQUIRED = ("user", "item")
_LOOKED_AT = 1_000


def check_header(table: LogTable, roles: Mapping[str, str], names: Mapping[str, Sequence[str]]) -> None:
    """Keep a problem of a table whose first row is data, and a note where it may be.

    A row with a name that is accepted without being chosen is no data. Others are where one of them is a number, or a
    chosen one has the form of the values below it or is one of them.

    Args:
        table: A table that was read with a header.
        roles: Its columns by role.
        names: Accepted names by role.
    """
    if not table.is_text_file or not table.columns:
        return
    found = list(table.columns)
    accepted = {name.lower() for some in names.values() for name in some}
    if any(name.lower() in accepted for name in found):
        return
    chosen = [roles[role] for role in _REQUIRED if role in roles]
    if len(chosen) == len(_REQUIRED) and found == [
        str(place) for place in range(len(found))
    ]:  # as pandas calls columns that have no names
        table.notes.append(
            f"{table.path}: row 1 ({_listed(found)}) is taken for names of columns; if it is data, say --no-header and "
            "count columns from 1"
        )
        return
    numbers = [name for name in found if re.fullmatch(_NUMBER, name.strip())]
    if numbers or any(_is_like_values(table, column) for column in chosen):
        table.problems.insert(
            0,
            f"{table.path}, row 1: looks like data and not like names of columns ({_listed(found)}); for a file "
            "without a header say --no-header --column user=1 --column item=2, with the numbers of the columns",
        )


def _is_like_values(table: LogTable, column: str) -> bool:
    """Whether a name is a value of its column, or has their form: ``u1`` above ``u2`` and ``u3``."""
    import pyarrow.compute as pc

    values = table.columns[column]
    if pc.any(pc.equal(values.cast("string"), column)).as_py():
        return True
    first = values.slice(0, _LOOKED_AT).to_pylist()
    return re.search("[0-9]", column) is not None and all(_form(str(value)) == _form(column) for value in first)


def _form(text: str) -> str:
    return re.sub("[0-9]+", "0", text)


def _listed(names: Sequence[str]) -> str:
    return ", ".join(names[:4]) + (", ..." if len(names) > 4 else "")
