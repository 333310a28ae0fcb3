"""Which items are in which batch."""

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


def split_by_class(labels: Tensor, share: float, *, seed: int) -> tuple[list[int], list[int]]:
    """Keep a share of the items back for validation, of each class as many as its size asks for.

    An item of several classes counts for the rarest of them.

    Args:
        labels: Shape: (items, classes), bool.
        share: Of the items, at least 0 and below 1.
        seed: Of the choice.

    Returns:
        Places of the items for training and for validation, both ascending.
    """
    order = torch.randperm(len(labels), generator=torch.Generator().manual_seed(seed))
    sizes = labels.sum(dim=0)
    rarest = torch.where(labels, sizes, sizes.max() + 1).argmin(dim=1)[order]
    kept: list[int] = []
    for group in torch.unique(rarest).tolist():
        members = order[rarest == group]
        kept += members[: round(share * len(members))].tolist()
    held = set(kept)
    return [place for place in range(len(labels)) if place not in held], sorted(kept)
