"""One layer of MMGCN on one side of the user-item graph."""

from typing import Literal

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from graphs import SparseOperator

__all__ = ["Combination", "MMGCNLayer"]

Combination = Literal["concat", "element-wise"]


class MMGCNLayer(nn.Module):
    r"""Aggregates a node's neighbours and combines them with the node itself and its id embedding.

    From `MMGCN: Multi-modal Graph Convolution Network for Personalized Recommendation of Micro-video
    <https://doi.org/10.1145/3343031.3351034>`_ (Wei et al., 2019), sections 3.2 and 3.3:

    .. math::
        h_v = \phi\Big(\frac{1}{|N_v|} \sum_{j \in N_v} W_1^\top x_j\Big), \quad
        \hat{x}_v = \phi(W_3 x_v + b_3) + e_v, \quad
        x_v' = \phi(W_2 [h_v ; \hat{x}_v] + b_2) \;\text{ or }\; \phi(W_2 h_v + b_2 + \hat{x}_v)

    with a leaky ReLU :math:`\phi` of slope 0.01. The same weights serve users and items. A call computes one side, or
    only the asked rows of it; neighbours are weighted before or after their mean is taken, whichever has fewer rows,
    and nothing is concatenated: :math:`W_2 [h ; \hat{x}]` is the sum of two products.

    Args:
        in_dim: Length of the vectors that come in.
        out_dim: Length of the id embeddings and of the vectors that go out.
        combination: ``"concat"`` or ``"element-wise"``.

    Shapes:
        - **own:** (n, in_dim), **other:** (the other side's n, in_dim), **identity:** (n, out_dim)
        - **forward:** (n, out_dim), (number of rows, out_dim) where rows are given
    """

    def __init__(self, in_dim: int, out_dim: int, combination: Combination = "concat") -> None:
        super().__init__()
        self.in_dim = in_dim
        self.out_dim = out_dim
        self.combination = combination
        self.aggregation = nn.Parameter(torch.empty(in_dim, in_dim))
        self.own = nn.Linear(in_dim, out_dim)
        self.combine = nn.Linear(in_dim + (out_dim if combination == "concat" else 0), out_dim)
        self.reset_parameters()

    def reset_parameters(self) -> None:
        """Draw the weights anew (Xavier normal); biases start at zero."""
        nn.init.xavier_normal_(self.aggregation)
        for linear in (self.own, self.combine):
            nn.init.xavier_normal_(linear.weight)
            nn.init.zeros_(linear.bias)

    def forward(
        self, own: Tensor, other: Tensor, identity: Tensor, mean: SparseOperator, rows: Tensor | None = None
    ) -> Tensor:
        """The next vectors of one side.

        Args:
            own: Vectors of this side.
            other: Vectors of the other side, where the neighbours are.
            identity: Id embeddings of this side.
            mean: Mean over the neighbours of each node. Shape: (n, the other side's n).
            rows: Nodes wanted; all without it. Shape: (r,), int64.
        """
        neighbours = F.leaky_relu(self._aggregate(other, mean, rows), inplace=True)
        if rows is not None:
            own, identity = own.index_select(0, rows), identity.index_select(0, rows)
        itself = F.leaky_relu(self.own(own), inplace=True) + identity
        from_neighbours, from_itself = self.combine.weight.tensor_split([self.in_dim], dim=1)
        combined = torch.addmm(self.combine.bias, neighbours, from_neighbours.T)
        # Not in place: under autocast the one is of half precision and the other is not.
        combined = torch.addmm(combined, itself, from_itself.T) if self.combination == "concat" else combined + itself
        return F.leaky_relu(combined, inplace=True)

    def _aggregate(self, other: Tensor, mean: SparseOperator, rows: Tensor | None) -> Tensor:
        if rows is not None:
            return mean.matmul(other).index_select(0, rows) @ self.aggregation
        if other.shape[0] <= mean.shape[0]:
            return mean.matmul(other @ self.aggregation)
        return mean.matmul(other) @ self.aggregation

    def extra_repr(self) -> str:
        """Sizes shown by ``repr``."""
        return f"in_dim={self.in_dim}, out_dim={self.out_dim}, combination={self.combination!r}"
