"""What a small classifier can read from vectors: experiments 2 and 3 of Veldkamp et al. (2023)."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from itertools import pairwise
from typing import NamedTuple

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional

from encoders.errors import ArgumentError
from encoders.musicvideo.class_scores import macro_auc, macro_f1
from encoders.training import TrainingOptions, TrainingTask, fit
from encoders.weights import seeded

__all__ = ["PROBE_OPTIONS", "LabelledVectors", "ProbeResult", "probe"]

PROBE_OPTIONS = TrainingOptions(
    epochs=200, batch_size=50, optimizer="adam", learning_rate=0.005, decay=1.0, weight_decay=0.0, patience=10
)
"""Those of the released code, with a patience of our own."""

_HIDDEN = (512, 256)


class LabelledVectors(NamedTuple):
    """Vectors and what they should tell.

    Args:
        vectors: Shape: (rows, dim), float32.
        labels: The class of each row, of shape (rows,), int64, or whether it has each of several tags, of shape
            (rows, classes), bool.
    """

    vectors: Tensor
    labels: Tensor


@dataclass(frozen=True)
class ProbeResult:
    """Figures on test rows, averaged over seeds.

    Args:
        auc: Macro area under the ROC curve.
        auc_deviation: Standard deviation over seeds; 0 of a single one.
        f1: Macro F1.
        f1_deviation: As well.
        seeds: Number of seeds.
    """

    auc: float
    auc_deviation: float
    f1: float
    f1_deviation: float
    seeds: int


def probe(
    train: LabelledVectors,
    valid: LabelledVectors,
    test: LabelledVectors,
    *,
    options: TrainingOptions = PROBE_OPTIONS,
    seeds: Sequence[int] = (0, 1, 2),
) -> ProbeResult:
    """Train a perceptron of three layers (512 and 256 hidden values) and test it.

    One class a row is learned by cross-entropy and predicted as the likeliest; tags are learned by binary
    cross-entropy and predicted where their probability is at least a half. The validation loss chooses the epoch.

    Differs from the released code, which takes a softmax over the *batch* and gives it to a cross-entropy that takes
    another one: here the cross-entropy gets the values themselves. Vectors are brought to mean 0 and variance 1 by
    those of the training rows, since some are of length 1 and others are not.

    Args:
        train: Rows to learn from.
        valid: Rows to choose the epoch by.
        test: Rows to report on.
        options: Of training.
        seeds: Each trains another perceptron.

    Raises:
        ArgumentError: If shapes or types do not fit, or there is no seed.
    """
    if not seeds:
        raise ArgumentError("'seeds' must hold at least one")
    for name, part in (("train", train), ("valid", valid), ("test", test)):
        _check(name, part, train)
    classes = (
        train.labels.shape[1]
        if train.labels.dim() == 2
        else 1 + max(int(part.labels.max()) for part in (train, valid, test))
    )
    mean, deviation = train.vectors.mean(dim=0), train.vectors.std(dim=0).clamp(min=1e-6)
    scaled = [LabelledVectors((part.vectors - mean) / deviation, part.labels) for part in (train, valid, test)]
    figures = torch.tensor(
        [_train_one(*scaled, classes=classes, options=replace(options, seed=seed)) for seed in seeds],
        dtype=torch.float64,
    )
    spread = figures.std(dim=0) if len(seeds) > 1 else torch.zeros(2)
    auc, f1 = figures.mean(dim=0).tolist()
    return ProbeResult(auc, float(spread[0]), f1, float(spread[1]), len(seeds))


def _train_one(
    train: LabelledVectors, valid: LabelledVectors, test: LabelledVectors, *, classes: int, options: TrainingOptions
) -> tuple[float, float]:
    widths = (train.vectors.shape[1], *_HIDDEN, classes)
    task = _ProbeTask(seeded(lambda: _perceptron(widths), options.seed), train, valid, options)
    fit(task, options)
    with torch.no_grad():
        scores: Tensor = task.model(test.vectors.to(options.device)).cpu()
    if test.labels.dim() == 2:
        return macro_auc(scores.sigmoid(), test.labels), macro_f1(scores >= 0, test.labels)
    targets = functional.one_hot(test.labels, classes).bool()
    predicted = functional.one_hot(scores.argmax(dim=1), classes).bool()
    return macro_auc(scores.softmax(dim=1), targets), macro_f1(predicted, targets)


class _ProbeTask(TrainingTask):
    def __init__(
        self, model: nn.Module, train: LabelledVectors, valid: LabelledVectors, options: TrainingOptions
    ) -> None:
        super().__init__(model)
        self._train, self._valid = (
            LabelledVectors(*(tensor.to(options.device) for tensor in part)) for part in (train, valid)
        )
        self._options = options

    @property
    def num_steps(self) -> int:
        return -(-len(self._train.vectors) // self._options.batch_size)

    def batches(self, epoch: int) -> Iterable[Tensor]:
        order = torch.from_numpy(
            np.random.default_rng((self._options.seed, epoch)).permutation(len(self._train.vectors))
        )
        return torch.split(order.to(self._options.device), self._options.batch_size)

    def loss(self, batch: Tensor) -> dict[str, Tensor]:
        return {"classification": self._loss(self._train.vectors[batch], self._train.labels[batch])}

    @torch.no_grad()
    def validate(self) -> dict[str, float]:
        return {"loss": float(self._loss(*self._valid))}

    def _loss(self, vectors: Tensor, labels: Tensor) -> Tensor:
        scores = self.model(vectors)
        if labels.dim() == 2:
            return functional.binary_cross_entropy_with_logits(scores, labels.to(scores.dtype))
        return functional.cross_entropy(scores, labels)


def _perceptron(widths: tuple[int, ...]) -> nn.Module:
    layers: list[nn.Module] = []
    for wide, next_wide in pairwise(widths):
        layers += [nn.Linear(wide, next_wide), nn.ReLU()]
    return nn.Sequential(*layers[:-1])


def _check(name: str, part: LabelledVectors, train: LabelledVectors) -> None:
    vectors, labels = part
    fits = vectors.dim() == 2 and len(vectors) == len(labels) > 0 and vectors.shape[1] == train.vectors.shape[1]
    single = labels.dim() == 1 and labels.dtype == torch.int64
    several = labels.dim() == 2 and labels.dtype == torch.bool
    if not (fits and (single or several) and labels.shape[1:] == train.labels.shape[1:]):
        raise ArgumentError(
            f"'{name}' must hold rows of the width of 'train' and a class (int64) or tags (bool) of each (got "
            f"{tuple(vectors.shape)} and {tuple(labels.shape)}, {labels.dtype})"
        )
