"""What evaluation and serving need of a model."""

from typing import Protocol, runtime_checkable

from torch import Tensor

__all__ = ["HistoryRows", "Scorer"]

HistoryRows = tuple[Tensor, Tensor]
"""Histories of B users in compressed form: pointer (B + 1,) and items (pointer[-1],), both int64."""


@runtime_checkable
class Scorer(Protocol):
    """Scores all items for a block of users."""

    def score(self, users: Tensor) -> Tensor:
        """Score of every item for each user; higher is better.

        Args:
            users: Positions. Shape: (B,), int64.

        Returns:
            A fresh matrix that the caller may overwrite. Shape: (B, num_items), float32.
        """
        ...
