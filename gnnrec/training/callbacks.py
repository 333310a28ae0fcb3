"""Hooks of the training loop."""

from typing import Any

from gnnrec.training.state import TrainState

__all__ = ["Callback", "EarlyStopping"]


class Callback:
    """Base of what watches training; every hook does nothing unless overridden."""

    def on_start(self, state: TrainState) -> None:
        """Called once, before the first epoch or after a checkpoint was restored."""

    def on_step(self, state: TrainState, step: int, num_steps: int) -> None:
        """Called after each step; ``step`` counts from 1."""

    def on_epoch(self, state: TrainState, record: dict[str, Any]) -> None:
        """Called after each epoch with its record, which is already in ``state.history``."""

    def on_end(self, state: TrainState) -> None:
        """Called once when training is over, whether or not it failed."""


class EarlyStopping(Callback):
    """Stops when the validation metric has not improved for a number of evaluations.

    Args:
        patience: Evaluations without improvement after which training stops.
    """

    def __init__(self, patience: int) -> None:
        self.patience = patience

    def on_start(self, state: TrainState) -> None:
        """A restored run may have had its last evaluation already."""
        self._decide(state)

    def on_epoch(self, state: TrainState, record: dict[str, Any]) -> None:
        """Count the evaluations since the best one."""
        self._decide(state)

    def _decide(self, state: TrainState) -> None:
        since = sum("valid" in past for past in state.history if past["epoch"] > state.best_epoch)
        if since >= self.patience:
            state.stop = True
