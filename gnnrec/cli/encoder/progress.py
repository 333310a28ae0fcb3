"""How far an encoder's training is, on standard error."""

import sys
from typing import Any

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

from gnnrec.cli.output import status, visible

__all__ = ["EncoderProgress"]


class EncoderProgress:
    """A bar that is quiet when standard error is no terminal, and a line an epoch that is always written.

    Args:
        epochs: Of the training, at most.
    """

    def __init__(self, epochs: int = 0) -> None:
        self.epochs = epochs
        self._console = Console(file=sys.stderr)
        self._bar = Progress(
            TextColumn("{task.description}"),
            BarColumn(bar_width=24),
            MofNCompleteColumn(),
            TimeRemainingColumn(),
            console=self._console,
            disable=not sys.stderr.isatty(),
            transient=True,
        )
        self._task = self._bar.add_task("", total=None)

    def __enter__(self) -> "EncoderProgress":
        self._bar.start()
        return self

    def __exit__(self, *error: object) -> None:
        self._bar.stop()

    def count(self, what: str, done: int, total: int) -> None:
        """Move the bar of something that is counted."""
        self._bar.update(self._task, description=what, completed=done, total=total)

    def decoded(self, done: int, total: int) -> None:
        """Sounds are being decoded."""
        self.count("decoding sounds", done, total)

    def step(self, epoch: int, step: int, steps: int) -> None:
        """A step of training was done."""
        self.count(f"epoch {epoch}", step, steps)

    def epoch(self, record: dict[str, Any]) -> None:
        """An epoch has ended: write its figures."""
        losses = ", ".join(f"{name} {value:.4f}" for name, value in record["losses"].items())
        valid = ", ".join(f"{name} {value:.4f}" for name, value in record.get("valid", {}).items())
        parts = [f"epoch {record['epoch']} of {self.epochs}: {losses}"]
        parts += [f"valid {valid}"] if valid else []
        self.say("; ".join([*parts, f"{record['seconds']:.1f} s"]))

    def say(self, message: str) -> None:
        """Write a line; it goes above the bar."""
        if sys.stderr.isatty():
            self._console.print(visible(message), highlight=False, markup=False)
        else:
            status(message)
