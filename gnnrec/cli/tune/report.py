"""``gnnrec tune report``."""

from pathlib import Path
from typing import Annotated

import typer

__all__ = ["report"]


def report(
    name: Annotated[str, typer.Argument(help="Name of the study.")],
    folder: Annotated[Path, typer.Option(help="Where studies have their folders.")] = Path("studies"),
    storage: Annotated[
        str | None, typer.Option(help="Journal file or URL of a database [default: FOLDER/NAME/study.journal].")
    ] = None,
) -> None:
    """Write the study's report into its folder, as a page and as pictures."""
    from gnnrec.tuning.report import write_report
    from gnnrec.tuning.study_reader import StudyReader

    for path in write_report(StudyReader(name, folder=folder, storage=storage)):
        print(path)
