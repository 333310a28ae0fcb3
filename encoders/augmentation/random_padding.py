"""Short sounds somewhere within a longer one."""

from dataclasses import dataclass

from torch import Tensor

from encoders.augmentation.checks import require_length, require_waveform
from encoders.augmentation.edge_padding import pad_with_edges
from encoders.augmentation.random_source import RandomSource

__all__ = ["RandomPadding"]


@dataclass(frozen=True)
class RandomPadding:
    """Brings short sounds to a length; where the sound starts is drawn, all places equally likely.

    It is padded with its first and last sample, as the mean over the channels, and not with zeros. Sounds that are
    long enough stay as they are.

    Differs from the reference: there the last place is never drawn, so a sound never ends where the padded one does.

    Args:
        length: Samples that a sound has at least.
    """

    length: int

    def __post_init__(self) -> None:
        require_length(self.length)

    def __call__(self, waveform: Tensor, random: RandomSource) -> Tensor:
        """Pad one sound.

        Args:
            waveform: Shape: (channels, samples), floating.
            random: Draws the place, if the sound is short.

        Returns:
            Shape: (channels, max(samples, length)).

        Raises:
            ArgumentError: If the waveform is not of this kind.
        """
        require_waveform(waveform)
        missing = self.length - waveform.shape[-1]
        if missing <= 0:
            return waveform
        return pad_with_edges(waveform, left=int(random.integers(0, missing + 1)), length=self.length)
