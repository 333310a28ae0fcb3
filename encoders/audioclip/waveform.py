"""Sounds as the audio head takes them: 16-bit amplitude, three dimensions, its own sample rate."""

import torch
from torch import Tensor

from encoders.content import resample
from encoders.errors import ArgumentError

__all__ = ["prepare_waveform"]

_FULL_SCALE = 32768.0


def prepare_waveform(waveform: Tensor, *, sample_rate: int, wanted_rate: int) -> Tensor:
    """Bring sounds to 16-bit amplitude and a sample rate.

    AudioCLIP was trained on samples between -32768 and 32767. Samples between -1 and 1, fed as they are, shift its
    spectrogram by 90 decibel, which no error would tell; so the range is checked.

    Args:
        waveform: int16, or floating between -1 and 1. Shape: (batch, samples) or (batch, channels, samples).
        sample_rate: Samples a second.
        wanted_rate: Samples a second of the result.

    Returns:
        Between -32768 and 32768. Shape: (batch, channels, samples), float32.

    Raises:
        ArgumentError: If shape, type, range or rate are wrong.
    """
    if waveform.dim() not in (2, 3) or waveform.numel() == 0:
        raise ArgumentError(
            "'waveform' must be of shape (batch, samples) or (batch, channels, samples) and not be empty "
            f"(got {tuple(waveform.shape)})"
        )
    if sample_rate < 1:
        raise ArgumentError(f"'sample_rate' must be a positive integer (got {sample_rate})")
    if waveform.dtype == torch.int16:
        scaled = waveform.to(torch.float32)
    elif waveform.is_floating_point():
        greatest = float(waveform.abs().max())
        if not greatest <= 1.0:  # also refuses NaN
            raise ArgumentError(
                f"'waveform' of {waveform.dtype} must be between -1 and 1 (got {greatest:g}); pass 16-bit samples as "
                "int16"
            )
        scaled = waveform.to(torch.float32) * _FULL_SCALE
    else:
        raise ArgumentError(f"'waveform' must be int16 or floating (got {waveform.dtype})")
    if waveform.dim() == 2:
        scaled = scaled[:, None]
    return scaled if sample_rate == wanted_rate else resample(scaled, sample_rate, wanted_rate)
