"""``gnnrec add-items``."""

from pathlib import Path
from typing import Annotated

import typer

__all__ = ["add_items"]


def add_items(
    run: Annotated[Path, typer.Argument(help="Folder of a run that was trained with --encoder.")],
    path: Annotated[Path, typer.Argument(help="Table of the new items, or a folder with items.parquet.")],
    root: Annotated[Path | None, typer.Option(help="Folder that file names start from [default: the table's].")] = None,
    replace: Annotated[bool, typer.Option("--replace", help="Forget the items that were added before.")] = False,
    json: Annotated[bool, typer.Option("--json", help="Print the figures as JSON.")] = False,
) -> None:
    """Let a run recommend items that came after training, by their contents; 'gnnrec recommend' then lists them too."""
    from dataclasses import asdict

    import pyarrow as pa

    from gnnrec.cli.output import command_line, print_json, status
    from gnnrec.data.readers.table import read_table
    from gnnrec.serving.add_items import add_items as add

    file = path / "items.parquet" if path.is_dir() else path
    table = pa.table(dict(read_table(file).columns)).to_pandas()
    result = add(run, table, root or file.parent, replace=replace)
    if json:
        print_json(asdict(result))
        return
    covered = ", ".join(f"{name} of {count:,}" for name, count in result.covered.items())
    status(f"{result.items:,} items added to {run} ({covered})")
    for item, reason in list(result.problems.items())[:5]:
        status(f"  {item}: {reason}")
    status(f"next: {command_line('gnnrec', 'recommend', run, '--user', 'ID')}")
