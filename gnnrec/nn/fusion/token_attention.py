"""What fusions by attention between modalities share."""

import math
from abc import abstractmethod
from collections.abc import Mapping
from typing import NamedTuple

import torch
from torch import Tensor, nn

from gnnrec.errors import ArgumentError
from gnnrec.nn.fusion._masking import masked_softmax, presence, present_vectors
from gnnrec.nn.fusion.base import Fusion
from graphs import ItemGraph

__all__ = ["Attended", "TokenAttention"]


class Attended(NamedTuple):
    """One round of attention between the modalities of each row."""

    tokens: Tensor
    """The modalities' vectors, zero where a row lacks one. Shape: (n, M, d)."""
    values: Tensor
    """Shape: (n, M, d)."""
    weights: Tensor
    """What the modality of the second dimension gives to that of the third: softmax over it. Shape: (n, M, M)."""
    share: Tensor
    """1 over the number of the row's modalities where the row has it, else 0. Shape: (n, M)."""


class TokenAttention(Fusion):
    r"""Lets the M vectors of a row attend to each other, :math:`\operatorname{softmax}(QK^\top / \sqrt{d}) V`.

    All M tokens are keys of every query: over the one token of another modality a softmax is 1 whatever the vectors.
    What a row lacks is neither key nor query. With a single modality all weights are 1, so there are no matrices for
    queries and keys then.

    Args:
        in_dims: Length of the vectors of each modality by name; all the same, d.
        out_dim: Length of the result; a linear map without bias follows where it is not d.

    Raises:
        ArgumentError: If the modalities' vectors differ in length.
    """

    def __init__(self, in_dims: Mapping[str, int], out_dim: int) -> None:
        super().__init__(in_dims, out_dim)
        if len(set(self.in_dims.values())) > 1:
            found = ", ".join(f"{name} {dim}" for name, dim in self.in_dims.items())
            raise ArgumentError(f"attention between modalities needs vectors of one length (got {found})")
        self.dim = next(iter(self.in_dims.values()))
        self.output = nn.Linear(self.dim, out_dim, bias=False) if self.dim != out_dim else nn.Identity()

    def reset_parameters(self) -> None:
        """Draw the weights anew (Xavier uniform)."""
        if isinstance(self.output, nn.Linear):
            nn.init.xavier_uniform_(self.output.weight)

    def usage(
        self,
        vectors: Mapping[str, Tensor],
        masks: Mapping[str, Tensor] | None = None,
        graphs: Mapping[str, ItemGraph] | None = None,
    ) -> Tensor:
        """Attention that each modality receives, the mean over the modalities that the row has. Shape: (n, M)."""
        attended = self._attend(vectors, masks)
        return received(attended.share, attended.weights)

    @abstractmethod
    def _project(self, tokens: Tensor) -> Tensor:
        """Queries, keys and values side by side; values alone of a single modality. Shape: (n, M, 3 d) or (n, 1, d)."""

    def _attend(self, vectors: Mapping[str, Tensor], masks: Mapping[str, Tensor] | None) -> Attended:
        present = presence(self.in_dims, vectors, masks)
        tokens = torch.stack(present_vectors(self.in_dims, vectors, masks), dim=1)
        share = present / present.sum(1, keepdim=True).clamp(min=1)
        projected = self._project(tokens)
        if tokens.shape[1] == 1:
            return Attended(tokens, projected, present.unsqueeze(2).to(tokens.dtype), share.to(tokens.dtype))
        query, key, value = projected.chunk(3, dim=2)
        scores = query @ key.transpose(1, 2) / math.sqrt(self.dim)
        return Attended(tokens, value, masked_softmax(scores, present.unsqueeze(1)), share.to(tokens.dtype))


def received(share: Tensor, weights: Tensor) -> Tensor:
    """What each key gets from all queries, weighted by the queries' shares. Shapes: (n, M), (n, M, M) -> (n, M)."""
    return (share.unsqueeze(1) @ weights).squeeze(1)


def reset_square_blocks(linear: nn.Linear) -> None:
    """Draw each d x d block of stacked matrices anew (Xavier uniform)."""
    with torch.no_grad():
        for block in torch.split(linear.weight, linear.in_features):
            nn.init.xavier_uniform_(block)
