"""From a waveform to the three bands of a decibel spectrogram that AudioCLIP's audio network sees."""

import math

import torch
from torch import Tensor
from torch.nn import functional

__all__ = ["frame_count", "frames_of", "scale_amplitude", "to_decibel"]

_BANDS = 3
_SMALLEST_POWER = 1e-18


def scale_amplitude(waveform: Tensor) -> Tensor:
    """Bring samples of 16-bit range into [-1, 1], as the audio network expects them.

    Silence becomes 1.5e-5, not 0: the 65,536 values lie evenly around zero.

    Args:
        waveform: Samples between -32768 and 32767, floating. Any shape.
    """
    return (waveform + 32768.0) * 2.0 / 65535.0 - 1.0


def frame_count(num_samples: int, *, win_length: int, hop_length: int) -> int:
    """How many frames a sound has; its end is padded to a whole frame."""
    return 1 + max(0, math.ceil((num_samples - win_length) / hop_length))


def frames_of(signal: Tensor, *, win_length: int, hop_length: int) -> Tensor:
    """Cut a signal into overlapping frames; zeros are added on both sides to fill the last one.

    Args:
        signal: Shape: (..., samples).
        win_length: Samples a frame.
        hop_length: Samples from frame to frame.

    Returns:
        Shape: (..., frames, win_length).
    """
    count = frame_count(signal.shape[-1], win_length=win_length, hop_length=hop_length)
    missing = (count - 1) * hop_length + win_length - signal.shape[-1]
    padded = functional.pad(signal, (missing // 2, missing - missing // 2))
    return padded.unfold(-1, win_length, hop_length)


def to_decibel(real: Tensor, imaginary: Tensor) -> Tensor:
    """Power in decibel of three bands of frequencies, the lowest first.

    The bands take the place of a picture's three colours. Frequencies that do not fill a band are left out.

    Args:
        real: Shape: (..., frames, frequencies).
        imaginary: Shape: (..., frames, frequencies).

    Returns:
        Shape: (..., 3, frequencies // 3, frames).
    """
    power = (real.square() + imaginary.square()).transpose(-1, -2)
    height = power.shape[-2] // _BANDS
    bands = torch.unflatten(power[..., : _BANDS * height, :], -2, (_BANDS, height))
    return 10.0 * torch.log10(torch.where(bands == 0, _SMALLEST_POWER, bands))
