"""Sounds as audio towers take them."""

from dataclasses import dataclass, field

from encoders.base import Prepared, Preprocess
from encoders.content import AudioReading, Sound, audio_windows, resample
from encoders.errors import ArgumentError, ContentError

__all__ = ["WaveformPreprocess"]


@dataclass(frozen=True)
class WaveformPreprocess(Preprocess):
    """Sounds to windows of one sample rate, channels averaged.

    Args:
        sample_rate: Samples a second.
        window_seconds: Length of a window; shorter sounds are padded with silence.
        stride_seconds: From window to window.
        max_windows: Windows a sound at most, spread evenly over it.
        reading: Which sounds are refused.
    """

    sample_rate: int = 44_100
    window_seconds: float = 5.0
    stride_seconds: float = 5.0
    max_windows: int = 12
    reading: AudioReading = field(default=AudioReading(), repr=False, kw_only=True)

    def __post_init__(self) -> None:
        for name, noun in (
            ("sample_rate", "a positive integer"),
            ("window_seconds", "positive"),
            ("stride_seconds", "positive"),
            ("max_windows", "a positive integer"),
        ):
            if not getattr(self, name) > 0:
                raise ArgumentError(f"'{name}' must be {noun} (got {getattr(self, name)})")

    def read(self, data: bytes, name: str) -> Sound:
        """Decode a sound."""
        return self.reading(data, name=name)

    def __call__(self, content: Sound) -> Prepared:
        """Windows of one sound; see :func:`~encoders.content.audio_windows` for where they lie.

        Returns:
            Windows of shape (windows, samples), float32 between -1 and 1, and whether ``max_windows`` left some out.

        Raises:
            ContentError: If the sound has no samples.
        """
        if content.waveform.shape[-1] == 0:
            raise ContentError("the sound must have at least one sample (got 0)")
        mono = resample(content.mono, content.sample_rate, self.sample_rate)
        mono = mono.clamp(-1, 1)  # resampling can overshoot a little
        window, stride = (round(seconds * self.sample_rate) for seconds in (self.window_seconds, self.stride_seconds))
        windows, one_more = (
            audio_windows(mono, window=window, stride=stride, max_windows=most)
            for most in (self.max_windows, self.max_windows + 1)
        )
        return Prepared(windows, truncated=len(one_more) > len(windows))
