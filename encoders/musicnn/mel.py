"""The picture of a sound that musicnn looks at."""

import math

import torch
from torch import Tensor, nn

from encoders.errors import ArgumentError

__all__ = ["NUM_MELS", "SAMPLE_RATE", "LogMel"]

SAMPLE_RATE = 16_000
"""Samples a second that musicnn was trained on."""
NUM_MELS = 96
"""Mel bands, evenly spaced on Slaney's mel scale from 0 to 8000 Hz."""

_FRAME, _HOP = 512, 256
# Slaney's scale: linear up to 1000 Hz, which is 15 mel, then 27 mel for each factor of 6.4.
_HERTZ_PER_MEL = 200 / 3
_CORNER_MEL = 15.0
_CORNER_HERTZ = 1000.0
_LOG_STEP = math.log(6.4) / 27


class LogMel(nn.Module):
    """Logarithm of the energy in 96 mel bands: ``log10(10000 * energy + 1)``.

    The front end of musicnn (`Pons & Serra, 2019 <https://arxiv.org/abs/1909.06654>`_): the ``melspectrogram`` of
    librosa 0.7 with its defaults (Hann window, frames centred with the edges reflected, Slaney's mel scale and
    filters of unit area). The original rounds energies to half precision, which overflows on loud sounds; this does
    not.

    It has no weights: its tables stay out of the state dict.
    """

    window: Tensor
    filters: Tensor

    def __init__(self) -> None:
        super().__init__()
        self.register_buffer("window", torch.hann_window(_FRAME), persistent=False)
        self.register_buffer("filters", _slaney_filters().float(), persistent=False)

    def forward(self, waveform: Tensor) -> Tensor:
        """Frames of mel bands; the frame centred at the end, half of it reflection, is left out as in the original.

        Args:
            waveform: Samples at 16 kHz, between -1 and 1. Shape: (batch, samples), float32, at least 512 samples.

        Returns:
            Shape: (batch, samples // 256, 96); 3 seconds are 187 frames.

        Raises:
            ArgumentError: If there are too few samples.
        """
        if waveform.shape[-1] < _FRAME:
            raise ArgumentError(f"'waveform' must have at least {_FRAME} samples (got {waveform.shape[-1]})")
        with torch.autocast(waveform.device.type, enabled=False):  # energies are beyond the range of half precision
            spectrum = torch.stft(
                waveform.float(),
                _FRAME,
                _HOP,
                window=self.window.float(),
                center=True,
                pad_mode="reflect",
                return_complex=True,
            )  # (batch, 257, 1 + samples // 256)
            energy = spectrum[..., :-1].abs().square().transpose(1, 2) @ self.filters.float().T
            return torch.log10(10_000 * energy + 1)


def _slaney_filters() -> Tensor:
    """Triangles over the frequencies of the bins, each of area 1. Shape: (96, 257), float64."""
    highest = _CORNER_MEL + math.log(SAMPLE_RATE / 2 / _CORNER_HERTZ) / _LOG_STEP
    mel = torch.linspace(0, highest, NUM_MELS + 2, dtype=torch.float64)
    curved = _CORNER_HERTZ * torch.exp(_LOG_STEP * (mel - _CORNER_MEL))
    edges = torch.where(mel < _CORNER_MEL, _HERTZ_PER_MEL * mel, curved)
    left, centre, right = edges[:-2, None], edges[1:-1, None], edges[2:, None]
    hertz = torch.arange(_FRAME // 2 + 1, dtype=torch.float64) * (SAMPLE_RATE / _FRAME)
    triangles = torch.minimum((hertz - left) / (centre - left), (right - hertz) / (right - centre)).clamp(min=0)
    return triangles * 2 / (right - left)
