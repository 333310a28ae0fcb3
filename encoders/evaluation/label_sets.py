"""Sets of labels as numbers."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from encoders.errors import ArgumentError

__all__ = ["LabelSets", "label_set_ids"]


@dataclass(frozen=True, eq=False)
class LabelSets:
    """The different sets of labels among items.

    Args:
        ids: Which set each item has. Shape: (N,), int64.
        sets: The sets, their labels in alphabetical order; set i has id i.
    """

    ids: Tensor
    sets: tuple[tuple[str, ...], ...]


def label_set_ids(labels: Sequence[Collection[str]]) -> LabelSets:
    """Number the sets of labels in the order in which they first appear.

    Order and repetition within an item do not matter. To compare two groups of items, number them together and split
    the ids. Text queries are the sets themselves, so their ids are 0, 1, 2 and so on.

    Args:
        labels: Labels of each item, maybe none.

    Raises:
        ArgumentError: If an item's labels are a string, whose letters would be taken for labels.
    """
    known: dict[tuple[str, ...], int] = {}
    ids = []
    for place, names in enumerate(labels):
        if isinstance(names, str):
            raise ArgumentError(f"'labels' must hold a collection of strings for each item (got {names!r} at {place})")
        ids.append(known.setdefault(tuple(sorted(set(names))), len(known)))
    return LabelSets(torch.tensor(ids, dtype=torch.int64), tuple(known))
