"""How what is wrong with rows of a table is said."""

from collections.abc import Sequence
from pathlib import Path

__all__ = ["row_problem"]

_SHOWN = 3


def row_problem(path: Path, rows: Sequence[int], message: str, *, column: str | None = None) -> str:
    """One line for all rows that have the same kind of problem.

    Args:
        path: The table's file.
        rows: Rows as an editor numbers them, from 1; at least one.
        message: What would be right, and what the first of the rows has.
        column: Name of the column.

    Example:
        >>> row_problem(Path("a.csv"), [2, 5, 6, 9], "must be a number (got 'x')", column="fold")
        "a.csv, row 2, column 'fold': must be a number (got 'x'); also rows 5, 6 and 1 more"
    """
    place = f"{path}, row {rows[0]}" + (f", column '{column}'" if column else "")
    others = ""
    if len(rows) > 1:
        others = f"; also row{'s' if len(rows) > 2 else ''} {', '.join(map(str, rows[1:_SHOWN]))}"
    if len(rows) > _SHOWN:
        others += f" and {len(rows) - _SHOWN} more"
    return f"{place}: {message}{others}"
