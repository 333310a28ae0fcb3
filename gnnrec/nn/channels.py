"""Propagated vectors, one a channel."""

from dataclasses import dataclass

import torch
from torch import Tensor

__all__ = ["Channels"]


@dataclass(frozen=True)
class Channels:
    """Propagated vectors of users or of items, one a channel, split by where they started.

    Args:
        names: Names of the C channels.
        shared: What started at the users. Shape: (n, 1, d) where it is the same in all channels, else (n, C, d).
        content: What started at the items' ids and modalities. Shape: (n, C, d).
    """

    names: tuple[str, ...]
    shared: Tensor
    content: Tensor

    def rows(self, index: Tensor | None) -> "Channels":
        """The channels of some rows, of all without ``index``."""
        if index is None:
            return self
        return Channels(self.names, self.shared.index_select(0, index), self.content.index_select(0, index))

    def replaced(self, name: str, content: Tensor | None) -> "Channels":
        """The channels with other content in one of them, shape (n, d); ``None`` is none."""
        place = self.names.index(name)
        columns = list(self.content.unbind(1))
        columns[place] = torch.zeros_like(columns[place]) if content is None else content
        return Channels(self.names, self.shared, torch.stack(columns, dim=1))

    def vectors(self) -> dict[str, Tensor]:
        """The sum of both origins by channel. Shape of each: (n, d)."""
        return dict(zip(self.names, (self.shared + self.content).unbind(1), strict=True))
