"""Ranking among some of the items."""

import torch
from torch import Tensor

from gnnrec.models.scorer import Scorer

__all__ = ["CandidateScorer"]


class CandidateScorer:
    """Scores of some items only; no other item is ever recommended.

    Args:
        scorer: Scores all items.
        candidates: Which items may be recommended. Shape: (num_items,), bool.
    """

    def __init__(self, scorer: Scorer, candidates: Tensor) -> None:
        self.scorer = scorer
        self.others = (~candidates).nonzero().flatten()

    def score(self, users: Tensor) -> Tensor:
        """Scores, minus infinity for what is no candidate. Shapes: (B,) -> (B, num_items)."""
        return self.scorer.score(users).index_fill_(1, self.others, -torch.inf)
