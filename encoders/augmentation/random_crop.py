"""A piece of a long sound."""

from dataclasses import dataclass

from torch import Tensor

from encoders.augmentation.checks import require_length, require_waveform
from encoders.augmentation.random_source import RandomSource

__all__ = ["RandomCrop"]

_QUIET = 0.5


@dataclass(frozen=True)
class RandomCrop:
    r"""Cuts long sounds to a length; where the piece starts is drawn, all places equally likely.

    A piece that is quiet is exchanged. With :math:`\sigma` for the standard deviation over all channels and samples,
    and a piece called quiet if its :math:`\sigma` is less than half that of the whole sound:

    1. The drawn piece is kept unless it is quiet.
    2. Else the first ``length`` samples are taken, also if they are quiet but not louder than the drawn piece
       (odd, but the reference's law).
    3. If the first samples are quiet and yet louder than the drawn piece, the last ``length`` samples are taken,
       however quiet they are.

    Sounds that are short enough stay as they are.

    Differs from the reference: there the last place is never drawn.

    Args:
        length: Samples that a sound has at most.
    """

    length: int

    def __post_init__(self) -> None:
        require_length(self.length)

    def __call__(self, waveform: Tensor, random: RandomSource) -> Tensor:
        """Cut one sound.

        Args:
            waveform: Shape: (channels, samples), floating.
            random: Draws the place, if the sound is long.

        Returns:
            Shape: (channels, min(samples, length)).

        Raises:
            ArgumentError: If the waveform is not of this kind.
        """
        require_waveform(waveform)
        excess = waveform.shape[-1] - self.length
        if excess <= 0:
            return waveform
        start = int(random.integers(0, excess + 1))
        drawn = waveform[:, start : start + self.length]
        enough = _QUIET * _deviation(waveform)
        loudness = _deviation(drawn)
        if not loudness < enough:
            return drawn
        first = waveform[:, : self.length]
        return waveform[:, -self.length :] if enough > _deviation(first) > loudness else first


def _deviation(waveform: Tensor) -> float:
    # A single sample has no unbiased deviation.
    return float(waveform.std(correction=min(1, waveform.numel() - 1)))
