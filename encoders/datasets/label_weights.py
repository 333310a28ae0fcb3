"""Weights that make up for classes of different size."""

from collections.abc import Sequence

import torch
from torch import Tensor

from encoders.datasets.labeled_item import LabeledItem
from encoders.errors import ArgumentError

__all__ = ["class_weights", "sample_weights"]


def class_weights(items: Sequence[LabeledItem], num_classes: int) -> Tensor:
    r"""Balanced weights: :math:`N / (C \cdot n_c)` for a class of :math:`n_c` items, divided by their mean.

    Args:
        items: Items to train on.
        num_classes: Number of classes.

    Returns:
        Classes without items have 0; the mean of the others is 1. Shape: (num_classes,), float32.

    Raises:
        ArgumentError: If no item has a label or a label is not less than ``num_classes``.

    Example:
        >>> class_weights([LabeledItem("1", labels=(0,)), LabeledItem("2", labels=(0, 1))], 3).tolist()
        [0.6666666865348816, 1.3333333730697632, 0.0]
    """
    labels = torch.tensor([label for item in items for label in item.labels], dtype=torch.int64)
    if labels.numel() == 0:
        raise ArgumentError("'items' must have labels (got none)")
    if int(labels.max()) >= num_classes:
        raise ArgumentError(f"'num_classes' must be above the greatest label, {int(labels.max())} (got {num_classes})")
    counts = labels.bincount(minlength=num_classes).double()
    # N / C is the same for all and goes with the mean.
    weights = torch.where(counts > 0, 1 / counts.clamp(min=1), 0.0)
    return (weights / weights[counts > 0].mean()).float()


def sample_weights(label_matrix: Tensor, class_weights: Tensor) -> Tensor:
    """Weights of items in AudioCLIP's loss: the sum of those of their classes.

    Args:
        label_matrix: Which classes items have. Shape: (items, classes), bool.
        class_weights: Shape: (classes,), floating.

    Returns:
        Shape: (items,), of the type of ``class_weights``.

    Raises:
        ArgumentError: If the shapes do not fit.
    """
    if label_matrix.dim() != 2 or class_weights.shape != label_matrix.shape[1:]:
        raise ArgumentError(
            "'label_matrix' and 'class_weights' must have the shapes (items, classes) and (classes,) "
            f"(got {tuple(label_matrix.shape)} and {tuple(class_weights.shape)})"
        )
    return label_matrix.to(class_weights) @ class_weights
