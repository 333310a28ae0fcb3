"""Fitting AudioCLIP to a small catalog by its own loss."""

from collections.abc import Callable

import torch
from torch import Tensor

from encoders.audioclip.model import AudioCLIP
from encoders.errors import ArgumentError, EncoderError

__all__ = ["fit_audioclip"]


def fit_audioclip(
    model: AudioCLIP,
    *,
    image: Tensor,
    text: Tensor,
    audio: Tensor,
    epochs: int = 30,
    batch_size: int = 32,
    learning_rate: float = 1e-3,
    weight_decay: float = 5e-4,
    seed: int = 0,
    on_epoch: Callable[[int, float], None] | None = None,
) -> None:
    """Bring pictures, texts and sounds of the same items together, by the tri-modal loss.

    AdamW with a learning rate that falls to zero along a cosine; pictures are mirrored and sounds shifted in time at
    random. All three heads learn. The model is left in evaluation mode.

    Args:
        model: What to fit, in place.
        image: Prepared pictures. Shape: (items, 3, resolution, resolution).
        text: Tokens. Shape: (items, context_length), int64.
        audio: Sounds at the model's sample rate, between -1 and 1. Shape: (items, samples).
        epochs: Passes over the items.
        batch_size: Items a step; a last smaller batch is left out of its epoch.
        learning_rate: At the start.
        weight_decay: Of all weights but the audio transform's and the scales.
        seed: Of order and augmentation.
        on_epoch: Called with the number of the epoch, from 1, and its mean loss.

    Raises:
        ArgumentError: If there are fewer items than a batch, or a number is not positive.
        EncoderError: If the loss is no longer finite.
    """
    items = len(image)
    for name, value in (("epochs", epochs), ("batch_size", batch_size), ("learning_rate", learning_rate)):
        if not value > 0:
            raise ArgumentError(f"'{name}' must be positive (got {value})")
    if not items == len(text) == len(audio) or items < batch_size or batch_size < 2:
        raise ArgumentError(
            f"'image', 'text' and 'audio' must hold equally many items, at least a batch of two or more "
            f"(got {items}, {len(text)}, {len(audio)} for a batch of {batch_size})"
        )
    random = torch.Generator().manual_seed(seed)
    optimizer = torch.optim.AdamW(_groups(model, weight_decay), lr=learning_rate, foreach=True)
    steps = items // batch_size
    schedule = torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, epochs * steps)
    device = model.positional_embedding.device
    model.train()
    for epoch in range(1, epochs + 1):
        order = torch.randperm(items, generator=random)
        total = 0.0
        for step in range(steps):
            batch = order[step * batch_size : (step + 1) * batch_size]
            output = model(
                image=_mirror(image[batch], random).to(device),
                text=text[batch].to(device),
                audio=_shift(audio[batch], random).to(device),
                sample_rate=model.sample_rate,
            )
            loss = output.loss
            assert loss is not None, "three modalities are given"
            optimizer.zero_grad(set_to_none=True)
            loss.backward()
            optimizer.step()
            schedule.step()
            model.limit_logit_scales()
            total += float(loss.detach())
        if not total == total or total == float("inf"):
            raise EncoderError(f"the loss is no longer finite in epoch {epoch}; lower the learning rate")
        if on_epoch:
            on_epoch(epoch, total / steps)
    model.eval()


def _groups(model: AudioCLIP, weight_decay: float) -> list[dict[str, object]]:
    decayed: list[Tensor] = []
    free: list[Tensor] = []
    for name, parameter in model.named_parameters():
        if parameter.requires_grad:
            (free if name.startswith(("audio.fbsp.", "logit_scale")) else decayed).append(parameter)
    return [{"params": decayed, "weight_decay": weight_decay}, {"params": free, "weight_decay": 0.0}]


def _mirror(image: Tensor, random: torch.Generator) -> Tensor:
    """Each picture left to right with probability one half."""
    mirrored = torch.rand(len(image), generator=random) < 0.5
    return torch.where(mirrored[:, None, None, None], image.flip(-1), image)


def _shift(audio: Tensor, random: torch.Generator) -> Tensor:
    """Each sound rotated in time by up to a quarter of its length."""
    length = audio.shape[1]
    offset = torch.randint(0, max(1, length // 4), (len(audio), 1), generator=random)
    return audio.gather(1, (torch.arange(length)[None] + offset) % length)
