"""How many edges the nodes of one side have."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

__all__ = ["DegreeStatistics"]


@dataclass(frozen=True)
class DegreeStatistics:
    """The degrees of users or of items in a few numbers; all 0 where there are no nodes.

    Args:
        minimum: Smallest degree.
        median: Median degree.
        mean: Mean degree.
        maximum: Largest degree.
        isolated_share: Share of nodes without edges, in [0, 1].
        gini: Gini coefficient, in [0, 1): 0 for equal degrees, near 1 where few nodes have all edges.
    """

    minimum: int
    median: float
    mean: float
    maximum: int
    isolated_share: float
    gini: float

    @classmethod
    def of(cls, degree: Tensor) -> DegreeStatistics:
        """The statistics of degrees. Shape: (n,), int64."""
        size = degree.numel()
        if size == 0:
            return cls(0, 0.0, 0.0, 0, 0.0, 0.0)
        rising = degree.sort().values
        total = int(rising.sum())
        # With ranks r = 1..n of the rising degrees: G = sum (2 r - n - 1) d_r / (n sum d_r).
        rank = torch.arange(1, size + 1, device=degree.device)
        gini = int(((2 * rank - size - 1) * rising).sum()) / (size * total) if total else 0.0
        return cls(
            minimum=int(rising[0]),
            median=(int(rising[(size - 1) // 2]) + int(rising[size // 2])) / 2,
            mean=total / size,
            maximum=int(rising[-1]),
            isolated_share=int((rising == 0).sum()) / size,
            gini=gini,
        )
