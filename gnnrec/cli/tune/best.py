"""``gnnrec tune best``."""

from pathlib import Path
from typing import Annotated

import typer

from gnnrec.cli.tune.study_options import StudyFolder, StudyLocation, StudyName

__all__ = ["best"]


def best(
    name: StudyName,
    folder: StudyFolder = Path("studies"),
    storage: StudyLocation = None,
    command: Annotated[bool, typer.Option("--command", help="Print the command line that trains it.")] = False,
    json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
) -> None:
    """The best candidate of a study: the winner, or the best trial so far."""
    from gnnrec.cli.output import print_json, print_line, status
    from gnnrec.tuning.study_reader import StudyReader

    reader = StudyReader(name, folder=folder, storage=storage)
    found = reader.best()
    if command:
        print_line(reader.command(found))
        return
    if json:
        print_json({**found.to_dict(), "command": reader.command(found)})
        return
    seeds = f"mean over {len(found.values)} seeds" if reader.result else "one seed; the study is not finished"
    print_line(f"{found.candidate}: {reader.metric} {found.mean:.4f} on validation ({seeds})")
    status(f"train it: {reader.command(found)}")
