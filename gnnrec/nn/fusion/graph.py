"""Fusion over item graphs."""

from collections.abc import Mapping
from typing import ClassVar

import torch
from torch import Tensor, nn

from gnnrec.errors import ArgumentError
from gnnrec.nn.fusion._masking import check_lengths, masked_softmax, presence, present_vectors
from gnnrec.nn.fusion.base import Fusion
from graphs import ItemGraph

__all__ = ["GraphFusion"]


class GraphFusion(Fusion):
    r"""A weighted sum of the modalities, convolved over the equally weighted sum of their item graphs.

    The graph of `Mining Latent Structures for Multimedia Recommendation <https://arxiv.org/abs/2104.09036>`_ (LATTICE,
    Zhang et al., 2021), one learned weight a modality:

    .. math::
        A = \sum_m \alpha_m A_m, \quad \alpha = \operatorname{softmax}(w), \quad
        h_i = \frac{\sum_{m \in M_i} \alpha_m h_{m,i}}{\sum_{m \in M_i} \alpha_m}, \quad z = h + A^L h

    An item keeps its own vector whether it has neighbours or not; a row that has nothing starts at zero. Without graphs
    (rows that are no items) the result is h. No graph is put together: each product with A is a sum of products with
    the :math:`A_m`, which is where w gets its gradient. A single modality always weighs 1, so there is no w then.

    Args:
        in_dims: Length of the vectors of each modality by name; all equal to ``out_dim``.
        out_dim: Length of the result.
        num_layers: L.

    Shapes:
        - **forward:** (n, out_dim) for each modality -> (n, out_dim)

    Raises:
        ArgumentError: If a modality's vectors have another length than ``out_dim``, ``num_layers`` is no positive
            integer, or, in a call, graphs are missing or cover other rows.
    """

    needs_graphs: ClassVar[bool] = True
    row_wise: ClassVar[bool] = False

    def __init__(self, in_dims: Mapping[str, int], out_dim: int, *, num_layers: int = 1) -> None:
        super().__init__(in_dims, out_dim)
        check_lengths("graph", self.in_dims, out_dim, "that of the result")
        if isinstance(num_layers, bool) or not isinstance(num_layers, int) or num_layers < 1:
            raise ArgumentError(f"'num_layers' must be a positive integer (got {num_layers!r})")
        self.num_layers = num_layers
        self.weight = nn.Parameter(torch.empty(len(self.in_dims))) if len(self.in_dims) > 1 else None
        self.reset_parameters()

    def reset_parameters(self) -> None:
        """Start from equal weights."""
        if self.weight is not None:
            nn.init.zeros_(self.weight)

    def forward(
        self,
        vectors: Mapping[str, Tensor],
        masks: Mapping[str, Tensor] | None = None,
        graphs: Mapping[str, ItemGraph] | None = None,
    ) -> Tensor:
        """The weighted sum, plus its convolution where there are graphs. Shape: (n, out_dim)."""
        first, *others = self._own(vectors, masks)
        own = sum(others, start=first)
        return own if graphs is None else own + self._convolve(own, graphs)

    def parts(
        self,
        vectors: Mapping[str, Tensor],
        masks: Mapping[str, Tensor] | None = None,
        graphs: Mapping[str, ItemGraph] | None = None,
    ) -> dict[str, Tensor]:
        """What comes of each modality's vectors, convolved over the whole A. Shape of each: (n, out_dim)."""
        # One product a graph for all modalities: their columns side by side.
        own = torch.cat(self._own(vectors, masks), dim=1)
        terms = own if graphs is None else own + self._convolve(own, graphs)
        return dict(zip(self.in_dims, torch.split(terms, self.out_dim, dim=1), strict=True))

    def usage(
        self,
        vectors: Mapping[str, Tensor],
        masks: Mapping[str, Tensor] | None = None,
        graphs: Mapping[str, ItemGraph] | None = None,
    ) -> Tensor:
        r"""Each row's weights :math:`\alpha_m / \sum_{m \in M_i} \alpha_m`; 0 for what it lacks. Shape: (n, M)."""
        present = presence(self.in_dims, vectors, masks)
        if self.weight is None:
            return present.to(vectors[next(iter(self.in_dims))].dtype)
        return masked_softmax(self.weight.expand(present.shape), present)

    def _own(self, vectors: Mapping[str, Tensor], masks: Mapping[str, Tensor] | None) -> list[Tensor]:
        """The summands of h. Shape of each: (n, out_dim)."""
        present = present_vectors(self.in_dims, vectors, masks)
        weights = self.usage(vectors, masks)
        return [rows * weights[:, column : column + 1] for column, rows in enumerate(present)]

    def _convolve(self, x: Tensor, graphs: Mapping[str, ItemGraph]) -> Tensor:
        """The product with the L-th power of A. Shapes: (n, columns) -> same."""
        missing = [name for name in self.in_dims if name not in graphs]
        if missing:
            raise ArgumentError(f"'graphs' must hold one for each modality (missing: {', '.join(missing)})")
        for name in self.in_dims:
            if graphs[name].num_items != x.shape[0]:
                raise ArgumentError(
                    f"'graphs' must be over the rows of 'vectors', {x.shape[0]} "
                    f"(got one over {graphs[name].num_items} items for {name})"
                )
        if self.weight is None:
            return graphs[next(iter(self.in_dims))].convolve(x, self.num_layers)
        weights = torch.softmax(self.weight, dim=0)
        for _ in range(self.num_layers):
            products = [weights[index] * graphs[name].matmul(x) for index, name in enumerate(self.in_dims)]
            x = sum(products[1:], start=products[0])
        return x

    def extra_repr(self) -> str:
        """Sizes shown by ``repr``."""
        return f"{super().extra_repr()}, num_layers={self.num_layers}"
