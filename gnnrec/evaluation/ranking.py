"""Top-k lists over all items."""

from dataclasses import dataclass

import torch
from torch import Tensor

from gnnrec.errors import TrainingError
from gnnrec.models.history_scorer import gather_histories
from gnnrec.models.scorer import Scorer
from graphs import BipartiteGraph

__all__ = ["Ranking", "rank_items"]

_BLOCK_SCORES = 4_000_000
"""Scores held at a time: 16 MB, small enough to stay near the caches."""


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
    block_size: int | None = None,
) -> Ranking:
    """Rank all items that a user has not seen, in blocks of users.

    Args:
        scorer: Gives the scores.
        users: Whom to rank for. Shape: (U,), int64.
        k: List length; lists are as long as the catalog at most.
        seen: Items to leave out.
        positives: Held-out items, to mark the hits.
        cold: Which of the users the scorer cannot know. Shape: (U,), bool.
        cold_scores: Scores for these in place of the scorer's, usually popularity. Shape: (num_items,).
        block_size: Users at a time; by default as many as fit a few megabytes of scores.

    Returns:
        The lists, on the device of ``users``.

    Raises:
        TrainingError: If a score is not a number.
    """
    num_items = seen.num_items
    length = min(k, num_items)
    block = block_size or max(_BLOCK_SCORES // max(num_items, 1), 16)
    items = users.new_empty(users.numel(), length)
    scores = torch.empty(users.numel(), length, device=users.device)
    hits = torch.zeros(users.numel(), length, dtype=torch.bool, device=users.device)
    for start in range(0, users.numel(), block):
        part = slice(start, start + block)
        matrix = scorer.score(users[part])  # (B, num_items)
        if cold is not None and cold_scores is not None and bool(cold[part].any()):
            matrix[cold[part]] = cold_scores
        flat = matrix.view(-1)
        flat.index_fill_(0, _flat_index(seen, users[part]), -torch.inf)
        top = torch.topk(matrix, length, dim=1)
        scores[part] = top.values
        items[part] = top.indices
        if positives is not None:
            # Hits are read off the score matrix itself: positives are overwritten and looked up at the top places.
            flat.index_fill_(0, _flat_index(positives, users[part]), torch.inf)
            hits[part] = matrix.gather(1, top.indices) == torch.inf
    if bool(torch.isnan(scores).any()):  # top-k puts NaN first, so none is overlooked
        raise TrainingError("the model gives scores that are not numbers; its parameters or features are broken")
    empty = scores == -torch.inf
    return Ranking(users, items.masked_fill_(empty, -1), scores, hits & ~empty)


def _flat_index(graph: BipartiteGraph, users: Tensor) -> Tensor:
    """Places of the users' items in a row-major (B, num_items) matrix."""
    pointer, items = gather_histories(graph, users)
    lengths = pointer.diff()
    row = torch.arange(users.numel(), device=users.device)
    return torch.repeat_interleave(row * graph.num_items, lengths) + items
