"""Sounds of items in memory."""

import torch
from torch import Tensor

from encoders.content import read_audio, resample
from encoders.datasets.labeled_item import LabeledItem
from encoders.errors import ArgumentError

__all__ = ["load_sound"]

_FULL_SCALE = 32768.0


def load_sound(
    item: LabeledItem, sample_rate: int, channels: int = 1, *, seconds: float | None = None, rescale: bool = False
) -> Tensor:
    """Decode the sound of an item.

    Sounds of one channel are repeated for more; those of more become their mean for one. Between other numbers of
    channels, the mean is repeated.

    Args:
        item: An item that has a sound.
        sample_rate: Samples a second of the result; the sound is resampled.
        channels: Channels of the result.
        seconds: Keep only so much of its start, such as the collection's ``seconds``; the released code keeps 4 s of
            UrbanSound8K. All by default.
        rescale: Stretch what is kept so that its least sample is -1 and its greatest 32767/32768, over all channels,
            as the released code does for UrbanSound8K only. It makes quiet sounds loud and moves their zero, so it is
            off by default; features equal the published ones only with it. Sounds of a single value become zero.

    Returns:
        Between -1 and 1. Shape: (channels, samples), float32.

    Raises:
        ArgumentError: If the item has no sound, or a number is not positive.
        ContentError: If the sound cannot be read.
        MissingPackageError: If soundfile or, for another rate, torchaudio is not installed.
    """
    for name, value in (("sample_rate", sample_rate), ("channels", channels)):
        if value < 1:
            raise ArgumentError(f"'{name}' must be a positive integer (got {value})")
    if seconds is not None and not seconds > 0:
        raise ArgumentError(f"'seconds' must be positive (got {seconds})")
    if item.audio is None:
        raise ArgumentError(f"'item' must have a sound (got '{item.name}', which has none)")
    sound = read_audio(item.audio)
    waveform = sound.waveform
    if len(waveform) != channels:
        waveform = waveform.mean(dim=0, keepdim=True)
    # Filters may overshoot.
    waveform = resample(waveform, sound.sample_rate, sample_rate).clamp(-1, 1)
    if seconds is not None:
        waveform = waveform[:, : max(1, round(seconds * sample_rate))]
    if rescale:
        waveform = _rescaled(waveform)
    return waveform.expand(channels, -1).contiguous()


def _rescaled(waveform: Tensor) -> Tensor:
    lowest, highest = torch.aminmax(waveform)
    if lowest == highest:
        return torch.zeros_like(waveform)
    return (waveform - lowest) * ((2 * _FULL_SCALE - 1) / _FULL_SCALE / (highest - lowest)) - 1
