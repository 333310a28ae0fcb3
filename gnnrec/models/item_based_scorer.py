"""Base of the scorers that know how alike two items are."""

from abc import ABC

import torch
from torch import Tensor

from gnnrec.models._neighbours import block_rows
from gnnrec.models.history_scorer import HistoryScorer

__all__ = ["ItemBasedScorer"]


class ItemBasedScorer(HistoryScorer, ABC):
    """A history scorer whose score of an item comes from that item's similarity to each item taken.

    Popularity and user-knn have no such similarity and are plain :class:`HistoryScorer`.
    """

    @torch.no_grad()
    def item_similarity(self, items: Tensor) -> Tensor:
        """How strongly each item speaks for every other: the scores of users who took only that item.

        Args:
            items: Positions. Shape: (B,), int64.

        Returns:
            Dense rows of the model's similarity, fresh. What an item's entry for itself holds differs among
            models, so leave it out of rankings. Shape: (B, num_items).
        """
        return self.score_histories((torch.arange(items.numel() + 1, device=items.device), items))

    @torch.no_grad()
    def pair_similarity(self, items: Tensor, others: Tensor) -> Tensor:
        """Entries of :meth:`item_similarity`, computed in blocks of different items.

        Args:
            items: Positions. Shape: (E,), int64.
            others: For which items each of them speaks. Shape: (E, K), int64.

        Returns:
            Shape: (E, K).
        """
        unique, place = torch.unique(items, return_inverse=True)
        size = block_rows(self._attached_graph().num_items)
        result = torch.zeros(others.shape, device=others.device)
        for start in range(0, unique.numel(), size):
            rows = self.item_similarity(unique[start : start + size])
            inside = ((place >= start) & (place < start + size)).nonzero().flatten()
            result[inside] = rows[(place[inside] - start).unsqueeze(1), others[inside]]
        return result
