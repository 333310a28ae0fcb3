"""Augmentations of sounds, as AudioCLIP's training uses them."""

from dataclasses import dataclass
from typing import Protocol

import torch
from torch import Tensor

from encoders.errors import ArgumentError

__all__ = ["RandomScale", "UniformSource"]


class UniformSource(Protocol):
    """A source of random numbers, such as ``numpy.random.default_rng(seed)``."""

    def uniform(self, low: float, high: float) -> float:
        """A number between the two."""


@dataclass(frozen=True)
class RandomScale:
    """Plays a sound faster or slower: its length is multiplied by ``max_scale`` to the power of U(-1, 1).

    This is what the paper's "scaling in [-1.5, 1.5]" means: factors from 1/1.5 to 1.5, evenly on a logarithmic scale.

    Args:
        max_scale: Greatest factor, above 1.
    """

    max_scale: float = 1.5

    def __post_init__(self) -> None:
        if not self.max_scale > 1:
            raise ArgumentError(f"'max_scale' must be above 1 (got {self.max_scale})")

    def __call__(self, waveform: Tensor, random: UniformSource) -> Tensor:
        """Stretch one sound.

        Args:
            waveform: Shape: (..., samples), floating.
            random: Draws the factor.

        Returns:
            Linearly interpolated. Shape: (..., floor(samples * factor)).
        """
        samples = waveform.shape[-1]
        factor = float(self.max_scale ** random.uniform(-1.0, 1.0))
        place = torch.arange(int(samples * factor), dtype=torch.float64) / factor
        before = place.floor().to(torch.int64).clamp(max=samples - 1)
        after = (before + 1).clamp(max=samples - 1)
        share = (place - before).to(waveform.dtype)
        return waveform[..., before] * (1 - share) + waveform[..., after] * share
