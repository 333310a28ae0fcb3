"""How to train, whatever is trained."""

import math
from dataclasses import dataclass
from typing import Any, Literal

import torch

from encoders.errors import ArgumentError

__all__ = ["OPTIMIZERS", "PRECISIONS", "SCHEDULES", "TrainingOptions"]

OPTIMIZERS = ("sgd", "adam", "adamw")
PRECISIONS = ("fp32", "bf16")
SCHEDULES = ("exponential", "cosine")


@dataclass(frozen=True)
class TrainingOptions:
    """Settings of a training run; the defaults are AudioCLIP's for fine-tuning (paper, section 4.4).

    Args:
        epochs: Passes over the training data, at most.
        batch_size: Samples a step.
        optimizer: ``"sgd"`` (with Nesterov's momentum), ``"adam"`` or ``"adamw"``.
        learning_rate: At the start, or after the warm-up.
        decay: The learning rate is multiplied by it after each epoch; not with ``"cosine"``.
        schedule: ``"exponential"``, by ``decay``, or ``"cosine"``, towards zero at the last epoch.
        momentum: Of ``"sgd"``.
        weight_decay: Of all parameters but those that a task leaves out.
        cold_epochs: Epochs at a tenth of the learning rate, at the very start.
        warm_up_epochs: Epochs in which it then rises to its full value, in equal steps.
        patience: Epochs without improvement on validation after which training stops [default: never].
        precision: ``"fp32"`` or ``"bf16"`` (automatic mixed precision; parameters stay float32).
        device: ``"cpu"``, ``"cuda"`` or ``"cuda:1"``.
        seed: Of order, augmentation and dropout.

    Raises:
        ArgumentError: If a value cannot work.
    """

    epochs: int = 50
    batch_size: int = 64
    optimizer: Literal["sgd", "adam", "adamw"] = "sgd"
    learning_rate: float = 5e-5
    decay: float = 0.98
    schedule: Literal["exponential", "cosine"] = "exponential"
    momentum: float = 0.9
    weight_decay: float = 5e-4
    cold_epochs: int = 0
    warm_up_epochs: int = 0
    patience: int | None = None
    precision: Literal["fp32", "bf16"] = "fp32"
    device: str = "cpu"
    seed: int = 0

    def __post_init__(self) -> None:
        for name, smallest in (("epochs", 1), ("batch_size", 1), ("cold_epochs", 0), ("warm_up_epochs", 0)):
            value = getattr(self, name)
            if isinstance(value, bool) or not isinstance(value, int) or value < smallest:
                raise ArgumentError(f"'{name}' must be an integer of at least {smallest} (got {value!r})")
        if not self.learning_rate > 0:
            raise ArgumentError(f"'learning_rate' must be positive (got {self.learning_rate})")
        if not 0 < self.decay <= 1:
            raise ArgumentError(f"'decay' must be above 0 and at most 1 (got {self.decay})")
        if not 0 <= self.momentum < 1:
            raise ArgumentError(f"'momentum' must be at least 0 and below 1 (got {self.momentum})")
        if not self.weight_decay >= 0:
            raise ArgumentError(f"'weight_decay' must be at least 0 (got {self.weight_decay})")
        if self.patience is not None and self.patience < 1:
            raise ArgumentError(f"'patience' must be a positive integer or None (got {self.patience})")
        for name, allowed in (("optimizer", OPTIMIZERS), ("schedule", SCHEDULES), ("precision", PRECISIONS)):
            if getattr(self, name) not in allowed:
                raise ArgumentError(f"'{name}' must be one of {', '.join(allowed)} (got {getattr(self, name)!r})")

    def rate_of_epoch(self, epoch: int) -> float:
        """The learning rate of an epoch, from 1."""
        if epoch <= self.cold_epochs:
            return 0.1 * self.learning_rate
        warm = epoch - self.cold_epochs
        if warm <= self.warm_up_epochs:
            return self.learning_rate * (0.1 + 0.9 * warm / self.warm_up_epochs)
        passed = warm - self.warm_up_epochs - 1
        if self.schedule == "cosine":
            share = passed / max(1, self.epochs - self.cold_epochs - self.warm_up_epochs)
            return self.learning_rate * 0.5 * (1 + math.cos(math.pi * share))
        return float(self.learning_rate * self.decay**passed)

    def build_optimizer(self, groups: list[dict[str, Any]]) -> torch.optim.Optimizer:
        """The optimizer over groups of parameters; a group without a weight decay gets this one's."""
        filled = [{"weight_decay": self.weight_decay, **group} for group in groups]
        if self.optimizer == "sgd":
            return torch.optim.SGD(filled, lr=self.learning_rate, momentum=self.momentum, nesterov=self.momentum > 0)
        kind = torch.optim.Adam if self.optimizer == "adam" else torch.optim.AdamW
        return kind(filled, lr=self.learning_rate)
