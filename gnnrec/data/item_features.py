"""The features of all items in one modality."""

from dataclasses import dataclass, fields
from functools import cached_property
from typing import cast

import torch
from torch import Tensor

from gnnrec.errors import ArgumentError, DataError
from graphs import ItemGraph, Normalization, knn_graph

__all__ = ["LARGEST", "ItemFeatures"]

LARGEST = 1e15
"""Numbers of features stay below it: the sum of their squares must be finite in float32."""

_EVERY = cast(Tensor, None)
"""Stands for a mask of every item until the number of items is known."""


@dataclass(frozen=True, eq=False)
class ItemFeatures:
    """Item features and which items have them.

    Args:
        x: Features, kept as float32. Rows outside the mask are set to zero and never read as data. Shape:
            (num_items, d).
        mask: Whether the item has such content [default: every item]. Shape: (num_items,), bool.

    Raises:
        ArgumentError: If shapes or types are wrong.
        DataError: If a covered row holds NaN, infinity or numbers so large that lengths overflow.
    """

    x: Tensor
    mask: Tensor = _EVERY

    def __post_init__(self) -> None:
        mask: object = self.mask
        if mask is None and isinstance(self.x, Tensor):
            mask = torch.ones(len(self.x), dtype=torch.bool, device=self.x.device)
            object.__setattr__(self, "mask", mask)
        if not all(isinstance(one, Tensor) for one in (self.x, mask)):
            raise ArgumentError(
                f"'x' and 'mask' must be tensors (got {type(self.x).__name__} and {type(self.mask).__name__})"
            )
        if self.x.dim() != 2 or not self.x.is_floating_point():
            raise ArgumentError(
                f"'x' must be a floating (num_items, d) matrix (got {self.x.dtype}, {tuple(self.x.shape)})"
            )
        if self.mask.shape != self.x.shape[:1] or self.mask.dtype != torch.bool:
            raise ArgumentError(
                f"'mask' must be bool of shape ({self.x.shape[0]},) (got {self.mask.dtype}, {tuple(self.mask.shape)})"
            )
        if not bool(self.mask.all()) or self.x.dtype != torch.float32:
            # Whatever stands for a missing item must not reach a product: 0 times NaN is NaN.
            x = self.x.to(torch.float32).masked_fill(~self.mask.unsqueeze(1), 0.0)
            object.__setattr__(self, "x", x)
        bad = (~torch.isfinite(self.x).all(dim=1) & self.mask).nonzero().flatten()
        if bad.numel():
            rows = ", ".join(str(row) for row in bad[:5].tolist())
            raise DataError(
                f"features hold NaN or infinity in {bad.numel()} rows (first: {rows}); every value must be finite"
            )
        if self.x.numel() and float(torch.stack(torch.aminmax(self.x.detach())).abs().max()) > LARGEST:
            raise DataError(f"features must be below {LARGEST:g}, or their lengths overflow; scale them")

    def __getstate__(self) -> dict[str, object]:
        # What was worked out from them is not copied or stored along.
        return {field.name: getattr(self, field.name) for field in fields(self)}

    @property
    def num_items(self) -> int:
        """Number of items."""
        return self.x.shape[0]

    @property
    def dim(self) -> int:
        """Length of one item's feature vector."""
        return self.x.shape[1]

    @property
    def coverage(self) -> float:
        """Share of items that have features, in [0, 1]."""
        return float(self.mask.float().mean()) if self.num_items else 0.0

    @cached_property
    def complete(self) -> bool:
        """Whether every item has features."""
        return bool(self.mask.all())

    # What is kept must serve training too, wherever it is asked for first: hence no inference mode below.

    @cached_property
    @torch.inference_mode(False)
    def norms(self) -> Tensor:
        """Euclidean length of each row, at least 1e-12. Shape: (num_items,)."""
        lengths: Tensor = torch.linalg.vector_norm(self.x, dim=1)
        return lengths.clamp(min=1e-12)

    @cached_property
    @torch.inference_mode(False)
    def mean_direction(self) -> Tensor:
        """Mean of the covered rows at length 1: the stand-in for an item without content. Shape: (d,)."""
        weight = self.mask.to(self.x.dtype) / self.norms
        return (weight @ self.x) / self.mask.sum().clamp(min=1)

    @torch.inference_mode(False)
    def item_graph(self, k: int, *, norm: Normalization = "none", binary: bool = False) -> ItemGraph:
        """Each item's k nearest others by cosine, kept with the features; see :func:`graphs.knn_graph`.

        Args:
            k: Neighbours of each item; all others where there are fewer.
            norm: How the weights are normalised; see ``ItemGraph.normalized``.
            binary: Whether each neighbour weighs 1 before that, instead of its cosine.
        """
        key = (k, norm, binary)
        if key not in self._item_graphs:
            if key == (k, "none", False):
                found = knn_graph(self.x, min(k, max(self.num_items - 1, 1)), self.mask)
            else:
                found = self.item_graph(k)
                found = (found.binary() if binary else found).normalized(norm)
            self._item_graphs[key] = found
        return self._item_graphs[key]

    @cached_property
    def _item_graphs(self) -> dict[tuple[int, str, bool], ItemGraph]:
        return {}

    def to(self, device: torch.device | str) -> "ItemFeatures":
        """The same features on ``device``; themselves when they are there already, with their graphs."""
        if torch.empty(0, device=device).device == self.x.device == self.mask.device:
            return self
        return ItemFeatures(x=self.x.to(device), mask=self.mask.to(device))
