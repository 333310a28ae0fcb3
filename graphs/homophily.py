"""Whether users take items that are alike."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from graphs.bipartite import BipartiteGraph
from graphs.segment import segment_reduce

__all__ = ["Homophily"]

_GATHERED_VALUES = 2**24
"""Values gathered at once, 64 MB; the feature columns are taken in blocks of this size."""


@dataclass(frozen=True)
class Homophily:
    """Cosine similarity of items with a user in common, beside that of any two items.

    Args:
        within_user: Mean over users of the mean cosine of all pairs among the user's items; ``None`` where no
            user has a pair.
        random_pair: Mean cosine of all pairs of items, which is what random pairs give on average; ``None``
            where there is no pair.
        num_users: Users with at least one pair of items.
        num_items: Items that count: those with a feature vector that is not zero, which has no direction.
    """

    within_user: float | None
    random_pair: float | None
    num_users: int
    num_items: int

    @classmethod
    def of(cls, graph: BipartiteGraph, x: Tensor, mask: Tensor) -> Homophily:
        r"""Measure one modality.

        Of unit vectors, :math:`\sum_{i \neq j} u_i \cdot u_j = \|\sum_i u_i\|^2 - n`, so no pair is formed.

        Args:
            graph: The user-item graph.
            x: Item features on the graph's device; rows outside the mask are not read. Shape: (num_items, d).
            mask: Whether the item has the modality. Shape: (num_items,), bool.
        """
        unit = x.to(torch.float32).masked_fill(~mask.unsqueeze(1), 0.0)
        length = torch.linalg.vector_norm(unit, dim=1)
        counted = length > 0
        unit = unit / torch.where(counted, length, 1.0).unsqueeze(1)

        user, item = graph.edge_index[:, counted[graph.edge_index[1]]]
        size = torch.bincount(user, minlength=graph.num_users)
        pointer = torch.cat([size.new_zeros(1), size.cumsum(0)])
        squared = torch.zeros(graph.num_users, dtype=torch.float64, device=graph.device)
        for columns in torch.split(unit, max(1, _GATHERED_VALUES // max(1, item.numel())), dim=1):
            squared += segment_reduce(columns[item], pointer, "sum").square_().sum(1, dtype=torch.float64)
        paired = size > 1
        within = _mean_cosine(squared[paired], size[paired])

        num_items = counted.sum()
        overall = _mean_cosine(unit.sum(0, dtype=torch.float64).square().sum(), num_items)
        return cls(
            within_user=float(within.mean()) if within.numel() else None,
            random_pair=float(overall) if int(num_items) > 1 else None,
            num_users=within.numel(),
            num_items=int(num_items),
        )


def _mean_cosine(squared_sum: Tensor, size: Tensor) -> Tensor:
    """Mean over ordered pairs from the squared length of the sum of ``size`` unit vectors."""
    return (squared_sum - size) / (size * (size - 1))
