"""Sounds of one length for evaluation."""

from dataclasses import dataclass

from torch import Tensor

from encoders.augmentation.checks import require_length, require_waveform
from encoders.augmentation.edge_padding import pad_with_edges
from encoders.augmentation.random_source import RandomSource

__all__ = ["CenterFit"]


@dataclass(frozen=True)
class CenterFit:
    """Brings sounds to a length: the middle of long ones, or short ones in the middle.

    Short sounds are padded with their first and last sample, as :class:`RandomPadding` does. Half a sample is rounded
    to the even neighbour.

    Differs from the reference: its evaluation exchanges a quiet middle for the start or the end, as
    :class:`RandomCrop` does, while the paper (section 4.2) only speaks of the centre.

    Args:
        length: Samples of every sound.
    """

    length: int

    def __post_init__(self) -> None:
        require_length(self.length)

    def __call__(self, waveform: Tensor, random: RandomSource | None = None) -> Tensor:
        """Fit one sound.

        Args:
            waveform: Shape: (channels, samples), floating.
            random: Not used; there for :class:`Transform`.

        Returns:
            Shape: (channels, length).

        Raises:
            ArgumentError: If the waveform is not of this kind.

        Example:
            >>> import torch
            >>> CenterFit(4)(torch.arange(8.0)[None]).tolist()
            [[2.0, 3.0, 4.0, 5.0]]
        """
        require_waveform(waveform)
        excess = waveform.shape[-1] - self.length
        if excess >= 0:
            start = round(excess / 2)
            return waveform[:, start : start + self.length]
        return pad_with_edges(waveform, left=round(-excess / 2), length=self.length)
