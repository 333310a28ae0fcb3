"""``gnnrec tune``: studies with Optuna."""

import typer

from gnnrec.cli.tune.best import best
from gnnrec.cli.tune.group import TuneGroup
from gnnrec.cli.tune.report import report
from gnnrec.cli.tune.run import run

__all__ = ["app"]

app = typer.Typer(
    cls=TuneGroup,
    help="Search model, fusion, features and hyper-parameters: gnnrec tune PATH --model lattice,mmgcn ...",
    no_args_is_help=True,
)
app.command("run")(run)
app.command("report")(report)
app.command("best")(best)
