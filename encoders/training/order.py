"""Which items are in which batch."""

from collections.abc import Sequence

import numpy as np
import torch
from torch import Tensor

from encoders.errors import ArgumentError

__all__ = ["epoch_seed", "evaluation_batches", "require_batch", "split_by_class", "training_batches"]


def epoch_seed(seed: int, epoch: int, *purpose: int) -> int:
    """A seed for what is random in an epoch; a number for its purpose gives a source of its own."""
    return hash((seed, epoch, *purpose)) % 2**63


def require_batch(items: int, batch_size: int) -> None:
    """See to it that there are enough items for a batch.

    Raises:
        ArgumentError: If there are not.
    """
    if items < batch_size:
        raise ArgumentError(f"'batch_size' must be at most the number of training items {items} (got {batch_size})")


def training_batches(items: int, batch_size: int, *, epoch: int, seed: int) -> list[list[int]]:
    """Batches of an epoch in random order; a last incomplete one is left out, as in the reference.

    Args:
        items: Number of items.
        batch_size: Items a batch.
        epoch: From 1.
        seed: Of the order.

    Raises:
        ArgumentError: If there are fewer items than a batch has.
    """
    require_batch(items, batch_size)
    order = torch.randperm(items, generator=torch.Generator().manual_seed(epoch_seed(seed, epoch))).tolist()
    return [order[start : start + batch_size] for start in range(0, items - batch_size + 1, batch_size)]


def evaluation_batches(items: int, batch_size: int) -> list[list[int]]:
    """All items in their order."""
    return [list(range(start, min(items, start + batch_size))) for start in range(0, items, batch_size)]


def split_by_class(
    labels: Tensor, share: float, *, recordings: Sequence[str], seed: int
) -> tuple[list[int], list[int]]:
    """Keep a share of the items back for validation, of each class as near as whole recordings allow.

    Clips that were cut from one recording sound alike: with some in training and others in validation, the epoch would
    be chosen by how well recordings are remembered. An item of several classes counts for the rarest of them, a
    recording for that of its first item.

    Args:
        labels: Shape: (items, classes), bool.
        share: Of the items, at least 0 and below 1.
        recordings: What each item was cut from.
        seed: Of the choice.

    Returns:
        Places of the items for training and for validation, both ascending.
    """
    _, first, recording = np.unique(np.asarray(recordings, dtype=object), return_index=True, return_inverse=True)
    clips = np.bincount(recording)
    sizes = labels.sum(dim=0)
    rarest = torch.where(labels, sizes, sizes.max() + 1).argmin(dim=1).numpy()[first]
    order = torch.randperm(len(first), generator=torch.Generator().manual_seed(seed)).numpy()
    held = np.zeros(len(first), dtype=bool)
    for group in np.unique(rarest):
        members = order[rarest[order] == group]
        counted = np.cumsum(clips[members])
        # As long as taking one more recording comes nearer to the share than leaving it.
        held[members[counted - clips[members] / 2 <= share * counted[-1]]] = share > 0
    kept = held[recording]
    return np.flatnonzero(~kept).tolist(), np.flatnonzero(kept).tolist()
