"""Fusion by attention from each modality to all."""

from collections.abc import Mapping

import torch
from torch import Tensor, nn

from gnnrec.nn.fusion.token_attention import TokenAttention, received, reset_square_blocks
from graphs import ItemGraph

__all__ = ["CrossAttentionFusion"]


class CrossAttentionFusion(TokenAttention):
    r"""Each modality asks all modalities, every one with matrices of its own; then the mean.

    .. math::
        t_a = h_a + \sum_b \alpha_{ab} V_b h_b, \quad
        \alpha_{ab} = \operatorname{softmax}_b \left( (Q_a h_a)^\top K_b h_b / \sqrt d \right), \quad
        z = \frac{1}{|M|} \sum_a t_a

    over the modalities M that the row has; a row that has none gives zero. The pairs (a, b) with b = a are the exchange
    within a modality, the others that between modalities.

    Args:
        in_dims: Length of the vectors of each modality by name; all the same, d.
        out_dim: Length of the result; a linear map without bias follows where it is not d.

    Shapes:
        - **forward:** (n, d) for each modality -> (n, out_dim)

    Raises:
        ArgumentError: If the modalities' vectors differ in length.

    Differs from the reference:
        Named after the cross-self-attention of MR-CSAF (Li et al., Systems 13(1):57, 2025), whose equations were not
        at hand: this is the usual form, one softmax over all modalities instead of one a pair.
    """

    def __init__(self, in_dims: Mapping[str, int], out_dim: int) -> None:
        super().__init__(in_dims, out_dim)
        blocks = 1 if len(self.in_dims) == 1 else 3
        self.projections = nn.ModuleList(nn.Linear(self.dim, blocks * self.dim, bias=False) for _ in self.in_dims)
        self.reset_parameters()

    def reset_parameters(self) -> None:
        """Draw the weights anew (Xavier uniform)."""
        super().reset_parameters()
        for projection in self.projections:
            assert isinstance(projection, nn.Linear)
            reset_square_blocks(projection)

    def forward(
        self,
        vectors: Mapping[str, Tensor],
        masks: Mapping[str, Tensor] | None = None,
        graphs: Mapping[str, ItemGraph] | None = None,
    ) -> Tensor:
        """The mean of the attended modalities. Shape: (n, out_dim)."""
        fused: Tensor = self.output(self._terms(vectors, masks).sum(1))
        return fused

    def parts(
        self,
        vectors: Mapping[str, Tensor],
        masks: Mapping[str, Tensor] | None = None,
        graphs: Mapping[str, ItemGraph] | None = None,
    ) -> dict[str, Tensor]:
        """What comes of each modality's vectors, given the attention weights. Shape of each: (n, out_dim)."""
        return dict(zip(self.in_dims, self.output(self._terms(vectors, masks)).unbind(1), strict=True))

    def _terms(self, vectors: Mapping[str, Tensor], masks: Mapping[str, Tensor] | None) -> Tensor:
        """The mean over a of the equation, summand by summand in b. Shape: (n, M, d)."""
        tokens, values, weights, share = self._attend(vectors, masks)
        return share.unsqueeze(2) * tokens + received(share, weights).unsqueeze(2) * values

    def _project(self, tokens: Tensor) -> Tensor:
        pairs = zip(self.projections, tokens.unbind(1), strict=True)
        return torch.stack([projection(rows) for projection, rows in pairs], dim=1)
