"""Whether items that are alike are taken by the same users."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from graphs.bipartite import BipartiteGraph
from graphs.knn import knn_graph

__all__ = ["NeighborHomophily"]

_MAX_ITEMS = 10_000
"""Items measured at most: the search for neighbours takes time quadratic in their number."""

_LOOKUPS = 2**20
"""User-item pairs looked up at a time, 8 MB an index."""


@dataclass(frozen=True)
class NeighborHomophily:
    r"""How many users an item shares with its nearest neighbours by content, beside any two items.

    Users shared by two items are counted as the cosine of their columns of the binary user-item matrix,

    .. math:: c_{ij} = \frac{|U_i \cap U_j|}{\sqrt{|U_i| |U_j|}},

    which is 1 where the same users took both and, unlike a bare count, is not led by popularity.

    Args:
        content_neighbors: Mean of :math:`c_{ij}` over the items i and their k nearest others j by cosine of content;
            ``None`` where there is no pair.
        random_pair: Mean of :math:`c_{ij}` over all pairs of different items, which is what random neighbours give on
            average; ``None`` where there is no pair.
        lift: ``content_neighbors / random_pair``: 1 where content says nothing of who takes an item; ``None`` where no
            user has two of the items.
        k: Neighbours of each item.
        num_items: Items that count: those with a user and with a feature vector that is not zero; where there are more
            than 10,000 of these, that many drawn with a fixed seed stand for all, neighbours among them.
    """

    content_neighbors: float | None
    random_pair: float | None
    lift: float | None
    k: int
    num_items: int

    @classmethod
    def of(cls, graph: BipartiteGraph, x: Tensor, mask: Tensor, k: int = 10) -> NeighborHomophily:
        r"""Measure one modality.

        With :math:`u_i` the column of item i at length 1, :math:`\sum_{i \neq j} u_i \cdot u_j = \|\sum_i u_i\|^2 - n`,
        so only the pairs of neighbours are formed.

        Args:
            graph: The user-item graph.
            x: Item features on the graph's device; rows outside the mask are not read. Shape: (num_items, d).
            mask: Whether the item has the modality. Shape: (num_items,), bool.
            k: Neighbours of each item; all others where there are fewer.
        """
        x = x.to(torch.float32)
        counted = mask & (x != 0).any(1) & (graph.item_degree > 0)
        items = counted.nonzero().flatten()
        if items.numel() > _MAX_ITEMS:
            order = torch.randperm(items.numel(), generator=torch.Generator().manual_seed(0))[:_MAX_ITEMS]
            items = items[order.sort().values.to(items.device)]
            counted = torch.zeros_like(counted).index_fill_(0, items, True)
        size = items.numel()
        k = min(k, size - 1)
        if k < 1:
            return cls(content_neighbors=None, random_pair=None, lift=None, k=max(0, k), num_items=size)
        pairs = items[knn_graph(x[items], k).edge_index]
        near = float(_shared_users(graph, pairs).sum()) / pairs.shape[1]

        user, item = graph.edge_index[:, counted[graph.edge_index[1]]]
        share = graph.item_degree[item].to(torch.float64).rsqrt()
        total = share.new_zeros(graph.num_users).index_add_(0, user, share)
        random = (float(total.square().sum()) - size) / (size * (size - 1))
        some = bool((torch.bincount(user, minlength=graph.num_users) > 1).any())
        # Without a user of two items the difference above is rounding only.
        return cls(near, random if some else 0.0, near / random if some else None, k, size)


def _shared_users(graph: BipartiteGraph, pairs: Tensor) -> Tensor:
    """Cosine of the user columns of each pair of items with users. Shapes: (2, P) -> (P,), float64."""
    degree = graph.item_degree
    start = degree.cumsum(0) - degree
    users = graph.edge_index[0][graph._by_item]
    # Each user of the less popular item is looked up at the other.
    swapped = degree[pairs[0]] > degree[pairs[1]]
    few, many = torch.where(swapped, pairs.flip(0), pairs)
    end = degree[few].cumsum(0)
    cosine = torch.empty(few.numel(), dtype=torch.float64, device=graph.device)
    cuts = torch.searchsorted(end, torch.arange(0, int(end[-1]), _LOOKUPS, device=graph.device)).tolist()
    for first, last in zip(cuts, [*cuts[1:], few.numel()], strict=True):
        one, other = few[first:last], many[first:last]
        pair = torch.repeat_interleave(degree[one])
        place = torch.arange(pair.numel(), device=graph.device) - (degree[one].cumsum(0) - degree[one])[pair]
        shared = graph.has_edges(users[start[one][pair] + place], other[pair])
        count = torch.bincount(pair[shared], minlength=one.numel())
        cosine[first:last] = count / (degree[one] * degree[other]).to(torch.float64).sqrt()
    return cosine
