"""Sounds played backwards."""

from dataclasses import dataclass

from torch import Tensor

from encoders.augmentation.checks import require_probability, require_waveform
from encoders.augmentation.random_source import RandomSource

__all__ = ["RandomFlip"]


@dataclass(frozen=True)
class RandomFlip:
    """Inverts time, sometimes.

    Differs from the reference: its released code flips single sounds along their first dimension, which swaps the
    channels of stereo and leaves mono as it is, while the paper (section 4.2) speaks of time inversion.

    Args:
        probability: How often.
        compatible: Swap channels instead, as the released code does.
    """

    probability: float = 0.5
    compatible: bool = False

    def __post_init__(self) -> None:
        require_probability(self.probability)

    def __call__(self, waveform: Tensor, random: RandomSource) -> Tensor:
        """Flip one sound, or not.

        Args:
            waveform: Shape: (channels, samples), floating.
            random: Decides.

        Returns:
            Shape: (channels, samples).

        Raises:
            ArgumentError: If the waveform is not of this kind.
        """
        require_waveform(waveform)
        if random.uniform(0.0, 1.0) >= self.probability:
            return waveform
        return waveform.flip(0 if self.compatible else -1)
