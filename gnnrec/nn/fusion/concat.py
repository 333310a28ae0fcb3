"""Fusion by concatenation."""

from collections.abc import Mapping
from typing import ClassVar

import torch
from torch import Tensor, nn

from gnnrec.nn.fusion._masking import presence, shares
from gnnrec.nn.fusion.base import Fusion
from graphs import ItemGraph

__all__ = ["ConcatFusion"]


class ConcatFusion(Fusion):
    r"""A linear map of the concatenated vectors, :math:`z = W [h_1; \dots; h_M] + b`.

    Computed as :math:`\sum_m W_m h_m + b`, without a concatenated copy. A row that lacks modality m stands in with the
    mean of the vectors of the rows that have it, and with zero if none has it.

    With masks, a result depends on the other rows of the call through the stand-in. A model that fuses only the items
    of a step fills the gaps before (:class:`gnnrec.nn.ModalityProjection` does) and gives no masks.

    Args:
        in_dims: Length of the vectors of each modality by name; they may differ.
        out_dim: Length of the result.

    Shapes:
        - **forward:** (n, in_dims[m]) for each modality m -> (n, out_dim)
    """

    row_wise: ClassVar[bool] = False

    def __init__(self, in_dims: Mapping[str, int], out_dim: int) -> None:
        super().__init__(in_dims, out_dim)
        self.weight = nn.Parameter(torch.empty(out_dim, sum(self.in_dims.values())))
        self.bias = nn.Parameter(torch.empty(out_dim))
        self.reset_parameters()

    def reset_parameters(self) -> None:
        """Draw the weights anew (Xavier uniform over all modalities together); the bias starts at zero."""
        nn.init.xavier_uniform_(self.weight)
        nn.init.zeros_(self.bias)

    def forward(
        self,
        vectors: Mapping[str, Tensor],
        masks: Mapping[str, Tensor] | None = None,
        graphs: Mapping[str, ItemGraph] | None = None,
    ) -> Tensor:
        """The sum of the modalities' products. Shape: (n, out_dim)."""
        total: Tensor = self.bias
        if masks is None:
            for name, weight in self._weights():
                total = torch.addmm(total, vectors[name], weight.T)
            return total
        for term in self._products(vectors, masks).values():
            total = total + term
        return total

    def parts(
        self,
        vectors: Mapping[str, Tensor],
        masks: Mapping[str, Tensor] | None = None,
        graphs: Mapping[str, ItemGraph] | None = None,
    ) -> dict[str, Tensor]:
        r""":math:`W_m h_m + b / M` of each modality, stand-ins included. Shape of each: (n, out_dim)."""
        share = self.bias / len(self.in_dims)
        return {name: term + share for name, term in self._products(vectors, masks).items()}

    def usage(
        self,
        vectors: Mapping[str, Tensor],
        masks: Mapping[str, Tensor] | None = None,
        graphs: Mapping[str, ItemGraph] | None = None,
    ) -> Tensor:
        r"""Lengths :math:`\lVert W_m h_m \rVert` as shares; 0 for what a row lacks. Shape: (n, M)."""
        terms = self._products(vectors, masks).values()
        lengths = torch.stack([torch.linalg.vector_norm(term, dim=1) for term in terms], dim=1)
        return shares(lengths, presence(self.in_dims, vectors, masks))

    def _weights(self) -> list[tuple[str, Tensor]]:
        """Each modality's columns of the weight. Shape of each: (out_dim, in_dims[m])."""
        columns = torch.split(self.weight, list(self.in_dims.values()), dim=1)
        return list(zip(self.in_dims, columns, strict=True))

    def _products(self, vectors: Mapping[str, Tensor], masks: Mapping[str, Tensor] | None) -> dict[str, Tensor]:
        products = {}
        for name, weight in self._weights():
            rows = vectors[name] @ weight.T
            if masks is not None:
                mask = masks[name].unsqueeze(1)
                # The product of the mean vector is the mean of the products, and those are narrower.
                rows = rows.masked_fill(~mask, 0.0)
                rows = torch.where(mask, rows, rows.sum(0) / mask.sum().clamp(min=1))
            products[name] = rows
        return products
