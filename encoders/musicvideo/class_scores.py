"""Figures of classifiers, averaged over classes."""

import torch
from torch import Tensor

from encoders.errors import ArgumentError

__all__ = ["macro_auc", "macro_f1"]


def macro_auc(scores: Tensor, targets: Tensor) -> float:
    r"""Area under the ROC curve of each class against the rest, averaged over classes.

    .. math:: A = \frac{1}{P N} \sum_{i \in +} \sum_{j \in -} [s_i > s_j] + \tfrac{1}{2} [s_i = s_j]

    computed from the ranks of the scores, which share their mean where they tie. Classes that all or none of the rows
    belong to have no curve and are left out.

    Args:
        scores: Larger for what belongs to the class. Shape: (rows, classes).
        targets: Whether a row belongs to a class. Shape: (rows, classes), bool.

    Returns:
        0.5 by chance, 1 at best.

    Raises:
        ArgumentError: If shapes differ, a score is not finite, or no class has a curve.
    """
    _check(scores, targets, "scores")
    if not bool(torch.isfinite(scores).all()):
        raise ArgumentError("'scores' must be finite")
    by_class = scores.T.contiguous()  # (classes, rows)
    ordered = by_class.sort(dim=1).values
    below = torch.searchsorted(ordered, by_class)
    not_above = torch.searchsorted(ordered, by_class, right=True)
    ranks = (below + not_above + 1).double() / 2
    positives = targets.sum(dim=0).double()
    negatives = len(targets) - positives
    has_curve = (positives > 0) & (negatives > 0)
    if not bool(has_curve.any()):
        raise ArgumentError("'targets' must have a class that some rows belong to and some do not")
    rank_sums = (ranks * targets.T).sum(dim=1)
    areas = (rank_sums - positives * (positives + 1) / 2) / (positives * negatives)
    return float(areas[has_curve].mean())


def macro_f1(predicted: Tensor, targets: Tensor) -> float:
    """Harmonic mean of precision and recall of each class that some row belongs to, averaged over them.

    Args:
        predicted: Whether a row is said to belong to a class. Shape: (rows, classes), bool.
        targets: Whether it does. Shape: (rows, classes), bool.

    Raises:
        ArgumentError: If shapes differ, or no row belongs to a class.
    """
    _check(predicted, targets, "predicted")
    hits = (predicted & targets).sum(dim=0).double()
    occurring = targets.any(dim=0)
    if not bool(occurring.any()):
        raise ArgumentError("'targets' must have a class that some row belongs to")
    return float((2 * hits / (predicted.sum(dim=0) + targets.sum(dim=0)).clamp(min=1))[occurring].mean())


def _check(values: Tensor, targets: Tensor, name: str) -> None:
    if values.dim() != 2 or values.shape != targets.shape or targets.dtype != torch.bool:
        raise ArgumentError(
            f"'{name}' and 'targets' must be of one shape (rows, classes), targets of bool "
            f"(got {tuple(values.shape)} and {tuple(targets.shape)}, {targets.dtype})"
        )
