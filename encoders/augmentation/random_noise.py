"""Noisy sounds."""

import math
from dataclasses import dataclass

import torch
from torch import Tensor

from encoders.augmentation.checks import require_probability, require_waveform
from encoders.augmentation.random_source import RandomSource
from encoders.errors import ArgumentError

__all__ = ["RandomNoise"]

_SEEDS = 2**63 - 1


@dataclass(frozen=True)
class RandomNoise:
    r"""Adds white Gaussian noise, sometimes.

    The signal-to-noise ratio :math:`r` is drawn from U(``lowest_snr``, ``highest_snr``) decibel; the noise has the
    power :math:`P \cdot 10^{-r/10}`, with :math:`P` the mean square of the sound over channels and samples. Silence
    stays silent.

    Differs from the reference: its upper bound is 1 dB above the one that it is given, 121 dB instead of the paper's
    120 (section 4.2); and what leaves [-1, 1] is clipped here, since the audio head refuses it.

    Args:
        lowest_snr: Least signal-to-noise ratio, in decibel.
        highest_snr: Greatest signal-to-noise ratio, in decibel.
        probability: How often noise is added.
    """

    lowest_snr: float = 10.0
    highest_snr: float = 120.0
    probability: float = 0.25

    def __post_init__(self) -> None:
        for name in ("lowest_snr", "highest_snr"):
            if not math.isfinite(getattr(self, name)):
                raise ArgumentError(f"'{name}' must be finite (got {getattr(self, name)})")
        if self.highest_snr < self.lowest_snr:
            least = f"at least 'lowest_snr', {self.lowest_snr}"
            raise ArgumentError(f"'highest_snr' must be {least} (got {self.highest_snr})")
        require_probability(self.probability)

    def __call__(self, waveform: Tensor, random: RandomSource) -> Tensor:
        """Add noise to one sound, or not.

        Args:
            waveform: Samples between -1 and 1. Shape: (channels, samples), floating.
            random: Decides, and draws the ratio and the noise.

        Returns:
            Between -1 and 1. Shape: (channels, samples).

        Raises:
            ArgumentError: If the waveform is not of this kind.
        """
        require_waveform(waveform)
        if random.uniform(0.0, 1.0) >= self.probability:
            return waveform
        ratio = random.uniform(self.lowest_snr, self.highest_snr)
        # PyTorch draws 220,500 numbers three times as fast as NumPy.
        generator = torch.Generator().manual_seed(int(random.integers(0, _SEEDS)))
        noise = torch.randn(waveform.shape, generator=generator).to(waveform)
        effective = float(torch.linalg.vector_norm(waveform.to(torch.float32))) / math.sqrt(waveform.numel())
        return noise.mul_(effective * 10 ** (-ratio / 20)).add_(waveform).clamp_(-1, 1)
