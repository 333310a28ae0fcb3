"""What a transform of sounds is."""

from typing import Protocol

from torch import Tensor

from encoders.augmentation.random_source import RandomSource

__all__ = ["Transform"]


class Transform(Protocol):
    """Anything that makes a waveform of a waveform."""

    def __call__(self, waveform: Tensor, random: RandomSource, /) -> Tensor:
        """Transform one sound.

        Args:
            waveform: Samples between -1 and 1. Shape: (channels, samples), floating.
            random: Where random numbers are drawn from.

        Returns:
            Shape: (channels, samples of its own number).
        """
