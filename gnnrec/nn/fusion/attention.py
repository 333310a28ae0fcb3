"""Fusion by modality attention."""

from collections.abc import Mapping

import torch
from torch import Tensor, nn

from gnnrec.nn.fusion._masking import check_lengths, masked_softmax, presence, present_vectors
from gnnrec.nn.fusion.base import Fusion
from graphs import ItemGraph

__all__ = ["AttentionFusion"]


class AttentionFusion(Fusion):
    r"""A weighted sum of the modalities, with weights that a learned query finds for each row.

    From `Latent Structure Mining with Contrastive Modality Fusion for Multimedia Recommendation
    <https://arxiv.org/abs/2111.00678>`_ (MICRO, Zhang et al., 2022):

    .. math::
        \alpha_m = \operatorname{softmax}_m \left( q^\top \tanh(W h_m + b) \right), \quad z = \sum_m \alpha_m h_m

    The softmax runs over what a row has; a row that has nothing gives zero. A single modality always weighs 1, so
    there are no parameters then.

    Args:
        in_dims: Length of the vectors of each modality by name; all equal to ``out_dim``.
        out_dim: Length of the result.

    Shapes:
        - **forward:** (n, out_dim) for each modality -> (n, out_dim)

    Raises:
        ArgumentError: If a modality's vectors have another length than ``out_dim``.
    """

    def __init__(self, in_dims: Mapping[str, int], out_dim: int) -> None:
        super().__init__(in_dims, out_dim)
        check_lengths("attention", self.in_dims, out_dim, "that of the result")
        single = len(self.in_dims) == 1
        self.linear = None if single else nn.Linear(out_dim, out_dim)
        self.query = None if single else nn.Parameter(torch.empty(1, out_dim))
        self.reset_parameters()

    def reset_parameters(self) -> None:
        """Draw the weights anew (Xavier uniform); the bias starts at zero."""
        if self.linear is not None and self.query is not None:
            nn.init.xavier_uniform_(self.linear.weight)
            nn.init.zeros_(self.linear.bias)
            nn.init.xavier_uniform_(self.query)

    def forward(
        self,
        vectors: Mapping[str, Tensor],
        masks: Mapping[str, Tensor] | None = None,
        graphs: Mapping[str, ItemGraph] | None = None,
    ) -> Tensor:
        """The sum weighted by attention. Shape: (n, out_dim)."""
        first, *others = self.parts(vectors, masks).values()
        return sum(others, start=first)

    def parts(
        self,
        vectors: Mapping[str, Tensor],
        masks: Mapping[str, Tensor] | None = None,
        graphs: Mapping[str, ItemGraph] | None = None,
    ) -> dict[str, Tensor]:
        r""":math:`\alpha_m h_m` of each modality. Shape of each: (n, out_dim)."""
        present = present_vectors(self.in_dims, vectors, masks)
        weights = self._weights(present, presence(self.in_dims, vectors, masks))
        return {
            name: rows * weights[:, column : column + 1]
            for column, (name, rows) in enumerate(zip(self.in_dims, present, strict=True))
        }

    def usage(
        self,
        vectors: Mapping[str, Tensor],
        masks: Mapping[str, Tensor] | None = None,
        graphs: Mapping[str, ItemGraph] | None = None,
    ) -> Tensor:
        r"""The attention weights :math:`\alpha`. Shape: (n, M)."""
        present = present_vectors(self.in_dims, vectors, masks)
        return self._weights(present, presence(self.in_dims, vectors, masks))

    def _weights(self, vectors: list[Tensor], present: Tensor) -> Tensor:
        if self.linear is None or self.query is None:
            return present.to(vectors[0].dtype)
        scores = [torch.tanh(self.linear(rows)) @ self.query.T for rows in vectors]
        return masked_softmax(torch.cat(scores, dim=1), present)
