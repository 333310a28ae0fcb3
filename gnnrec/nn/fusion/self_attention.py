"""Fusion by self-attention over the modalities."""

from collections.abc import Mapping

import torch
from torch import Tensor, nn

from gnnrec.nn.fusion.token_attention import TokenAttention, received, reset_square_blocks
from graphs import ItemGraph

__all__ = ["SelfAttentionFusion"]


class SelfAttentionFusion(TokenAttention):
    r"""One layer of single-head self-attention over the modalities of a row, then their mean.

    The encoder layer of `Attention Is All You Need <https://arxiv.org/abs/1706.03762>`_ (Vaswani et al., 2017,
    equation 1), less its feed-forward part:

    .. math::
        t_a = \operatorname{LayerNorm} \Big( h_a + \sum_b \alpha_{ab} V h_b \Big), \quad
        \alpha_{ab} = \operatorname{softmax}_b \left( (Q h_a)^\top K h_b / \sqrt d \right), \quad
        z = \frac{1}{|M|} \sum_a t_a

    over the modalities M that the row has; a row that has none gives zero.

    Args:
        in_dims: Length of the vectors of each modality by name; all the same, d.
        out_dim: Length of the result; a linear map without bias follows where it is not d.

    Shapes:
        - **forward:** (n, d) for each modality -> (n, out_dim)

    Raises:
        ArgumentError: If the modalities' vectors differ in length.
    """

    def __init__(self, in_dims: Mapping[str, int], out_dim: int) -> None:
        super().__init__(in_dims, out_dim)
        blocks = 1 if len(self.in_dims) == 1 else 3
        self.projection = nn.Linear(self.dim, blocks * self.dim, bias=False)
        self.norm = nn.LayerNorm(self.dim)
        self.reset_parameters()

    def reset_parameters(self) -> None:
        """Draw the weights anew (Xavier uniform); the normalisation starts at scale 1 and shift 0."""
        super().reset_parameters()
        reset_square_blocks(self.projection)
        self.norm.reset_parameters()

    def forward(
        self,
        vectors: Mapping[str, Tensor],
        masks: Mapping[str, Tensor] | None = None,
        graphs: Mapping[str, ItemGraph] | None = None,
    ) -> Tensor:
        """The mean of the attended modalities. Shape: (n, out_dim)."""
        tokens, values, weights, share = self._attend(vectors, masks)
        mixed: Tensor = self.norm(tokens + weights @ values)
        fused: Tensor = self.output(received(share, mixed))
        return fused

    def parts(
        self,
        vectors: Mapping[str, Tensor],
        masks: Mapping[str, Tensor] | None = None,
        graphs: Mapping[str, ItemGraph] | None = None,
    ) -> dict[str, Tensor]:
        """What comes of each modality's vectors, given the attention weights and the normalisation's deviations.

        Layer normalisation subtracts a mean, which is linear, and divides by a deviation. With that and the attention
        taken as found for the row, the result is a sum over the modalities. Shape of each: (n, out_dim).
        """
        tokens, values, weights, share = self._attend(vectors, masks)
        deviation = (tokens + weights @ values).var(2, correction=0).add(self.norm.eps).sqrt()
        own = share / deviation
        terms = own.unsqueeze(2) * _centred(tokens) + received(own, weights).unsqueeze(2) * _centred(values)
        # The shift belongs to no modality: those that the row has share it.
        terms = self.output(terms * self.norm.weight + share.unsqueeze(2) * self.norm.bias)
        return dict(zip(self.in_dims, terms.unbind(1), strict=True))

    def _project(self, tokens: Tensor) -> Tensor:
        projected: Tensor = self.projection(tokens)
        return projected


def _centred(x: Tensor) -> Tensor:
    return x - torch.mean(x, dim=2, keepdim=True)
