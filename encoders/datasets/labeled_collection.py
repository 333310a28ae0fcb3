"""A data set of labelled sounds or pictures."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import get_args

import torch
from torch import Tensor

from encoders.datasets.labeled_item import LabeledItem, Part
from encoders.errors import ArgumentError

__all__ = ["LabeledCollection"]


@dataclass(frozen=True, repr=False)
class LabeledCollection:
    """Items and the classes that their labels mean.

    Args:
        name: Name of the data set, such as ``"esc50"``.
        items: The items, in the order of the data set.
        classes: Names of the classes as a sentence would have them, such as ``"dog bark"``. Two classes may have one
            name: ImageNet has two kinds of crane.
        multi_label: Whether an item may have any number of labels; otherwise each has one.
        seconds: Nominal length of the sounds, if the data set has one.
        missing: Items that the data set lists and whose files are not there.

    Raises:
        ArgumentError: If labels are not those of the classes, or only some of the items have a fold.
    """

    name: str
    items: tuple[LabeledItem, ...]
    classes: tuple[str, ...]
    multi_label: bool = False
    seconds: float | None = None
    missing: int = 0

    def __post_init__(self) -> None:
        for item in self.items:
            if not self.multi_label and len(item.labels) != 1:
                raise ArgumentError(f"'labels' of item '{item.name}' must be one of a single label (got {item.labels})")
            if item.labels and item.labels[-1] >= len(self.classes):
                raise ArgumentError(
                    f"'labels' of item '{item.name}' must be less than the number of classes, {len(self.classes)} "
                    f"(got {item.labels})"
                )
        without = sum(item.fold is None for item in self.items)
        if 0 < without < len(self.items):
            raise ArgumentError(f"'items' must all have a fold or none (got {without} of {len(self.items)} without)")

    def __len__(self) -> int:
        return len(self.items)

    def __repr__(self) -> str:
        return f"LabeledCollection('{self.name}', {len(self.items)} items, {len(self.classes)} classes)"

    @property
    def folds(self) -> list[int]:
        """The folds that there are, ascending."""
        return sorted({item.fold for item in self.items if item.fold is not None})

    @property
    def parts(self) -> list[Part]:
        """The parts that there are: train, valid, test."""
        present = {item.part for item in self.items}
        return [part for part in get_args(Part) if part in present]

    def fold_split(self, fold: int) -> tuple[tuple[LabeledItem, ...], tuple[LabeledItem, ...]]:
        """The items to train on, those of all other folds, and the items of the fold, which are held out.

        Raises:
            ArgumentError: If there is no such fold or no other.
        """
        folds = self.folds
        if not folds:
            raise ArgumentError(f"'{self.name}' has no folds, so none can be held out (got {fold})")
        if fold not in folds or len(folds) < 2:
            found = ", ".join(map(str, folds))
            raise ArgumentError(f"'fold' must be one of at least two folds of '{self.name}', {found} (got {fold})")
        training = tuple(item for item in self.items if item.fold != fold)
        return training, tuple(item for item in self.items if item.fold == fold)

    def part(self, name: Part) -> tuple[LabeledItem, ...]:
        """The items of a part, at least one.

        Raises:
            ArgumentError: If there is no such part.
        """
        if name not in self.parts:
            found = ", ".join(self.parts) or "none"
            raise ArgumentError(f"'name' must be a part of '{self.name}', {found} (got '{name}')")
        return tuple(item for item in self.items if item.part == name)

    def label_matrix(self, items: Sequence[LabeledItem]) -> Tensor:
        """Which classes items have.

        Args:
            items: Items of the collection.

        Returns:
            Shape: (items, classes), bool.
        """
        matrix = torch.zeros(len(items), len(self.classes), dtype=torch.bool)
        counts = torch.tensor([len(item.labels) for item in items], dtype=torch.int64)
        labels = torch.tensor([label for item in items for label in item.labels], dtype=torch.int64)
        matrix[torch.arange(len(items)).repeat_interleave(counts), labels] = True
        return matrix

    def label_text(self, item: LabeledItem) -> str:
        """The classes of an item as AudioCLIP composes its texts: joined by commas.

        Example:
            >>> item = LabeledItem("1", labels=(0, 2))
            >>> LabeledCollection("example", (item,), ("dog", "rain", "sea waves"), multi_label=True).label_text(item)
            'dog, sea waves'
        """
        return ", ".join(self.classes[label] for label in item.labels)
