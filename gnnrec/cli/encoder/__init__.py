"""``gnnrec encoder``: encoders are trained and measured."""

import typer

from gnnrec.cli.encoder.evaluate import evaluate
from gnnrec.cli.encoder.probe import probe
from gnnrec.cli.encoder.segments import segments
from gnnrec.cli.encoder.similar import similar
from gnnrec.cli.encoder.train_audioclip import train_audioclip
from gnnrec.cli.encoder.train_musicvideo import train_musicvideo

__all__ = ["app"]

app = typer.Typer(help="Train and measure encoders.", no_args_is_help=True, rich_markup_mode=None)
train = typer.Typer(help="Train an encoder.", no_args_is_help=True, rich_markup_mode=None)
train.command("audioclip")(train_audioclip)
train.command("musicvideo")(train_musicvideo)
app.add_typer(train, name="train")
app.command("evaluate")(evaluate)
app.command("segments")(segments)
app.command("probe")(probe)
app.command("similar")(similar)
