"""What can be trained."""

from abc import ABC, abstractmethod
from collections.abc import Iterable
from typing import Any

from torch import Tensor, nn

__all__ = ["TrainingTask"]


class TrainingTask(ABC):
    """A model with its data and its loss, for :func:`~encoders.training.fit`.

    Whatever is random about a batch must follow from the epoch alone, and from a seed that the task was made with: a
    run that goes on after a stop then sees what it would have seen.

    Args:
        model: What is trained; parameters that need no gradient stay as they are.
    """

    metric = "loss"
    """The figure of :meth:`validate` by which the best epoch is chosen."""

    larger_is_better = False
    """Whether a larger value of it is better."""

    def __init__(self, model: nn.Module) -> None:
        self.model = model

    @property
    @abstractmethod
    def num_steps(self) -> int:
        """Batches an epoch."""

    @abstractmethod
    def batches(self, epoch: int) -> Iterable[Any]:
        """The training batches of an epoch, counted from 1."""

    @abstractmethod
    def loss(self, batch: Any) -> dict[str, Tensor]:
        """Terms of the loss by name, each a number; they are added."""

    def parameter_groups(self) -> list[dict[str, Any]]:
        """Groups for the optimizer; one with a ``weight_decay`` of its own keeps it."""
        return [{"params": [parameter for parameter in self.model.parameters() if parameter.requires_grad]}]

    def begin_epoch(self) -> None:
        """Put the model into training mode; frozen parts may have to stay in evaluation mode."""
        self.model.train()

    def after_step(self) -> None:  # noqa: B027 - nothing to do is the usual case
        """Called after each step of the optimizer."""

    def validate(self) -> dict[str, float]:
        """Figures on validation data, in evaluation mode; nothing if there is none."""
        return {}
