"""How a sound's energy lies over the frequencies."""

from functools import lru_cache

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from encoders.errors import ContentError

__all__ = ["MEAN_SPECTRUM_DIM", "mean_spectrum"]

_BANDS = 40
_FRAME_SECONDS = 0.032
_HOP_SECONDS = 0.016
_LOWEST_HERTZ, _HIGHEST_HERTZ = 40.0, 7800.0
_RANGE_DECIBEL = 60.0
MEAN_SPECTRUM_DIM = 2 * _BANDS
"""Length of the vector: mean and standard deviation of 40 bands."""


def mean_spectrum(waveform: Tensor | npt.NDArray[np.floating], sample_rate: int) -> Tensor:
    """Mean and standard deviation over time of the energy in 40 mel bands, in units of 20 decibel.

    The loudness of the recording is taken out: energies are relative to the loudest band and frame, at most
    60 decibel below it, and the means of the bands add up to zero. The standard deviations tell of rhythm.

    Args:
        waveform: Samples; channels are averaged. Shape: (samples,) or (channels, samples), floating.
        sample_rate: Samples a second.

    Returns:
        40 means, then 40 standard deviations; zeros for silence. Shape: (80,), float32.

    Raises:
        ContentError: If shape, type or sample rate are wrong or a sample is not finite.
    """
    samples = torch.as_tensor(waveform)
    if samples.dim() not in (1, 2) or not samples.is_floating_point():
        raise ContentError(
            f"'waveform' must be floating of shape (samples,) or (channels, samples) "
            f"(got {samples.dtype}, {tuple(samples.shape)})"
        )
    if sample_rate < 1:
        raise ContentError(f"'sample_rate' must be a positive integer (got {sample_rate})")
    if not bool(torch.isfinite(samples).all()):
        raise ContentError("'waveform' must be finite (got NaN or infinity)")
    if samples.numel() == 0:
        return torch.zeros(MEAN_SPECTRUM_DIM)
    mono = samples.to(torch.float64).reshape(-1, samples.shape[-1]).mean(dim=0)
    frame, hop = (max(2, round(seconds * sample_rate)) for seconds in (_FRAME_SECONDS, _HOP_SECONDS))
    mono = torch.nn.functional.pad(mono, (0, max(0, frame - mono.numel())))
    frames = mono.unfold(0, frame, hop) * torch.hann_window(frame, dtype=mono.dtype)
    energy = torch.fft.rfft(frames).abs().square() @ _mel_filters(frame, sample_rate).T  # (frames, bands)
    loudest = energy.max()
    if not bool(loudest > 0):
        return torch.zeros(MEAN_SPECTRUM_DIM)
    level = 10 * torch.log10((energy / loudest).clamp(min=10 ** (-_RANGE_DECIBEL / 10)))
    mean = level.mean(dim=0)
    return (torch.cat([mean - mean.mean(), level.std(dim=0, correction=0)]) / 20).to(torch.float32)


@lru_cache(maxsize=8)
def _mel_filters(frame: int, sample_rate: int) -> Tensor:
    """Triangular filters evenly spaced on the mel scale; bands above half the sample rate stay empty.

    Shape: (40, frame // 2 + 1), float64.
    """
    low, high = (2595 * np.log10(1 + hertz / 700) for hertz in (_LOWEST_HERTZ, _HIGHEST_HERTZ))
    edges = torch.from_numpy(700 * (10 ** (np.linspace(low, high, _BANDS + 2) / 2595) - 1))
    # The lowest bands are narrower than a bin: no triangle is narrower than two bins, so that none is empty.
    bin_width = sample_rate / frame
    left, centre, right = edges[:-2, None], edges[1:-1, None], edges[2:, None]
    rise = (centre - left).clamp(min=bin_width)
    fall = (right - centre).clamp(min=bin_width)
    hertz = torch.arange(frame // 2 + 1, dtype=torch.float64) * bin_width
    return torch.minimum(1 - (centre - hertz) / rise, 1 - (hertz - centre) / fall).clamp(min=0)
