"""Transforms one after the other."""

from dataclasses import dataclass

from torch import Tensor

from encoders.augmentation.random_source import RandomSource
from encoders.augmentation.transform import Transform

__all__ = ["Pipeline"]


@dataclass(frozen=True)
class Pipeline:
    """A transform that is several, one after the other.

    Args:
        transforms: The transforms in the order of their use.
    """

    transforms: tuple[Transform, ...]

    def __call__(self, waveform: Tensor, random: RandomSource) -> Tensor:
        """Transform one sound.

        Args:
            waveform: Samples between -1 and 1. Shape: (channels, samples), floating.
            random: Handed to each of the transforms.

        Returns:
            What the last transform gave.
        """
        for transform in self.transforms:
            waveform = transform(waveform, random)
        return waveform
