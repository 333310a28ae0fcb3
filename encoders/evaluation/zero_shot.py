"""Classification by comparing items with a text prompt of each class."""

from collections.abc import Mapping
from typing import Literal, NamedTuple

import torch
from torch import Tensor

from encoders.errors import ArgumentError
from encoders.evaluation.classification import accuracy, mean_average_precision
from encoders.evaluation.cosine import cosines, unit_rows

__all__ = [
    "ZeroShotResult",
    "multi_label_probabilities",
    "single_label_probabilities",
    "zero_shot",
    "zero_shot_scores",
]

Scales = Mapping[str, Tensor | float] | float


class ZeroShotResult(NamedTuple):
    """How well prompts tell the classes of items.

    Args:
        metric: Accuracy with one label an item, mean average precision with any number.
        value: Between 0 and 1; NaN if no item has any label.
        probabilities: Of each class. Shape: (N, C), float32.
        without_positives: Classes that no item has and that a mean average precision leaves out.
    """

    metric: Literal["accuracy", "mean_average_precision"]
    value: float
    probabilities: Tensor
    without_positives: int


def zero_shot(
    vectors: Mapping[str, Tensor], prompts: Tensor, targets: Tensor, *, scales: Scales = 1.0
) -> ZeroShotResult:
    """Classify items by prompts and compare with the truth.

    The metric is taken of the scores before softmax or sigmoid, which keep their order but can round neighbours to one
    number.

    Args:
        vectors: Of the items, by modality. Shapes: (N, d).
        prompts: Of the classes. Shape: (C, d).
        targets: The class of each item, (N,) int64, or which classes it has, (N, C) bool.
        scales: As for :func:`zero_shot_scores`. With any number of labels plain cosines are compared instead.

    Raises:
        ArgumentError: If shapes, types or names do not fit.
    """
    if targets.dtype == torch.bool:
        scores = zero_shot_scores(vectors, prompts)
        precision = mean_average_precision(scores, targets)
        return ZeroShotResult(
            "mean_average_precision",
            precision.value,
            multi_label_probabilities(scores),
            precision.without_positives,
        )
    scores = zero_shot_scores(vectors, prompts, scales)
    return ZeroShotResult("accuracy", accuracy(scores, targets), single_label_probabilities(scores), 0)


@torch.no_grad()
def zero_shot_scores(vectors: Mapping[str, Tensor], prompts: Tensor, scales: Scales = 1.0) -> Tensor:
    """Scaled cosines of items and prompts, the mean over modalities.

    AudioCLIP's paper reports zero-shot figures of sounds together with pictures but not how the two are combined; the
    mean of the logits is a choice made here.

    Args:
        vectors: Of the items, by modality such as ``"audio"``, of any length. Shapes: (N, d).
        prompts: Of the classes. Shape: (C, d).
        scales: Factor of the cosines, by modality or one for all; AudioCLIP's learned ones are at most 100.

    Returns:
        Shape: (N, C), float32.

    Raises:
        ArgumentError: If there is no modality, shapes differ or a modality has no scale.
    """
    shapes = {name: tuple(rows.shape) for name, rows in vectors.items()}
    if len(set(shapes.values())) != 1:
        raise ArgumentError(f"'vectors' must be of one shape (N, d), of one modality at least (got {shapes})")
    classes = unit_rows(prompts, "prompts")
    if isinstance(scales, Mapping) and not vectors.keys() <= scales.keys():
        raise ArgumentError(f"'scales' must name each of {', '.join(vectors)} (got {', '.join(scales) or 'none'})")
    logits = []
    for name, rows in vectors.items():
        if rows.shape[1:] != prompts.shape[1:]:
            raise ArgumentError(f"'prompts' must have the dimension of '{name}' (got {tuple(prompts.shape)})")
        scale = scales[name] if isinstance(scales, Mapping) else scales
        logits.append(cosines(unit_rows(rows, name), classes) * scale)
    return torch.stack(logits).mean(dim=0)


def single_label_probabilities(scores: Tensor) -> Tensor:
    """Softmax over the classes.

    Args:
        scores: Of :func:`zero_shot_scores`. Shape: (N, C).
    """
    return scores.softmax(dim=1)


def multi_label_probabilities(scores: Tensor) -> Tensor:
    """The sigmoid of cosine - 0.5, each class for itself, as AudioCLIP's released code has it.

    Args:
        scores: Of :func:`zero_shot_scores` without scales. Shape: (N, C).
    """
    return (scores - 0.5).sigmoid()
