"""What a training run has reached."""

from dataclasses import dataclass, field
from typing import Any

import torch
from torch import Tensor

from gnnrec.errors import RunError
from gnnrec.models.base import Recommender

__all__ = ["TrainState"]


@dataclass(eq=False)
class TrainState:
    """All that resuming needs, and what callbacks look at.

    Args:
        model: The model in training.
        optimizer: Its optimizer.
        generator: Randomness of the sampler.
        epoch: Finished epochs.
        best_epoch: Epoch of the best validation metric, 0 before the first evaluation.
        best_value: That metric.
        best_parameters: The model's state at that epoch.
        history: One record an epoch: ``epoch``, ``losses``, ``valid`` (where evaluated), ``seconds``.
        stop: Set by a callback to end training after this epoch; not saved, a resumed run decides anew.
    """

    model: Recommender
    optimizer: torch.optim.Optimizer
    generator: torch.Generator
    epoch: int = 0
    best_epoch: int = 0
    best_value: float = -float("inf")
    best_parameters: dict[str, Tensor] = field(default_factory=dict)
    history: list[dict[str, Any]] = field(default_factory=list)
    stop: bool = False

    def keep_best(self, value: float) -> None:
        """Remember the present parameters if ``value`` is the best so far; a tie keeps the earlier epoch."""
        if value > self.best_value:
            self.best_value, self.best_epoch = value, self.epoch
            self.best_parameters = {name: tensor.detach().clone() for name, tensor in self.model.state_dict().items()}

    def to_dict(self) -> dict[str, Any]:
        """Plain containers and tensors, which ``torch.load(weights_only=True)`` reads back."""
        return {
            "model": self.model.state_dict(),
            "optimizer": self.optimizer.state_dict(),
            "sampler": self.generator.get_state(),
            "random": torch.get_rng_state(),
            "cuda_random": torch.cuda.get_rng_state_all() if torch.cuda.is_available() else [],
            "epoch": self.epoch,
            "best_epoch": self.best_epoch,
            "best_value": self.best_value,
            "best_parameters": self.best_parameters,
            "history": self.history,
        }

    def restore(self, saved: dict[str, Any]) -> None:
        """Continue from what :meth:`to_dict` gave.

        Raises:
            RunError: If it is of another model or damaged.
        """
        try:
            self.model.load_state_dict(saved["best_parameters"] or saved["model"])  # both must fit
            self.model.load_state_dict(saved["model"])
            self.optimizer.load_state_dict(saved["optimizer"])
            self.generator.set_state(saved["sampler"].cpu())
            torch.set_rng_state(saved["random"].cpu())
            if saved["cuda_random"] and torch.cuda.is_available():
                torch.cuda.set_rng_state_all([state.cpu() for state in saved["cuda_random"]])
        except (AttributeError, KeyError, RuntimeError, TypeError, ValueError) as error:
            source = saved.get("path", "the checkpoint")
            raise RunError(f"{source}: does not fit this model ({error}); delete it to start anew") from error
        for name in ("epoch", "best_epoch", "best_value", "best_parameters", "history"):
            setattr(self, name, saved[name])
