"""Decoded sounds, and which are refused."""

from dataclasses import dataclass
from typing import Literal

from torch import Tensor

from encoders.errors import ArgumentError

__all__ = ["HIGHEST_RATE", "LOWEST_RATE", "MAX_SAMPLES", "MAX_SECONDS", "Sound", "Truncated", "check_reading"]

LOWEST_RATE, HIGHEST_RATE = 1_000, 768_000
"""Samples a second that a sound may have."""
MAX_SAMPLES = 2**30
"""Of all channels together: four GiB once decoded."""
MAX_SECONDS = 3600.0
"""Longer sounds are refused unless something else is asked for."""

Truncated = Literal["refuse", "use"]
"""What to do with a sound of which the end is missing."""


@dataclass(frozen=True)
class Sound:
    """A decoded sound.

    Args:
        waveform: Samples between -1 and 1. Shape: (channels, samples), float32.
        sample_rate: Samples a second.
    """

    waveform: Tensor
    sample_rate: int

    @property
    def mono(self) -> Tensor:
        """The mean of the channels. Shape: (samples,)."""
        return self.waveform.mean(dim=0)

    @property
    def seconds(self) -> float:
        """How long the sound is."""
        return self.waveform.shape[-1] / self.sample_rate


def check_reading(max_seconds: float, truncated: str) -> None:
    """Check the arguments that all readers of sounds have.

    Raises:
        ArgumentError: If one cannot work.
    """
    if not (isinstance(max_seconds, (int, float)) and max_seconds > 0):
        raise ArgumentError(f"'max_seconds' must be positive (got {max_seconds})")
    if truncated not in ("refuse", "use"):
        raise ArgumentError(f"'truncated' must be 'refuse' or 'use' (got {truncated!r})")
