"""Sounds at another sample rate, and cut into windows."""

from fractions import Fraction

import torch
from torch import Tensor

from encoders.errors import ArgumentError, ContentError, MissingPackageError

__all__ = ["audio_windows", "resample"]

_MAX_DENOMINATOR = 1_000


def resample(waveform: Tensor, from_rate: int, to_rate: int) -> Tensor:
    """The same sound with another number of samples a second; what is above half the new rate is filtered out.

    Rates whose ratio needs a denominator above 1000 are resampled by the nearest ratio that does not, which is at most
    1/2000 off; exact filters for such rates would take gigabytes.

    Args:
        waveform: Samples. Shape: (..., samples), floating.
        from_rate: Samples a second of the waveform.
        to_rate: Samples a second of the result.

    Returns:
        Shape: (..., samples * to_rate / from_rate rounded up); the waveform itself if the rates are the same.

    Raises:
        ArgumentError: If a rate is not positive or the waveform is not floating.
        MissingPackageError: If torchaudio is not installed.
    """
    for name, rate in (("from_rate", from_rate), ("to_rate", to_rate)):
        if rate < 1:
            raise ArgumentError(f"'{name}' must be a positive integer (got {rate})")
    if waveform.dim() < 1 or not waveform.is_floating_point():
        shape = tuple(waveform.shape)
        raise ArgumentError(f"'waveform' must be floating of shape (..., samples) (got {waveform.dtype}, {shape})")
    if from_rate == to_rate:
        return waveform
    try:
        from torchaudio import functional
    except ImportError:
        raise MissingPackageError("torchaudio", "encoders", "resampling sounds") from None
    ratio = Fraction(max(from_rate, to_rate), min(from_rate, to_rate)).limit_denominator(_MAX_DENOMINATOR)
    slow, fast = ratio.denominator, ratio.numerator
    rates = (fast, slow) if from_rate > to_rate else (slow, fast)
    resampled: Tensor = functional.resample(waveform, *rates)
    return resampled


def audio_windows(waveform: Tensor, *, window: int, stride: int, max_windows: int | None) -> Tensor:
    """Cut a sound into windows.

    Windows start at 0, stride, 2 * stride and so on while they end within the sound. If they leave at least half a
    stride uncovered at its end, one more window is added that ends with the sound; less than that is left out. A sound
    shorter than a window is one window, padded with zeros at its end.

    Args:
        waveform: Samples, at least one. Shape: (samples,).
        window: Samples a window.
        stride: Samples from the start of a window to that of the next.
        max_windows: If there are more windows, as many are kept, equally spaced from the first to the last, or the
            middle one if that is a single one; None keeps all.

    Returns:
        Shape: (windows, window), at least one.

    Raises:
        ArgumentError: If a number is not positive.
        ContentError: If the waveform is not of one dimension or has no samples.

    Example:
        >>> audio_windows(torch.arange(7.0), window=4, stride=2, max_windows=None).tolist()
        [[0.0, 1.0, 2.0, 3.0], [2.0, 3.0, 4.0, 5.0], [3.0, 4.0, 5.0, 6.0]]
    """
    for name, value in (("window", window), ("stride", stride), ("max_windows", max_windows)):
        if value is not None and value < 1:
            raise ArgumentError(f"'{name}' must be a positive integer (got {value})")
    if waveform.dim() != 1 or waveform.numel() == 0:
        shape = tuple(waveform.shape)
        raise ContentError(f"'waveform' must have shape (samples,) and at least one sample (got {shape})")
    missing = window - waveform.numel()
    padded = torch.nn.functional.pad(waveform, (0, missing)) if missing > 0 else waveform
    last = padded.numel() - window
    starts = torch.arange(0, last + 1, stride, device=waveform.device)
    if 2 * (last % stride) >= stride:
        starts = torch.cat([starts, starts.new_tensor([last])])
    if max_windows is not None and len(starts) > max_windows:
        steps = torch.arange(max_windows, device=waveform.device)
        gaps = max(1, max_windows - 1)
        # Rounded to the nearest, in whole numbers; the only one of one is in the middle.
        kept = (2 * steps * (len(starts) - 1) + gaps) // (2 * gaps) if max_windows > 1 else steps + len(starts) // 2
        starts = starts[kept]
    return padded.unfold(0, window, 1)[starts]
