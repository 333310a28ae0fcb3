"""Windows of 3 seconds, as musicnn was trained on."""

from dataclasses import dataclass

from encoders.base import Prepared, Preprocess
from encoders.content import Sound, audio_windows, read_audio, resample
from encoders.errors import ArgumentError, ContentError
from encoders.musicnn.mel import SAMPLE_RATE

__all__ = ["WINDOW", "MusicnnPreprocess"]

WINDOW = 3 * SAMPLE_RATE
"""Samples a window."""


@dataclass(frozen=True)
class MusicnnPreprocess(Preprocess):
    """A sound as windows of 3 seconds, one after the other, of mono at 16 kHz.

    A shorter sound is padded with silence; see :func:`~encoders.content.audio_windows` for the end of a longer one.

    Args:
        max_windows: Windows at most, spread evenly over a longer sound.

    Raises:
        ArgumentError: If ``max_windows`` is not positive.
    """

    max_windows: int = 20

    def __post_init__(self) -> None:
        if self.max_windows < 1:
            raise ArgumentError(f"'max_windows' must be a positive integer (got {self.max_windows})")

    def read(self, data: bytes, name: str) -> Sound:
        """Decode a sound."""
        return read_audio(data, name=name)

    def __call__(self, content: Sound) -> Prepared:
        """Prepare one sound.

        Args:
            content: A sound of any sample rate, length and number of channels.

        Returns:
            Windows. Shape: (windows, 48000), float32.

        Raises:
            ContentError: If the sound has no samples.
        """
        if content.waveform.shape[-1] == 0:
            raise ContentError("the sound must have at least one sample (got 0)")
        waveform = resample(content.mono, content.sample_rate, SAMPLE_RATE)
        windows, one_more = (
            audio_windows(waveform, window=WINDOW, stride=WINDOW, max_windows=most)
            for most in (self.max_windows, self.max_windows + 1)
        )
        return Prepared(windows, truncated=len(one_more) > len(windows))
