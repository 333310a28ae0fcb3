"""User-item interactions as tensors of positions."""

from dataclasses import dataclass, replace

import torch
from torch import Tensor

from gnnrec.errors import ArgumentError

__all__ = ["Interactions"]


@dataclass(frozen=True, eq=False)
class Interactions:
    """Who took what, by position.

    Args:
        user: Users. Shape: (E,), int64, each in [0, num_users).
        item: Items. Shape: (E,), int64, each in [0, num_items).
        num_users: Number of users, those without any interaction included.
        num_items: Number of items, those without any interaction included.
        timestamp: Seconds since the epoch. Shape: (E,).
        weight: Strength, for instance a rating. Shape: (E,).

    Raises:
        ArgumentError: If shapes differ or a position lies outside its range.
    """

    user: Tensor
    item: Tensor
    num_users: int
    num_items: int
    timestamp: Tensor | None = None
    weight: Tensor | None = None

    def __post_init__(self) -> None:
        for name, size in (("user", self.num_users), ("item", self.num_items)):
            index: Tensor = getattr(self, name)
            if index.dtype != torch.int64 or index.dim() != 1:
                raise ArgumentError(
                    f"'{name}' must be a one-dimensional int64 tensor (got {index.dtype}, {tuple(index.shape)})"
                )
            if index.numel() and (int(index.min()) < 0 or int(index.max()) >= size):
                raise ArgumentError(f"'{name}' must lie in [0, {size}) (got {int(index.min())} to {int(index.max())})")
        for name in ("item", "timestamp", "weight"):
            column: Tensor | None = getattr(self, name)
            if column is not None and column.shape != self.user.shape:
                raise ArgumentError(
                    f"'{name}' must have one value an interaction: {len(self)} (got {tuple(column.shape)})"
                )

    def __len__(self) -> int:
        return self.user.numel()

    @property
    def edge_index(self) -> Tensor:
        """User-to-item edges in the log's order. Shape: (2, E)."""
        return torch.stack([self.user, self.item])

    @property
    def user_degree(self) -> Tensor:
        """Interactions of each user. Shape: (num_users,), int64."""
        return torch.bincount(self.user, minlength=self.num_users)

    @property
    def item_degree(self) -> Tensor:
        """Interactions of each item. Shape: (num_items,), int64."""
        return torch.bincount(self.item, minlength=self.num_items)

    def keys(self) -> Tensor:
        """One number a user-item pair, ``user * num_items + item``. Shape: (E,), int64."""
        return self.user * self.num_items + self.item

    def select(self, index: Tensor) -> "Interactions":
        """The interactions at ``index`` (positions or a mask); users and items keep their numbering."""
        return replace(
            self,
            user=self.user[index],
            item=self.item[index],
            timestamp=None if self.timestamp is None else self.timestamp[index],
            weight=None if self.weight is None else self.weight[index],
        )

    def to(self, device: torch.device | str) -> "Interactions":
        """The same interactions on ``device``."""
        return replace(
            self,
            user=self.user.to(device),
            item=self.item.to(device),
            timestamp=None if self.timestamp is None else self.timestamp.to(device),
            weight=None if self.weight is None else self.weight.to(device),
        )
