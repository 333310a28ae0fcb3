"""Item features that carry gradients."""

from dataclasses import dataclass, field

import torch

from gnnrec.data.item_features import ItemFeatures
from gnnrec.errors import ArgumentError
from graphs import ItemGraph, Normalization

__all__ = ["LiveItemFeatures"]


@dataclass(frozen=True, eq=False)
class LiveItemFeatures(ItemFeatures):
    """Features of one step: some rows come from an encoder and pass gradients back to it.

    Args:
        remembered: Those of the last time that all items were encoded. Item graphs are made of them: they change with
            them, and not at every step.
    """

    remembered: ItemFeatures = field(kw_only=True)

    def __post_init__(self) -> None:
        """Nothing to check: the rows were checked when they were remembered, and loss terms are checked anyway."""

    def item_graph(self, k: int, *, norm: Normalization = "none", binary: bool = False) -> ItemGraph:
        """That of the remembered features; see :meth:`~gnnrec.data.item_features.ItemFeatures.item_graph`."""
        return self.remembered.item_graph(k, norm=norm, binary=binary)

    def to(self, device: torch.device | str) -> ItemFeatures:
        """Themselves; they are made where the recommender is."""
        if torch.empty(0, device=device).device != self.x.device:
            raise ArgumentError(f"features of a step are on {self.x.device} and cannot be moved (to {device})")
        return self
