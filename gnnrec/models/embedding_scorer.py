"""Scores from embeddings."""

import torch
from torch import Tensor

from gnnrec.models.base import Embeddings
from gnnrec.models.scorer import HistoryRows

__all__ = ["EmbeddingScorer"]


class EmbeddingScorer:
    """Dot-product scores of final embeddings, and vectors for users who were not in training.

    Args:
        embeddings: Final user and item vectors.
        confidence: Weight of a history item against all other items in the least-squares fold-in.
        ridge: L2 penalty of the least-squares fold-in, as a share of the mean eigenvalue of the item Gram matrix.
    """

    def __init__(self, embeddings: Embeddings, *, confidence: float = 10.0, ridge: float = 0.1) -> None:
        self.user = embeddings.user.detach().contiguous()
        self.item = embeddings.item.detach().contiguous()
        self.item_fold_in = None if embeddings.item_fold_in is None else embeddings.item_fold_in.detach()
        self.confidence = confidence
        self.ridge = ridge

    @property
    def num_items(self) -> int:
        """Number of items."""
        return self.item.shape[0]

    def score(self, users: Tensor) -> Tensor:
        """Scores of all items. Shapes: (B,) -> (B, num_items)."""
        return self.user[users] @ self.item.T

    def score_histories(self, histories: HistoryRows) -> Tensor:
        """Scores for users given by what they took. Shape: (B, num_items)."""
        return self.fold_in(histories) @ self.item.T

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
        row = torch.repeat_interleave(torch.arange(lengths.numel(), device=items.device), lengths)
        if self.item_fold_in is not None:
            total = self.item.new_zeros(lengths.numel(), self.item.shape[1]).index_add_(
                0, row, self.item_fold_in[items]
            )
            return total / lengths.clamp(min=1).sqrt().unsqueeze(1)
        return self._least_squares(row, items, lengths.numel())

    def _least_squares(self, row: Tensor, items: Tensor, num_rows: int) -> Tensor:
        dim = self.item.shape[1]
        gram = self.item.T @ self.item
        penalty = self.ridge * gram.diagonal().mean() + 1e-8
        base = gram + penalty * torch.eye(dim, device=gram.device)
        taken = self.item[items]  # (E, d)
        outer = (taken.unsqueeze(2) * taken.unsqueeze(1)).reshape(-1, dim * dim)
        system = base.reshape(1, -1).repeat(num_rows, 1).index_add_(0, row, outer, alpha=self.confidence)
        target = self.item.new_zeros(num_rows, dim).index_add_(0, row, taken, alpha=1 + self.confidence)
        solution: Tensor = torch.linalg.solve(system.view(num_rows, dim, dim), target)
        return solution
