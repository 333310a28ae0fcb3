"""``gnnrec encoder``: encoders are trained and measured."""

import typer

from gnnrec.cli.encoder.evaluate import evaluate
from gnnrec.cli.encoder.train_audioclip import train_audioclip

__all__ = ["app"]

app = typer.Typer(help="Train and measure encoders.", no_args_is_help=True, rich_markup_mode=None)
train = typer.Typer(help="Train an encoder.", no_args_is_help=True, rich_markup_mode=None)
train.command("audioclip")(train_audioclip)
app.add_typer(train, name="train")
app.command("evaluate")(evaluate)
