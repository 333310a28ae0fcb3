"""Exact nearest neighbours by cosine."""

from __future__ import annotations

from typing import NamedTuple

import torch
from torch import Tensor

from graphs.item_graph import ItemGraph

__all__ = ["knn_graph"]

_SMALLEST_BLOCK = 64
"""Rows of a block at least, however many items there are: fewer make poor products."""

_BLOCK_VALUES = 8_000_000
"""Similarities held at a time: 32 MB."""

_EXACT_VALUES = 1_000_000
"""Values of one matrix in double precision: 8 MB."""

_EQUAL = 1e-12
"""Cosines closer than this are equal; double precision is off by less."""


@torch.no_grad()
def knn_graph(x: Tensor, k: int, mask: Tensor | None = None) -> ItemGraph:
    """The graph of each item's k most similar others, in blocks of rows.

    An item is no neighbour of its own. Items outside the mask, and those whose vector is zero, have no direction: they
    get no edges and give none. Equal similarities go to the lower index.

    Products are in single precision (on a GPU that is set to TF32, in that). Rows whose last neighbour and next
    candidate it cannot tell apart are decided in double precision, so that the choice is no matter of how a machine
    rounds. Memory beyond ``x`` is one copy of it, the result and blocks of a fixed size: O(n d + n k).

    Args:
        x: Item features. Rows outside the mask may hold anything. Shape: (n, d), float32.
        k: Neighbours of each item, in [1, n - 1] (1 where n is below 2); items have fewer where fewer others have
            features.
        mask: Whether each item has features; all by default. Shape: (n,), bool.

    Returns:
        The graph; weights are cosines.

    Raises:
        ValueError: If ``k`` is out of range, a shape or type is wrong or a row holds NaN or infinity.

    Example:
        >>> x = torch.tensor([[1.0, 0.0], [0.8, 0.6], [0.0, 1.0]])
        >>> knn_graph(x, k=1).edge_index
        tensor([[0, 1, 2],
                [1, 0, 1]])
    """
    _check(x, k, mask)
    items = _directed(x, torch.ones(x.shape[:1], dtype=torch.bool, device=x.device) if mask is None else mask)
    count = items.members.numel()
    k = min(k, count - 1)
    if k < 1:
        nothing = torch.empty(2, 0, dtype=torch.int64, device=x.device)
        return ItemGraph._from_sorted(nothing, x.new_empty(0), x.shape[0])
    neighbour = torch.empty(count, k, dtype=torch.int64, device=x.device)
    cosine = x.new_empty(count, k)
    block = min(count, max(_SMALLEST_BLOCK, _BLOCK_VALUES // count))
    buffer = x.new_empty(block, count)
    for start in range(0, count, block):
        rows = slice(start, min(start + block, count))
        similarity = torch.mm(items.unit[rows], items.unit.T, out=buffer[: rows.stop - start])
        similarity.diagonal(start).fill_(-torch.inf)
        neighbour[rows], cosine[rows] = _nearest(similarity, start, k, items)
    edge_index = torch.stack([items.members.repeat_interleave(k), items.members[neighbour.flatten()]])
    return ItemGraph._from_sorted(edge_index, cosine.flatten().clamp_(-1.0, 1.0), x.shape[0])


class _Items(NamedTuple):
    """Items that have a direction."""

    x: Tensor
    members: Tensor
    """Their rows of x. Shape: (m,)."""
    length: Tensor
    """Shape: (m,), float64."""
    unit: Tensor
    """Their directions. Shape: (m, d)."""

    def exact_directions(self, places: Tensor) -> Tensor:
        return self.x[self.members[places]].double() / self.length[places].unsqueeze(1)


def _check(x: Tensor, k: int, mask: Tensor | None) -> None:
    if x.dim() != 2 or x.dtype != torch.float32:
        raise ValueError(f"'x' must be a float32 (n, d) matrix (got {x.dtype}, {tuple(x.shape)})")
    if mask is not None and (mask.shape != x.shape[:1] or mask.dtype != torch.bool):
        raise ValueError(f"'mask' must be bool of shape ({x.shape[0]},) (got {mask.dtype}, {tuple(mask.shape)})")
    largest = max(1, x.shape[0] - 1)
    if not 1 <= k <= largest:
        raise ValueError(f"'k' must lie in [1, {largest}] for {x.shape[0]} items (got {k})")


def _directed(x: Tensor, mask: Tensor) -> _Items:
    step = max(1, _EXACT_VALUES // max(1, x.shape[1]))
    # In single precision, the squares of very large or small values would leave its range.
    length = torch.cat([torch.linalg.vector_norm(rows, dim=1, dtype=torch.float64) for rows in torch.split(x, step)])
    broken = (mask & ~length.isfinite()).nonzero().flatten()
    if broken.numel():
        raise ValueError(f"'x' must be finite (got NaN or infinity in {broken.numel()} rows, first: {int(broken[0])})")
    members = (mask & (length > 0)).nonzero().flatten()
    unit = x.new_empty(members.numel(), x.shape[1])
    for rows, out in zip(torch.split(members, step), torch.split(unit, step), strict=True):
        torch.div(x[rows], length[rows].unsqueeze(1), out=out)
    return _Items(x, members, length[members], unit)


def _nearest(similarity: Tensor, start: int, k: int, items: _Items) -> tuple[Tensor, Tensor]:
    """The k nearest of each row in rising order, and their cosines; row i is the member ``start + i``."""
    # The item itself, at minus infinity, makes one candidate more than k at least.
    top = similarity.topk(k + 1, dim=1)
    # What rounding may add to a difference of two products of unit rows: measured errors stay well within it.
    margin = 2.0**-22 * (8 + items.unit.shape[1] ** 0.5)
    bound = top.values[:, k - 1 : k] - margin
    near, order = top.indices[:, :k].sort(dim=1)
    cosine = top.values.gather(1, order)
    close = (top.values[:, k:] >= bound).flatten().nonzero().flatten()
    if close.numel():
        for rows in torch.split(close, max(1, _EXACT_VALUES // max(similarity.shape[1], items.unit.shape[1]))):
            candidate = similarity[rows] >= bound[rows]
            near[rows] = _decide(candidate, start + rows, k, items)
        cosine[close] = similarity[close].gather(1, near[close])
    return near, cosine


def _decide(candidate: Tensor, places: Tensor, k: int, items: _Items) -> Tensor:
    """The k nearest among the candidates of some members, in rising order; shape of ``candidate``: (rows, m)."""
    columns = candidate.any(0).nonzero().flatten()
    left = items.exact_directions(places)
    step = max(1, _EXACT_VALUES // items.unit.shape[1])
    exact = torch.cat([left @ items.exact_directions(part).T for part in torch.split(columns, step)], dim=1)
    exact.masked_fill_(~candidate[:, columns], -torch.inf)
    value, place = exact.sort(dim=1, descending=True)
    # Ranks of different values; equal ones share a rank, and within it the lower index comes first.
    rank = torch.zeros_like(place)
    rank[:, 1:] = (value[:, :-1] - value[:, 1:] > _EQUAL).cumsum(1)
    first = (rank * columns.numel() + place).sort(dim=1).values[:, :k]
    return columns[first % columns.numel()].sort(dim=1).values
