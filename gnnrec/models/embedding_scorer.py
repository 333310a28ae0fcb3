"""Scores from embeddings."""

from collections.abc import Mapping
from functools import cached_property

import torch
from torch import Tensor

from gnnrec.models.base import Embeddings
from gnnrec.models.scorer import HistoryRows

__all__ = ["EmbeddingScorer"]

_BLOCK_VALUES = 16_000_000
"""Numbers held at a time while users are folded in: 64 MB."""

_PART = "item_part/"
"""What the names of stored item parts begin with."""


class EmbeddingScorer:
    """Dot-product scores of final embeddings, and vectors for users who were not in training.

    Columns in which all users agree carry item biases: a new user gets the same values there, and the similarity of
    items leaves them out.

    Args:
        embeddings: Final user and item vectors.
        item_fold_in: What each item adds to a new user's vector, see ``Recommender.item_fold_in``.
        item_parts: The item vectors as a sum of named terms, see ``Recommender.item_parts``.
        confidence: Weight of a history item against all other items in the least-squares fold-in.
        ridge: L2 penalty of the least-squares fold-in, as a share of the mean eigenvalue of the item Gram matrix.
    """

    def __init__(
        self,
        embeddings: Embeddings,
        *,
        item_fold_in: Tensor | None = None,
        item_parts: Mapping[str, Tensor] | None = None,
        confidence: float = 10.0,
        ridge: float = 0.1,
    ) -> None:
        self.user = embeddings.user.detach().contiguous()
        self.item = embeddings.item.detach().contiguous()
        self.item_fold_in = None if item_fold_in is None else item_fold_in.detach().contiguous()
        self.item_parts = None if item_parts is None else {name: part.detach() for name, part in item_parts.items()}
        self.confidence = confidence
        self.ridge = ridge

    @property
    def num_items(self) -> int:
        """Number of items."""
        return self.item.shape[0]

    def tensors(self) -> dict[str, Tensor]:
        """What a run folder keeps; :meth:`from_tensors` is the inverse."""
        kept = {"user": self.user, "item": self.item}
        if self.item_fold_in is not None:
            kept["item_fold_in"] = self.item_fold_in
        return {**kept, **{_PART + name: part for name, part in (self.item_parts or {}).items()}}

    @classmethod
    def from_tensors(cls, tensors: dict[str, Tensor]) -> "EmbeddingScorer":
        """The scorer of stored tensors; folders of older versions hold no item parts."""
        parts = {name.removeprefix(_PART): part for name, part in tensors.items() if name.startswith(_PART)}
        return cls(
            Embeddings(tensors["user"], tensors["item"]),
            item_fold_in=tensors.get("item_fold_in"),
            item_parts=parts or None,
        )

    def score(self, users: Tensor) -> Tensor:
        """Scores of all items. Shapes: (B,) -> (B, num_items)."""
        return self.user[users] @ self.item.T

    def score_histories(self, histories: HistoryRows) -> Tensor:
        """Scores for users given by what they took. Shape: (B, num_items)."""
        return self.fold_in(histories) @ self.item.T

    def item_similarity(self, items: Tensor) -> Tensor:
        """Cosine of item vectors, biases left out. Shapes: (B,) -> (B, num_items)."""
        return self._unit_items[items] @ self._unit_items.T

    def pair_similarity(self, items: Tensor, others: Tensor) -> Tensor:
        """Entries of :meth:`item_similarity` without its rows. Shapes: (E,) and (E, K) -> (E, K)."""
        return torch.einsum("ed,ekd->ek", self._unit_items[items], self._unit_items[others])

    def score_parts(self, users: Tensor, items: Tensor) -> dict[str, Tensor] | None:
        """How scores split by the terms of the item vectors.

        Args:
            users: User vectors. Shape: (B, d).
            items: Items of each user. Shape: (B, K), int64.

        Returns:
            Terms by name, which add up to the scores. Shape of each: (B, K); ``None`` where no item parts are known.
        """
        if self.item_parts is None:
            return None
        return {name: torch.einsum("bd,bkd->bk", users, part[items]) for name, part in self.item_parts.items()}

    def fold_in(self, histories: HistoryRows) -> Tensor:
        r"""Vectors of users who were not in training.

        Where the model defines the vector (LightGCN: a new user node without an embedding of its own is propagated),
        that is used. Otherwise the user's vector solves the implicit-feedback least squares of Hu, Koren and Volinsky
        (2008, equation 4) against the fixed item vectors.

        Args:
            histories: Items taken by each user.

        Returns:
            User vectors; zero for an empty history. Shape: (B, d).
        """
        pointer, items = histories
        lengths = pointer.diff()
        if self.item_fold_in is None:
            return self._least_squares(pointer, items, lengths)
        row = torch.repeat_interleave(torch.arange(lengths.numel(), device=items.device), lengths)
        total = self.item.new_zeros(lengths.numel(), self.item.shape[1]).index_add_(0, row, self.item_fold_in[items])
        return total / lengths.clamp(min=1).sqrt().unsqueeze(1)

    @cached_property
    def _bias_columns(self) -> Tensor:
        """Columns in which all users agree. Shape: (d,), bool."""
        agree = (self.user == self.user[:1]).all(0)
        return agree if self.user.shape[0] > 1 else torch.zeros_like(agree)

    @cached_property
    def _unit_items(self) -> Tensor:
        """Item vectors of length 1, biases left out. Shape: (num_items, .)."""
        return torch.nn.functional.normalize(self.item[:, ~self._bias_columns], dim=1)

    def _least_squares(self, pointer: Tensor, items: Tensor, lengths: Tensor) -> Tensor:
        bias = self._bias_columns
        vectors = self.item[:, ~bias]  # (num_items, d)
        dim = vectors.shape[1]
        gram = vectors.T @ vectors
        base = gram + (self.ridge * gram.diagonal().mean() + 1e-8) * torch.eye(dim, device=gram.device)
        padded = torch.cat([vectors, vectors.new_zeros(1, dim)])  # the last row pads short histories
        longest = int(lengths.max()) if lengths.numel() else 0
        place = torch.arange(longest, device=items.device)
        result = self.item.new_zeros(lengths.numel(), self.item.shape[1])
        result[:, bias] = self.user[:1, bias]
        chunk = max(_BLOCK_VALUES // max(dim * (dim + longest), 1), 1)
        for start in range(0, lengths.numel() if longest else 0, chunk):
            part = slice(start, start + chunk)
            inside = place < lengths[part].unsqueeze(1)  # (b, longest)
            index = (pointer[:-1][part].unsqueeze(1) + place).clamp(max=items.numel() - 1)
            taken = padded[torch.where(inside, items[index], self.num_items)]  # (b, longest, d)
            system = torch.baddbmm(base.unsqueeze(0), taken.transpose(1, 2), taken, alpha=self.confidence)
            solution: Tensor = torch.linalg.solve(system, (1 + self.confidence) * taken.sum(1))
            result[part, ~bias] = solution
        return result.masked_fill_((lengths == 0).unsqueeze(1), 0.0)
