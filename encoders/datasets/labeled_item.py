"""One labelled sound, picture, or both."""

from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from encoders.errors import ArgumentError

__all__ = ["LabeledItem", "Part"]

Part = Literal["train", "valid", "test"]


@dataclass(frozen=True, slots=True)
class LabeledItem:
    """Files of one item and its classes; nothing is decoded.

    Args:
        name: What the data set calls it.
        audio: Its sound.
        images: Its pictures: one, or frames of a film in the order of time.
        labels: Its classes, as positions in the collection's, ascending.
        fold: The fold it is in, for cross-validation.
        part: The part it is in, where the data set gives a split.
        recording: What it was cut from, where the data set tells: clips of one recording are never told apart by
            training on some and measuring on others.

    Raises:
        ArgumentError: If the labels are not ascending positions.
    """

    name: str
    audio: Path | None = None
    images: tuple[Path, ...] = ()
    labels: tuple[int, ...] = ()
    fold: int | None = None
    part: Part | None = None
    recording: str | None = None

    def __post_init__(self) -> None:
        if self.labels and (self.labels[0] < 0 or self.labels != tuple(sorted(set(self.labels)))):
            raise ArgumentError(f"'labels' must be ascending, each once and at least 0 (got {self.labels})")
