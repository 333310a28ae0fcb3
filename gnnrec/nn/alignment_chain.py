"""Fine and coarse alignment of modalities."""

from collections.abc import Mapping, Sequence
from itertools import pairwise

import torch
from torch import Tensor, nn

from gnnrec.errors import ArgumentError
from gnnrec.nn.contrastive import info_nce

__all__ = ["AlignmentChain"]


class AlignmentChain(nn.Module):
    r"""Aligns the vectors of an item in one modality after the other with what the modalities before have in common.

    "Fine and coarse" of `Self-Supervised Learning for Multimedia Recommendation
    <https://doi.org/10.1109/TMM.2022.3187556>`_ (SLMRec, Tao et al., 2022), for any sequence of modalities
    :math:`m_0, m_1, \dots, m_M`:

    .. math::
        a_0 = z_{m_0}, \quad a_t = L_t a_{t-1}, \quad b_t = L'_t z_{m_t}, \quad
        \mathcal{L} = \sum_{t=1}^{M} \operatorname{InfoNCE}(a_t, b_t)

    with dot products that are not normalised. As in the paper, :math:`a_1, a_2` are as long as z and :math:`a_3` is
    half as long; later ones stay at that length.

    Args:
        names: The modalities in order; at least two.
        embedding_dim: Length of z; at least 2 with four modalities or more.
        temperature: Temperature of InfoNCE.

    Shapes:
        - **forward:** (B, embedding_dim) for each modality -> a scalar

    Raises:
        ArgumentError: If there are too few modalities or ``embedding_dim`` is too small.
    """

    def __init__(self, names: Sequence[str], embedding_dim: int, temperature: float) -> None:
        super().__init__()
        if len(names) < 2:
            raise ArgumentError(f"'names' must hold at least two modalities (got {len(names)})")
        widths = [embedding_dim if step < 3 else embedding_dim // 2 for step in range(len(names))]
        if widths[-1] < 1:
            raise ArgumentError(f"'embedding_dim' must be at least 2 to be halved (got {embedding_dim})")
        self.names = tuple(names)
        self.temperature = temperature
        self.common = nn.ModuleList(nn.Linear(*pair) for pair in pairwise(widths))
        # A bias of b adds the same to all products of an anchor, so the softmax would not see it.
        self.own = nn.ModuleList(nn.Linear(embedding_dim, width, bias=False) for width in widths[1:])
        self.reset_parameters()

    def reset_parameters(self) -> None:
        """Draw the weights anew (Xavier uniform); biases start at zero."""
        for layer in (*self.common, *self.own):
            assert isinstance(layer, nn.Linear)
            nn.init.xavier_uniform_(layer.weight)
            if layer.bias is not None:
                nn.init.zeros_(layer.bias)

    def forward(self, vectors: Mapping[str, Tensor], items: Tensor | None = None) -> Tensor:
        """The sum of the pairs' losses.

        Args:
            vectors: Item vectors by modality.
            items: Which item each row is, if rows of the same item shall be no negatives of each other. Shape: (B,).
        """
        losses = []
        shared = vectors[self.names[0]]
        for name, common, own in zip(self.names[1:], self.common, self.own, strict=True):
            shared = common(shared)
            losses.append(info_nce(shared, own(vectors[name]), self.temperature, normalize=False, positive_ids=items))
        return torch.stack(losses).sum()

    def extra_repr(self) -> str:
        """Sizes shown by ``repr``."""
        return f"names={', '.join(self.names)}, temperature={self.temperature}"
