"""Training the audio head alone, as a classifier."""

from collections.abc import Iterator
from typing import Any, NamedTuple

import torch
from torch import Tensor
from torch.nn import functional

from encoders.audioclip import ESResNeXt
from encoders.audioclip.decay import undecayed_apart
from encoders.evaluation import accuracy, mean_average_precision
from encoders.training.order import training_batches
from encoders.training.stages.sound_rows import hear, sound_rows
from encoders.training.stages.sound_samples import SoundSamples
from encoders.training.task import TrainingTask

__all__ = ["StandaloneTask", "classification_figures", "classifier_loss", "single_class"]


class LabeledBatch(NamedTuple):
    """Sounds with their classes and weights."""

    sounds: Tensor
    labels: Tensor
    weights: Tensor | None


class StandaloneTask(TrainingTask):
    """An :class:`~encoders.audioclip.ESResNeXt` whose outputs are classes.

    From `ESResNe(X)t-fbsp <https://arxiv.org/abs/2104.11587>`_ (Guzhov et al., 2021): cross-entropy for one class an
    item, binary cross-entropy added over the classes for several, and the regularization of the learned transform.

    Args:
        head: With as many outputs as there are classes.
        samples: Training sounds.
        labels: Of the training sounds. Shape: (items, classes), bool.
        multi_label: Whether an item may have several classes.
        batch_size: Sounds a step.
        seed: Of the order.
        sample_weights: Weight of each training sound [default: equal]. Shape: (items,).
        validation: Sounds by which the epoch is chosen, with their labels.
        workers: Processes that make samples.
    """

    larger_is_better = True

    def __init__(
        self,
        head: ESResNeXt,
        samples: SoundSamples,
        labels: Tensor,
        *,
        multi_label: bool,
        batch_size: int,
        seed: int = 0,
        sample_weights: Tensor | None = None,
        validation: tuple[SoundSamples, Tensor] | None = None,
        workers: int = 0,
    ) -> None:
        super().__init__(head)
        self.head, self.samples, self.labels = head, samples, labels
        self.multi_label, self.batch_size, self.seed, self.workers = multi_label, batch_size, seed, workers
        self.sample_weights, self.validation = sample_weights, validation
        self.metric = "mean_average_precision" if multi_label else "accuracy"

    @property
    def num_steps(self) -> int:
        """Batches an epoch."""
        return len(self.samples) // self.batch_size

    def batches(self, epoch: int) -> Iterator[LabeledBatch]:
        """Augmented sounds with their classes."""
        places = training_batches(len(self.samples), self.batch_size, epoch=epoch, seed=self.seed)
        sounds = self.samples.batches(places, epoch=epoch, workers=self.workers)
        for batch, waveform in zip(places, sounds, strict=True):
            weights = None if self.sample_weights is None else self.sample_weights[batch]
            yield LabeledBatch(waveform, self.labels[batch], weights)

    def loss(self, batch: LabeledBatch) -> dict[str, Tensor]:
        """The classifier's and the transform's."""
        features = hear(self.head, batch.sounds)
        device = features.vectors.device
        weights = None if batch.weights is None else batch.weights.to(device)
        loss = classifier_loss(
            features.vectors, batch.labels.to(device), multi_label=self.multi_label, sample_weights=weights
        )
        return {"classes": loss, "transform": features.regularization}

    def parameter_groups(self) -> list[dict[str, Any]]:
        """The transform's parameters are not decayed."""
        return undecayed_apart(self.head)

    def validate(self) -> dict[str, float]:
        """Figures on the validation sounds."""
        return {} if self.validation is None else self.evaluate(*self.validation)

    def evaluate(self, samples: SoundSamples, labels: Tensor) -> dict[str, float]:
        """Loss and accuracy, or mean average precision for several classes an item."""
        scores = self.scores(samples)
        loss = classifier_loss(scores, labels, multi_label=self.multi_label)
        return {"loss": float(loss), **classification_figures(scores, labels, multi_label=self.multi_label)}

    def scores(self, samples: SoundSamples) -> Tensor:
        """Outputs of the head for sounds as they are. Shape: (items, classes), on the CPU."""
        self.head.eval()
        return sound_rows(self.head, samples, workers=self.workers)


def classifier_loss(
    logits: Tensor, labels: Tensor, *, multi_label: bool, sample_weights: Tensor | None = None
) -> Tensor:
    """Cross-entropy of classes, averaged over the items by their weights.

    Args:
        logits: Shape: (items, classes).
        labels: Shape: (items, classes), bool.
        multi_label: Add a binary cross-entropy for each class, instead of one over all classes.
        sample_weights: Shape: (items,).

    Returns:
        A number.
    """
    if multi_label:
        terms = functional.binary_cross_entropy_with_logits(logits, labels.to(logits.dtype), reduction="none").sum(1)
    else:
        terms = functional.cross_entropy(logits, single_class(labels), reduction="none")
    return terms.mean() if sample_weights is None else (terms * sample_weights).sum() / sample_weights.sum()


def single_class(labels: Tensor) -> Tensor:
    """The class of items that have one each. Shapes: (items, classes), bool -> (items,), int64."""
    return labels.to(torch.float32).argmax(dim=1)


def classification_figures(scores: Tensor, labels: Tensor, *, multi_label: bool) -> dict[str, float]:
    """Accuracy of one class an item, or mean average precision of several.

    Args:
        scores: Shape: (items, classes).
        labels: Shape: (items, classes), bool.
        multi_label: Which of the two.
    """
    if multi_label:
        return {"mean_average_precision": mean_average_precision(scores, labels).value}
    return {"accuracy": accuracy(scores, single_class(labels))}
