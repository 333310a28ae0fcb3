"""Sounds as audio towers take them."""

from dataclasses import dataclass

from encoders.base import Prepared, Preprocess
from encoders.content import Sound, audio_windows, read_audio, resample
from encoders.errors import ArgumentError

__all__ = ["WaveformPreprocess"]


@dataclass(frozen=True)
class WaveformPreprocess(Preprocess):
    """Sounds to windows of one sample rate, channels averaged.

    Args:
        sample_rate: Samples a second.
        window_seconds: Length of a window; shorter sounds are padded with silence.
        stride_seconds: From window to window.
        max_windows: Windows a sound at most, spread evenly over it.
    """

    sample_rate: int = 44_100
    window_seconds: float = 5.0
    stride_seconds: float = 5.0
    max_windows: int = 12

    def __post_init__(self) -> None:
        for name in ("window_seconds", "stride_seconds", "max_windows", "sample_rate"):
            if not getattr(self, name) > 0:
                raise ArgumentError(f"'{name}' must be positive (got {getattr(self, name)})")

    def read(self, data: bytes, name: str) -> Sound:
        """Decode a sound."""
        return read_audio(data, name=name)

    def __call__(self, content: Sound) -> Prepared:
        """Windows of one sound. Shape of the samples: (windows, samples), float32 between -1 and 1."""
        mono = content.mono
        if content.sample_rate != self.sample_rate:
            # Resampling can overshoot a little.
            mono = resample(mono, content.sample_rate, self.sample_rate).clamp(-1, 1)
        window, stride = (round(seconds * self.sample_rate) for seconds in (self.window_seconds, self.stride_seconds))
        return Prepared(audio_windows(mono, window=window, stride=stride, max_windows=self.max_windows))
