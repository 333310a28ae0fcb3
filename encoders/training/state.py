"""Where training stands."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import torch
from torch import Tensor, nn

__all__ = ["TrainingState", "trained_tensors"]


def trained_tensors(model: nn.Module) -> dict[str, Tensor]:
    """What training changes: parameters with a gradient, and buffers. Frozen parameters are left out."""
    frozen = {name for name, parameter in model.named_parameters() if not parameter.requires_grad}
    return {name: tensor for name, tensor in model.state_dict().items() if name not in frozen}


@dataclass
class TrainingState:
    """Everything that a stopped run needs to go on as if it had not stopped.

    Args:
        model: What is trained.
        optimizer: Its optimizer.
        epoch: Finished epochs.
        history: A record of each.
        best_epoch: The best on validation; 0 before the first validation.
        best_value: Its figure.
        best_tensors: The model at that epoch.
    """

    model: nn.Module
    optimizer: torch.optim.Optimizer
    epoch: int = 0
    history: list[dict[str, Any]] = field(default_factory=list)
    best_epoch: int = 0
    best_value: float = float("nan")
    best_tensors: dict[str, Tensor] = field(default_factory=dict)

    @property
    def best_record(self) -> dict[str, Any]:
        """The record of the epoch whose model counts: the best on validation, without validation the last."""
        return self.history[(self.best_epoch or self.epoch) - 1]

    def keep_best(self, value: float, *, larger_is_better: bool) -> None:
        """Remember the model if its validation figure is the best so far; a figure that is no number never is."""
        if value != value:
            return
        better = value > self.best_value if larger_is_better else value < self.best_value
        if self.best_epoch == 0 or better:
            self.best_epoch, self.best_value = self.epoch, value
            self.best_tensors = {name: tensor.detach().clone() for name, tensor in trained_tensors(self.model).items()}

    def to_dict(self) -> dict[str, Any]:
        """Plain values and tensors, for a checkpoint."""
        return {
            "model": trained_tensors(self.model),
            "optimizer": self.optimizer.state_dict(),
            "epoch": self.epoch,
            "history": self.history,
            "best_epoch": self.best_epoch,
            "best_value": self.best_value,
            "best_tensors": self.best_tensors,
        }

    def restore(self, saved: Mapping[str, Any]) -> None:
        """Take over what :meth:`to_dict` gave."""
        self.model.load_state_dict(saved["model"], strict=False)
        self.optimizer.load_state_dict(saved["optimizer"])
        self.epoch, self.history = saved["epoch"], list(saved["history"])
        self.best_epoch, self.best_value = saved["best_epoch"], saved["best_value"]
        self.best_tensors = dict(saved["best_tensors"])
