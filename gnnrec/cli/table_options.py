"""Options that say how a table of interactions is to be read; every command that reads one has them."""

from collections.abc import Sequence
from typing import Annotated, Any

import typer

from gnnrec.cli.settings import parse_columns

__all__ = [
    "ColumnOption",
    "DelimiterOption",
    "EncodingOption",
    "FormatOption",
    "MinWeightOption",
    "NoHeaderOption",
    "table_form",
]

FormatOption = Annotated[str | None, typer.Option("--format", help="Name of the format [default: detected].")]
ColumnOption = Annotated[
    list[str] | None,
    typer.Option(
        "--column",
        help="Column by role (user, item, timestamp, weight, split), such as user=customer; repeat for more.",
    ),
]
NoHeaderOption = Annotated[
    bool, typer.Option("--no-header", help="The first line is data; columns go by numbers: --column user=1.")
]
DelimiterOption = Annotated[
    str | None, typer.Option("--delimiter", help="What separates columns, such as ';' or tab [default: by name].")
]
EncodingOption = Annotated[str | None, typer.Option("--encoding", help="Of text, such as latin-1 [default: UTF-8].")]
MinWeightOption = Annotated[
    float | None, typer.Option("--min-weight", help="Leave out interactions of a lower weight or rating.")
]
_NAMED = {"tab": "\t", "\\t": "\t", "comma": ",", "semicolon": ";", "bar": "|", "space": " "}


def table_form(
    column: Sequence[str] | None,
    no_header: bool,
    delimiter: str | None,
    encoding: str | None,
    min_weight: float | None = None,
) -> dict[str, Any]:
    """Keywords of :func:`gnnrec.data.read_dataset` for what was said, nothing for what was not."""
    said: dict[str, Any] = {}
    if no_header:
        said["header"] = False
    if delimiter is not None:
        said["delimiter"] = _NAMED.get(delimiter, delimiter)
    if encoding is not None:
        said["encoding"] = encoding
    if min_weight is not None:
        said["min_weight"] = min_weight
    return {"columns": parse_columns(column or []), **said}
