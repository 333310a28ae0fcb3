"""The best items of each row of scores, by one rule for equal scores."""

import numpy as np
import pandas as pd
import pyarrow as pa
import torch
from torch import Tensor

from gnnrec.data.id_map import IdMap
from gnnrec.errors import TrainingError

__all__ = ["require_finite", "rows_at_a_time", "tie_order", "top_items"]

_BLOCK_SCORES = 4_000_000
"""Scores held at a time: 16 MB, small enough to stay near the caches."""


def rows_at_a_time(num_items: int) -> int:
    """How many rows of scores make a block."""
    return max(_BLOCK_SCORES // max(num_items, 1), 16)


def tie_order(items: IdMap | int) -> Tensor:
    """Who comes first among items of equal score: an order that goes by a hash of the item's id.

    So a list depends neither on the order of a file nor on how popular an item is, is the head of every longer list,
    and is the same in evaluation and in serving.

    Args:
        items: The items' ids, or their number where the ids are the positions.

    Returns:
        Rank of each item, the smallest first. Shape: (num_items,), int64.
    """
    ids = pa.array(np.arange(items) if isinstance(items, int) else items.array)
    texts = ids.cast(pa.string()).to_numpy(zero_copy_only=False)
    order = np.argsort(pd.util.hash_array(texts, categorize=False), kind="stable")
    ranks = np.empty(len(order), dtype=np.int64)
    ranks[order] = np.arange(len(order))
    return torch.from_numpy(ranks)


def require_finite(scores: Tensor, what: str = "score") -> Tensor:
    """Refuse scores that cannot be ranked; a block is read once.

    Args:
        scores: Of users (or items) in rows and items in columns. Shape: (B, num_items).
        what: Word for the message.

    Returns:
        The scores themselves.

    Raises:
        TrainingError: If one is infinite or not a number; the message says which.
    """
    if scores.numel():
        least, most = torch.aminmax(scores)  # either is NaN if anything is
        if not bool(torch.isfinite(least) & torch.isfinite(most)):
            wrong = ~torch.isfinite(scores)
            row, item = wrong.nonzero()[0].tolist()
            raise TrainingError(
                f"every {what} must be finite (got {float(scores[row, item])} for item {item}, {int(wrong.sum()):,} of "
                f"{scores.numel():,} in a block); the model's parameters or features are broken, or it diverged"
            )
    return scores


def top_items(scores: Tensor, k: int, ties: Tensor) -> tuple[Tensor, Tensor]:
    """The k best items of each row: by score, and among equal scores by :func:`tie_order`.

    Args:
        scores: Minus infinity for what must not be listed. Shape: (B, num_items).
        k: List length, at most the number of items.
        ties: Rank of each item. Shape: (num_items,), int64.

    Returns:
        Scores and items, best first; what is minus infinity comes last. Shapes: (B, k).
    """
    num_items = scores.shape[1]
    top = torch.topk(scores, min(k + 1, num_items), dim=1)  # one more shows whether a tie is cut in two
    values, items = top.values[:, :k], top.indices[:, :k]
    tied = bool((values[:, 1:] == values[:, :-1]).any())
    if top.values.shape[1] > k:
        last = top.values[:, k - 1]
        cut = ((last == top.values[:, k]) & (last > -torch.inf)).nonzero().flatten()
        if cut.numel():
            items = items.clone()
            items[cut] = _settle(scores, cut, last[cut], k, ties)
            tied = True  # what is better than the tie came back in no order
    if tied:
        items = items.gather(1, ties[items].argsort(dim=1))
        values = scores.gather(1, items)
        order = values.argsort(dim=1, descending=True, stable=True)
        values, items = values.gather(1, order), items.gather(1, order)
    return values, items


def _settle(scores: Tensor, rows: Tensor, last: Tensor, k: int, ties: Tensor) -> Tensor:
    """Items, in no order, of rows where more share the last score than there is room for. Shape: (rows, k)."""
    # Of each row all that is better comes first, then what is equal by its rank: as whole numbers below 2**31.
    better = torch.tensor(scores.shape[1] + 1, dtype=torch.int32, device=scores.device)
    rank = (scores.shape[1] - ties).to(torch.int32)  # at least 1
    chosen = scores[rows]
    key = torch.where(chosen > last.unsqueeze(1), better, torch.where(chosen == last.unsqueeze(1), rank, 0))
    return torch.topk(key, k, dim=1).indices
