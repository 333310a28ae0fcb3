"""Faster and slower sounds."""

import math
from dataclasses import dataclass

import torch
from torch import Tensor

from encoders.augmentation.checks import require_waveform
from encoders.augmentation.random_source import RandomSource
from encoders.errors import ArgumentError

__all__ = ["RandomScale"]


@dataclass(frozen=True)
class RandomScale:
    """Plays a sound faster or slower: its length is multiplied by ``max_scale`` to the power of U(-1, 1).

    This is what the paper's "scaling in [-1.5, 1.5]" means: factors from 1/1.5 to 1.5, evenly on a logarithmic scale.

    Differs from the reference: positions between samples are computed in double precision; in its single precision
    those at the end of a sound of 5 s are off by up to 1/128 of a sample.

    Args:
        max_scale: Greatest factor, above 1.
    """

    max_scale: float = 1.5

    def __post_init__(self) -> None:
        if not 1 < self.max_scale < math.inf:
            raise ArgumentError(f"'max_scale' must be above 1 and finite (got {self.max_scale})")

    def __call__(self, waveform: Tensor, random: RandomSource) -> Tensor:
        """Stretch one sound.

        Args:
            waveform: Shape: (channels, samples), floating.
            random: Draws the factor.

        Returns:
            Linearly interpolated. Shape: (channels, floor(samples * factor)), at least one sample.

        Raises:
            ArgumentError: If the waveform is not of this kind.
        """
        require_waveform(waveform)
        samples = waveform.shape[-1]
        factor = float(self.max_scale ** random.uniform(-1.0, 1.0))
        length = max(1, int(samples * factor))
        place = torch.arange(length, dtype=torch.float64, device=waveform.device).div_(factor)
        before = place.to(torch.int32)
        share = place.sub_(before).to(waveform.dtype)
        # The last sample has a neighbour too: itself.
        longer = torch.cat([waveform, waveform[:, -1:]], dim=1)
        return torch.lerp(longer.index_select(1, before), longer.index_select(1, before + 1), share)
