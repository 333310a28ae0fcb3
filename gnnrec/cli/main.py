"""Entry point of the command line."""

import os
import sys
import warnings
from typing import Annotated

import typer

import gnnrec
from gnnrec.cli import data, demo, encoder, evaluate, recommend, train, tune
from gnnrec.cli.add_items import add_items
from gnnrec.cli.compare import compare
from gnnrec.cli.doctor import doctor
from gnnrec.cli.encode import encode, encoders
from gnnrec.cli.output import status, visible
from gnnrec.errors import GnnrecError

__all__ = ["app", "main"]

app = typer.Typer(
    name="gnnrec",
    help="From raw item content and an interaction log to recommendations.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
)
app.add_typer(data.app, name="data")
app.add_typer(encoder.app, name="encoder")
app.add_typer(tune.app, name="tune")
app.command("doctor")(doctor)
app.command("demo")(demo.demo)
app.command("encoders")(encoders)
app.command("encode")(encode)
app.command("models")(train.models)
app.command("train")(train.train)
app.command("evaluate")(evaluate.evaluate)
app.command("add-items")(add_items)
app.command("recommend")(recommend.recommend)
app.command("similar")(recommend.similar)
app.command("compare")(compare)


def _version(wanted: bool) -> None:
    if wanted:
        print(f"gnnrec {gnnrec.__version__}")
        raise typer.Exit


@app.callback()
def _options(
    debug: Annotated[bool, typer.Option("--debug", help="Show the traceback of an error.")] = False,
    version: Annotated[
        bool, typer.Option("--version", callback=_version, is_eager=True, help="Show the version and stop.")
    ] = False,
) -> None:
    """From raw item content and an interaction log to recommendations."""


def main() -> None:
    """Run the command line; every failure ends in one message and a non-zero exit code."""
    # --debug is taken anywhere on the line, because it is added to a command that has just failed.
    debug = "--debug" in sys.argv
    arguments = [argument for argument in sys.argv[1:] if argument != "--debug"]
    warnings.showwarning = _warn  # type: ignore[assignment]
    try:
        code = app(args=arguments, prog_name="gnnrec", standalone_mode=False)
    except SystemExit as error:
        if not isinstance(error.__context__, BrokenPipeError):
            raise
        code = _pipe_closed()  # click ends by itself where the reader of a pipe has gone
    except (Exception, KeyboardInterrupt) as error:
        if debug:
            raise
        code = _report(error)
    sys.exit(code if isinstance(code, int) else 0)


def _warn(message: Warning | str, *rest: object) -> None:
    """A warning as a line, without the place in the source."""
    status(f"warning: {message}")


def _pipe_closed() -> int:
    """The reader has seen what it wanted, as in ``gnnrec models | head``: no failure."""
    # Python must not complain about the pipe again while it shuts down.
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    return 0


def _report(error: BaseException) -> int:
    """Print what went wrong and give the exit code."""
    interrupts = (KeyboardInterrupt, typer.Abort)
    # A file writer that was interrupted raises an error of its own.
    if isinstance(error, interrupts) or isinstance(error.__context__, KeyboardInterrupt):
        status("interrupted")
        return 130
    if isinstance(error, BrokenPipeError):
        return _pipe_closed()
    # Importing encoders loads torch; if it is not loaded, the error is none of theirs.
    encoder_errors = sys.modules.get("encoders.errors")
    expected = (GnnrecError, OSError, *((encoder_errors.EncoderError,) if encoder_errors else ()))
    if isinstance(error, expected):
        status(f"error: {error}")
        return 2
    # Usage errors are click's, which typer brings along in a private copy: they are known by what they can do.
    show, code = getattr(error, "show", None), getattr(error, "exit_code", None)
    if callable(show) and isinstance(code, int):
        error.message = visible(error.message)  # type: ignore[attr-defined]
        show()
        return code
    status(f"internal error: {type(error).__name__}: {error} (--debug shows where)")
    return 1
