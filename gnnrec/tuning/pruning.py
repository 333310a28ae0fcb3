"""Reporting epochs to Optuna."""

from typing import TYPE_CHECKING, Any

from optuna.exceptions import TrialPruned

from gnnrec.training.callbacks import Callback
from gnnrec.training.state import TrainState

if TYPE_CHECKING:
    from optuna.trial import Trial

__all__ = ["Pruning"]


class Pruning(Callback):
    """Reports each epoch's validation metric, and ends a trial that the study's pruner gives up.

    Args:
        trial: The trial.
        metric: The metric.
    """

    def __init__(self, trial: "Trial", metric: str) -> None:
        self.trial = trial
        self.metric = metric

    def on_epoch(self, state: TrainState, record: dict[str, Any]) -> None:
        """Report, and ask."""
        if "valid" not in record:
            return
        self.trial.report(record["valid"][self.metric], step=state.epoch)
        if self.trial.should_prune():
            raise TrialPruned(f"behind the others after {state.epoch} epochs")
