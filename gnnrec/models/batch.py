"""What one training step learns from."""

from typing import NamedTuple

from torch import Tensor

__all__ = ["Batch"]


class Batch(NamedTuple):
    """One training step's triples: the user took the positive and did not take the negative."""

    users: Tensor
    """Shape: (B,), int64."""
    positives: Tensor
    """Shape: (B,), int64."""
    negatives: Tensor
    """Shape: (B,), int64."""
