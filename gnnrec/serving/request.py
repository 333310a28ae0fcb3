"""A request for recommendations, in positions."""

from dataclasses import dataclass

import torch
from torch import Tensor

from gnnrec.models import EmbeddingScorer
from gnnrec.models.history_scorer import HistoryScorer, gather_histories
from graphs import BipartiteGraph

__all__ = ["Request", "RequestScorer"]


@dataclass(frozen=True, eq=False)
class Request:
    """Whom to recommend for; R users, who may occur twice.

    Args:
        seen: What each of them took, in training or as given with the request; R users by all items.
        known: Position of each in training, -1 for others. Shape: (R,), int64.
        by_history: Who is scored by what ``seen`` holds instead of as in training. Shape: (R,), bool.
    """

    seen: BipartiteGraph
    known: Tensor
    by_history: Tensor

    @property
    def empty(self) -> Tensor:
        """Who took nothing. Shape: (R,), bool."""
        return self.seen.user_degree == 0


class RequestScorer:
    """Scores the users of one request, known ones by the model and others by their histories.

    Args:
        scorer: The model's scores.
        request: The users.
    """

    def __init__(self, scorer: EmbeddingScorer | HistoryScorer, request: Request) -> None:
        self.scorer = scorer
        self.request = request

    def score(self, users: Tensor) -> Tensor:
        """Scores of all items for rows of the request. Shapes: (B,) -> (B, num_items), fresh."""
        scores = torch.empty(users.numel(), self.request.seen.num_items, device=users.device)
        by_history = self.request.by_history[users]
        if bool(by_history.any()):
            histories = gather_histories(self.request.seen, users[by_history])
            scores[by_history] = self.scorer.score_histories(histories)
        if not bool(by_history.all()):
            scores[~by_history] = self.scorer.score(self.request.known[users[~by_history]])
        return scores

    def score_parts(self, users: Tensor, items: Tensor) -> list[Tensor] | dict[str, Tensor] | None:
        """How the scores of some items split by modality.

        Args:
            users: Rows of the request, none of them empty. Shape: (B,).
            items: Items of each of these. Shape: (B, K).

        Returns:
            Terms by name, or in the order of the run's features, that add up to the scores. Shape of each: (B, K);
            ``None`` where the scores have no such split.
        """
        if isinstance(self.scorer, HistoryScorer):
            return self.scorer.score_parts(gather_histories(self.request.seen, users), items)
        if self.scorer.item_parts is None:
            return None
        vectors = self.scorer.user[self.request.known[users]]  # the last user's for -1, replaced below
        by_history = self.request.by_history[users]
        if bool(by_history.any()):
            vectors[by_history] = self.scorer.fold_in(gather_histories(self.request.seen, users[by_history]))
        return self.scorer.score_parts(vectors, items)
