"""What a layout of a data set is."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from encoders.datasets.labeled_collection import LabeledCollection

__all__ = ["DatasetFormat"]


@dataclass(frozen=True)
class DatasetFormat:
    """One layout of folders.

    Args:
        name: Name of the format.
        looks_for: What detection looks for, for the message when nothing is found.
        detect: Whether a folder has this layout; cheap.
        read: Reads the folder.
    """

    name: str
    looks_for: str
    detect: Callable[[Path], bool]
    read: Callable[[Path], LabeledCollection]
