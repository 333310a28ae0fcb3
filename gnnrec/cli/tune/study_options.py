"""How commands name a study."""

from pathlib import Path
from typing import Annotated

import typer

__all__ = ["StudyFolder", "StudyLocation", "StudyName"]

StudyName = Annotated[str, typer.Argument(help="Name of the study.")]
StudyFolder = Annotated[Path, typer.Option(help="Where studies have their folders.")]
StudyLocation = Annotated[
    str | None, typer.Option(help="Journal file or URL of a database [default: FOLDER/NAME/study.journal].")
]
