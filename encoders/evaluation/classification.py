"""Metrics of class scores."""

from typing import NamedTuple

import torch
from torch import Tensor

from encoders.errors import ArgumentError
from encoders.evaluation.average_precision import average_precision

__all__ = [
    "MeanAveragePrecision",
    "accuracy",
    "average_precision_by_class",
    "confusion_matrix",
    "mean_average_precision",
]

_BLOCK_SCORES = 4_000_000
"""Scores sorted at a time: some 200 MB with all that goes along."""


class MeanAveragePrecision(NamedTuple):
    """Macro average over classes.

    Args:
        value: Mean over the classes that have a positive; NaN if none has.
        num_classes: How many have.
        without_positives: How many have none and are left out.
    """

    value: float
    num_classes: int
    without_positives: int


def accuracy(scores: Tensor, labels: Tensor) -> float:
    """Share of items whose own class has the highest score.

    An item with several highest scores counts as one over their number if its class is among them: the expected value
    of breaking the tie at random. Constant scores so get 1 / C and not the share of the first class.

    Args:
        scores: Shape: (N, C).
        labels: Classes. Shape: (N,), int64.

    Raises:
        ArgumentError: If shapes or labels do not fit, or a score is NaN.
    """
    _check_scores(scores)
    _check_labels(labels, "labels", scores.shape[1], len(scores))
    top = scores == scores.amax(dim=1, keepdim=True)
    return float((top.gather(1, labels[:, None])[:, 0] / top.sum(dim=1, dtype=torch.float64)).mean())


def average_precision_by_class(scores: Tensor, targets: Tensor) -> Tensor:
    """Average precision of each class over the items, as scikit-learn's.

    Args:
        scores: Shape: (N, C).
        targets: Which classes each item has. Shape: (N, C), bool.

    Returns:
        NaN for classes that no item has. Shape: (C,), float64.

    Raises:
        ArgumentError: If shapes or types do not fit, or a score is NaN.
    """
    _check_scores(scores)
    if targets.shape != scores.shape or targets.dtype != torch.bool:
        raise ArgumentError(
            f"'targets' must be bool of shape {tuple(scores.shape)} (got {targets.dtype}, {tuple(targets.shape)})"
        )
    block = max(_BLOCK_SCORES // len(scores), 1)
    parts = []
    for start in range(0, scores.shape[1], block):
        some = slice(start, start + block)
        parts.append(average_precision(scores[:, some].T.contiguous(), targets[:, some].T.contiguous()))
    return torch.cat(parts)


def mean_average_precision(scores: Tensor, targets: Tensor) -> MeanAveragePrecision:
    """Mean of :func:`average_precision_by_class` over the classes that an item has.

    Args:
        scores: Shape: (N, C).
        targets: Shape: (N, C), bool.

    Raises:
        ArgumentError: As there.
    """
    values = average_precision_by_class(scores, targets)
    without = int(values.isnan().sum())
    return MeanAveragePrecision(float(values.nanmean()), len(values) - without, without)


def confusion_matrix(predicted: Tensor, labels: Tensor, num_classes: int) -> Tensor:
    """How often items of each class were taken for each class.

    Args:
        predicted: Classes. Shape: (N,), int64.
        labels: True classes. Shape: (N,), int64.
        num_classes: C.

    Returns:
        A row a true class and a column a predicted one. Shape: (C, C), int64.

    Raises:
        ArgumentError: If shapes differ or a class is out of range.
    """
    if num_classes < 1:
        raise ArgumentError(f"'num_classes' must be a positive integer (got {num_classes})")
    _check_labels(labels, "labels", num_classes, len(predicted))
    _check_labels(predicted, "predicted", num_classes, len(predicted))
    return torch.bincount(labels * num_classes + predicted, minlength=num_classes**2).view(num_classes, num_classes)


def _check_scores(scores: Tensor) -> None:
    if scores.dim() != 2 or not scores.numel():
        raise ArgumentError(f"'scores' must be of shape (N, C), not empty (got {tuple(scores.shape)})")
    if bool(scores.isnan().any()):
        raise ArgumentError("'scores' must not hold NaN")


def _check_labels(labels: Tensor, name: str, num_classes: int, count: int) -> None:
    if labels.dtype != torch.int64 or labels.shape != (count,):
        raise ArgumentError(f"'{name}' must be int64 of shape ({count},) (got {labels.dtype}, {tuple(labels.shape)})")
    if count and not 0 <= int(labels.min()) <= int(labels.max()) < num_classes:
        raise ArgumentError(f"'{name}' must lie in [0, {num_classes}) (got {int(labels.min())} to {int(labels.max())})")
