"""A progress bar for training."""

import sys
from typing import Any

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

from gnnrec.training.callbacks import Callback
from gnnrec.training.state import TrainState

__all__ = ["ProgressBar"]


class ProgressBar(Callback):
    """Shows steps, epoch time, loss and the best metric on standard error; quiet when that is not a terminal.

    Args:
        metric: Name of the selecting metric.
    """

    def __init__(self, metric: str) -> None:
        self.metric = metric
        self._progress = Progress(
            TextColumn("epoch {task.fields[epoch]}"),
            BarColumn(bar_width=24),
            MofNCompleteColumn(),
            TextColumn("{task.fields[status]}"),
            TimeElapsedColumn(),
            console=Console(file=sys.stderr),
            disable=not sys.stderr.isatty(),
            transient=True,
        )
        self._task = self._progress.add_task("train", total=None, epoch=1, status="")

    def on_start(self, state: TrainState) -> None:
        """Show the bar."""
        self._progress.start()

    def on_step(self, state: TrainState, step: int, num_steps: int) -> None:
        """Move the bar."""
        self._progress.update(self._task, completed=step, total=num_steps, epoch=state.epoch + 1)

    def on_epoch(self, state: TrainState, record: dict[str, Any]) -> None:
        """Show what the epoch gave."""
        loss = sum(record["losses"].values())
        best = f", best {self.metric} {state.best_value:.4f} (epoch {state.best_epoch})" if state.best_epoch else ""
        self._progress.update(self._task, status=f"{record['seconds']:.2f} s, loss {loss:.4f}{best}")

    def on_end(self, state: TrainState) -> None:
        """Take the bar away."""
        self._progress.stop()
