"""Top-k lists over all items."""

from dataclasses import dataclass

import torch
from torch import Tensor

from gnnrec.evaluation.top_items import require_finite, rows_at_a_time, tie_order, top_items
from gnnrec.models.history_scorer import gather_histories
from gnnrec.models.scorer import Scorer
from graphs import BipartiteGraph

__all__ = ["Ranking", "rank_items"]


@dataclass(frozen=True, eq=False)
class Ranking:
    """Lists of recommended items.

    Args:
        users: Whose lists. Shape: (U,).
        items: Items, best first; -1 where fewer than K are left. K is at most the number of items. Shape: (U, K).
        scores: Their scores; minus infinity where there is no item. Shape: (U, K).
        hits: Whether the item is among the user's positives. Shape: (U, K), bool.
    """

    users: Tensor
    items: Tensor
    scores: Tensor
    hits: Tensor


@torch.no_grad()
def rank_items(
    scorer: Scorer,
    users: Tensor,
    k: int,
    *,
    seen: BipartiteGraph,
    positives: BipartiteGraph | None = None,
    cold: Tensor | None = None,
    cold_scores: Tensor | None = None,
    candidates: Tensor | None = None,
    ties: Tensor | None = None,
    block_size: int | None = None,
) -> Ranking:
    """Rank all items that a user has not seen, in blocks of users.

    Items of equal score are in the order of ``ties``, so that a list is the head of every longer one.

    Args:
        scorer: Gives the scores.
        users: Whom to rank for. Shape: (U,), int64.
        k: List length; lists are as long as the catalog at most.
        seen: Items to leave out.
        positives: Held-out items, to mark the hits.
        cold: Which of the users the scorer cannot know. Shape: (U,), bool.
        cold_scores: Scores for these in place of the scorer's, usually popularity. Shape: (num_items,).
        candidates: Items that may be listed; all by default. Shape: (num_items,), bool.
        ties: Rank of each item among items of equal score, see :func:`~gnnrec.evaluation.top_items.tie_order`; by
            default that of items whose ids are their positions. Shape: (num_items,), int64.
        block_size: Users at a time; by default as many as fit a few megabytes of scores.

    Returns:
        The lists, on the device of ``users``.

    Raises:
        TrainingError: If a score is not finite.
    """
    num_items = seen.num_items
    length = min(k, num_items)
    block = block_size or rows_at_a_time(num_items)
    ties = (tie_order(num_items) if ties is None else ties).to(users.device)
    others = None if candidates is None else (~candidates).nonzero().flatten()
    items = users.new_empty(users.numel(), length)
    scores = torch.empty(users.numel(), length, device=users.device)
    hits = torch.zeros(users.numel(), length, dtype=torch.bool, device=users.device)
    for start in range(0, users.numel(), block):
        part = slice(start, start + block)
        matrix = scorer.score(users[part])  # (B, num_items)
        if cold is not None and cold_scores is not None and bool(cold[part].any()):
            matrix[cold[part]] = cold_scores
        require_finite(matrix)
        if others is not None:
            matrix.index_fill_(1, others, -torch.inf)
        matrix.view(-1).index_fill_(0, _flat_index(seen, users[part]), -torch.inf)
        scores[part], items[part] = top_items(matrix, length, ties)
        if positives is not None:
            hits[part] = positives.has_edges(users[part].unsqueeze(1).expand(-1, length), items[part])
    empty = scores == -torch.inf
    return Ranking(users, items.masked_fill_(empty, -1), scores, hits & ~empty)


def _flat_index(graph: BipartiteGraph, users: Tensor) -> Tensor:
    """Places of the users' items in a row-major (B, num_items) matrix."""
    pointer, items = gather_histories(graph, users)
    lengths = pointer.diff()
    row = torch.arange(users.numel(), device=users.device)
    return torch.repeat_interleave(row * graph.num_items, lengths) + items
