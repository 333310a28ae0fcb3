"""Exact nearest neighbours by cosine."""

from __future__ import annotations

import torch
from torch import Tensor

from graphs.item_graph import ItemGraph

__all__ = ["knn_graph"]

_BLOCK_VALUES = 8_000_000
"""Similarities held at a time: 32 MB."""


@torch.no_grad()
def knn_graph(x: Tensor, k: int, mask: Tensor | None = None) -> ItemGraph:
    """The graph of each item's k most similar others, in blocks of rows.

    An item is no neighbour of its own. Items outside the mask, and those whose vector is zero, have no direction: they
    get no edges and give none. Equal similarities go to the lower index.

    Args:
        x: Item features. Shape: (n, d), float32.
        k: Neighbours of each item, in [1, n - 1]; items have fewer where fewer others have features.
        mask: Whether each item has features; all by default. Shape: (n,), bool.

    Returns:
        The graph; weights are cosines.

    Raises:
        ValueError: If ``k`` is out of range or a shape is wrong.
    """
    num_items = x.shape[0]
    if mask is None:
        mask = torch.ones(num_items, dtype=torch.bool, device=x.device)
    length = torch.linalg.vector_norm(x, dim=1)
    members = (mask & (length > 0)).nonzero().flatten()
    unit = x[members] / length[members].unsqueeze(1)
    k = min(k, members.numel() - 1)
    if k < 1:
        nothing = torch.empty(2, 0, dtype=torch.int64, device=x.device)
        return ItemGraph(nothing, torch.empty(0, device=x.device), num_items)
    block = max(1, _BLOCK_VALUES // members.numel())
    index, weight = [], []
    for start in range(0, members.numel(), block):
        similarity = unit[start : start + block] @ unit.T
        rows = torch.arange(similarity.shape[0], device=x.device)
        similarity[rows, rows + start] = -torch.inf
        top = similarity.topk(k, dim=1)
        index.append(top.indices)
        weight.append(top.values)
    neighbour, order = torch.cat(index).sort(dim=1)
    values = torch.cat(weight).gather(1, order)
    edge_index = torch.stack([members.repeat_interleave(k), members[neighbour.flatten()]])
    return ItemGraph(edge_index, values.flatten(), num_items)
