"""Samples that are named by an epoch and a place."""

from abc import abstractmethod
from collections.abc import Iterator, Sequence

import torch
from torch import Tensor
from torch.utils.data import DataLoader, Dataset

__all__ = ["EVALUATION", "DrawnSamples"]

EVALUATION = 0
"""The epoch in which nothing is random."""


class DrawnSamples(Dataset[Tensor]):
    """Samples of a data set's items.

    What is random about one follows from its epoch and place and from a seed, whichever process makes it.
    """

    @abstractmethod
    def __getitem__(self, draw: tuple[int, int]) -> Tensor:
        """The sample of an epoch and a place."""

    def batches(self, places: Sequence[Sequence[int]], *, epoch: int, workers: int = 0) -> Iterator[Tensor]:
        """Samples of batches of places, in their order. Each of shape (batch, ...).

        Args:
            places: Of each batch.
            epoch: From 1, or :data:`EVALUATION`.
            workers: Processes that make samples; 0 does it in this one.
        """
        draws = [[(epoch, place) for place in batch] for batch in places]
        loader: DataLoader[Tensor] = DataLoader(
            self,
            batch_sampler=draws,
            num_workers=workers,
            pin_memory=torch.cuda.is_available(),
        )
        return iter(loader)
