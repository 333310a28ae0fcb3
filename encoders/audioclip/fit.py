"""Fitting AudioCLIP to a small catalog by its own loss."""

from collections.abc import Callable, Iterator
from typing import Any, NamedTuple

import torch
from torch import Tensor

from encoders.audioclip.decay import undecayed_apart
from encoders.audioclip.model import AudioCLIP
from encoders.augmentation.batches import mirror_images, shift_sounds
from encoders.errors import ArgumentError
from encoders.training import TrainingOptions, TrainingTask, fit
from encoders.training.order import epoch_seed, training_batches

__all__ = ["fit_audioclip"]

# Order and augmentation of an epoch draw from sources of their own.
_AUGMENTATION = 1


def fit_audioclip(
    model: AudioCLIP,
    *,
    image: Tensor,
    text: Tensor,
    audio: Tensor,
    options: TrainingOptions,
    on_epoch: Callable[[dict[str, Any]], None] | None = None,
) -> None:
    """Bring pictures, texts and sounds of the same items together, by the tri-modal loss.

    Pictures are mirrored and sounds shifted in time at random. All three heads learn. The model is left in evaluation
    mode. For data sets that do not fit into memory there are the stages of :mod:`encoders.training.stages`.

    Args:
        model: What to fit, in place.
        image: Prepared pictures. Shape: (items, 3, resolution, resolution).
        text: Tokens. Shape: (items, context_length), int64.
        audio: Sounds at the model's sample rate, between -1 and 1. Shape: (items, samples).
        options: How; a last incomplete batch is left out of its epoch.
        on_epoch: See :func:`~encoders.training.fit`.

    Raises:
        ArgumentError: If the numbers of items differ, or there are fewer than a batch.
        TrainingError: If the loss is no longer finite.
    """
    if not len(image) == len(text) == len(audio):
        raise ArgumentError(
            f"'image', 'text' and 'audio' must hold equally many items (got {len(image)}, {len(text)}, {len(audio)})"
        )
    if options.batch_size < 2:
        raise ArgumentError(f"'batch_size' must be at least 2 (got {options.batch_size})")
    fit(_CatalogTask(model, _Items(image, text, audio), options), options, on_epoch=on_epoch)


class _Items(NamedTuple):
    """Prepared contents, row by row the same items."""

    image: Tensor
    text: Tensor
    audio: Tensor


class _CatalogTask(TrainingTask):
    """All three heads on contents in memory."""

    def __init__(self, model: AudioCLIP, items: _Items, options: TrainingOptions) -> None:
        super().__init__(model)
        self.audioclip, self.items, self.options = model, items, options

    @property
    def num_steps(self) -> int:
        return len(self.items.image) // self.options.batch_size

    def batches(self, epoch: int) -> Iterator[_Items]:
        seed, items = self.options.seed, self.items
        random = torch.Generator().manual_seed(epoch_seed(seed, epoch, _AUGMENTATION))
        for places in training_batches(len(items.image), self.options.batch_size, epoch=epoch, seed=seed):
            image, audio = mirror_images(items.image[places], random), shift_sounds(items.audio[places], random)
            yield _Items(image, items.text[places], audio)

    def loss(self, batch: _Items) -> dict[str, Tensor]:
        device = self.audioclip.positional_embedding.device
        image, text, audio = (part.to(device) for part in batch)
        output = self.audioclip(image=image, text=text, audio=audio, sample_rate=self.audioclip.sample_rate)
        assert output.loss is not None, "three modalities are given"
        return {"contrast": output.loss}

    def parameter_groups(self) -> list[dict[str, Any]]:
        return undecayed_apart(self.audioclip)

    def after_step(self) -> None:
        self.audioclip.limit_logit_scales()
