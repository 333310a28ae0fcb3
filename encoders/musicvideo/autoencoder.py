"""Heads that start as the first halves of autoencoders."""

from collections.abc import Iterable
from itertools import pairwise
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional

from encoders.errors import ArgumentError
from encoders.musicvideo.projection_head import ProjectionHead
from encoders.training import TrainingTask

__all__ = ["AutoencoderTask"]


class AutoencoderTask(TrainingTask):
    """Reconstruct the features of one modality from their projection: the sixth configuration of Veldkamp et al.

    The decoder mirrors the head, without dropout: ``Linear - BatchNorm - ReLU`` for each hidden layer in reverse order,
    then ``Linear``. The loss is the mean squared error of features at mean 0 and variance 1, so that all count alike
    and 1 is what their means would give. The projection is taken before it is divided by its length.

    Args:
        head: What is kept; trained in place.
        train: Features to learn from. Shape: (segments, in_features).
        valid: Features of other films, to choose by. Shape: (segments, in_features).
        batch_size: Segments a batch at most.
        seed: Of the batches.

    Raises:
        ArgumentError: If the head has no layer, or there are fewer than two segments.
    """

    def __init__(
        self, head: ProjectionHead, train: Tensor, valid: Tensor, *, batch_size: int = 1000, seed: int = 0
    ) -> None:
        if len(head.widths) < 2:
            raise ArgumentError("'head' must have a layer that can be trained")
        if len(train) < 2 or not len(valid):
            raise ArgumentError(f"'train' must have two segments and 'valid' one (got {len(train)} and {len(valid)})")
        super().__init__(nn.ModuleDict({"head": head, "decoder": _decoder(head.widths)}))
        self.head = head
        self.train, self.valid = train, valid
        self.batch_size, self.seed = batch_size, seed
        self._mean, self._deviation = train.mean(dim=0), train.std(dim=0).clamp(min=1e-6)

    @property
    def num_steps(self) -> int:
        """Batches an epoch."""
        return max(1, min(-(-len(self.train) // self.batch_size), len(self.train) // 2))

    def batches(self, epoch: int) -> Iterable[Tensor]:
        """Rows, each once, in parts of nearly the same size."""
        order = np.random.default_rng((self.seed, epoch)).permutation(len(self.train))
        return [torch.from_numpy(part) for part in np.array_split(order, self.num_steps)]

    def loss(self, batch: Any) -> dict[str, Tensor]:
        """The mean squared error."""
        return {"reconstruction": self._error(self.train[batch])}

    @torch.no_grad()
    def validate(self) -> dict[str, float]:
        """The same of the validation features; 1 is no better than the mean."""
        parts = torch.split(self.valid, 8192)
        return {"loss": sum(float(self._error(part)) * len(part) for part in parts) / len(self.valid)}

    def _error(self, features: Tensor) -> Tensor:
        device = next(self.head.parameters()).device
        wanted = ((features - self._mean) / self._deviation).to(device)
        return functional.mse_loss(self.model.get_submodule("decoder")(self.head.embed(features.to(device))), wanted)


def _decoder(widths: tuple[int, ...]) -> nn.Sequential:
    layers: list[nn.Module] = []
    for wide, next_wide in pairwise(widths[::-1]):
        layers += [nn.Linear(wide, next_wide), nn.BatchNorm1d(next_wide), nn.ReLU()]
    return nn.Sequential(*layers[:-2])
