"""The same moments of a film for both modalities."""

from dataclasses import dataclass

import torch

from encoders.base import Prepared
from encoders.content import Film, FilmFile, Sound, resample
from encoders.errors import ContentError
from encoders.r2plus1d import ClipPreprocess, section_starts
from encoders.waveform_preprocess import WaveformPreprocess

__all__ = ["SectionClips", "SectionWindows"]


@dataclass(frozen=True)
class SectionWindows(WaveformPreprocess):
    """Windows of sound in the middles of equal sections, as many as fit but at most ``max_windows``.

    One window is the middle of the sound.

    Args:
        sample_rate: Samples a second.
        window_seconds: Length of a window; shorter sounds are padded with silence.
        stride_seconds: Least time of a section.
        max_windows: Sections at most.
    """

    sample_rate: int = 16_000
    window_seconds: float = 3.0
    stride_seconds: float = 3.0
    max_windows: int = 1

    def __call__(self, content: Sound) -> Prepared:
        """Windows of one sound. Shape of the samples: (windows, samples), float32.

        Raises:
            ContentError: If the sound has no samples.
        """
        if content.waveform.shape[-1] == 0:
            raise ContentError("the sound must have at least one sample (got 0)")
        mono = resample(content.mono, content.sample_rate, self.sample_rate).clamp(-1, 1)
        window = round(self.window_seconds * self.sample_rate)
        if len(mono) < window:
            return Prepared(torch.nn.functional.pad(mono, (0, window - len(mono)))[None])
        starts = [
            round(start * self.sample_rate)
            for start in section_starts(
                len(mono) / self.sample_rate, self.window_seconds, self.stride_seconds, self.max_windows
            )
        ]
        last = len(mono) - window
        return Prepared(torch.stack([mono[start : start + window] for start in (min(start, last) for start in starts)]))


@dataclass(frozen=True)
class SectionClips(ClipPreprocess):
    """Clips in the middles of equal sections of a film, as many as fit but at most ``max_clips``.

    Unlike those of :class:`~encoders.r2plus1d.ClipPreprocess` they do not cover a short film. One clip is the middle of
    the film.

    Args:
        frames_per_second: Of the clips.
        frames_per_clip: Frames a clip; a shorter film repeats its last frame.
        max_clips: Sections at most.
    """

    frames_per_second: float = 10.0
    frames_per_clip: int = 30
    max_clips: int = 1

    def read(self, data: bytes, name: str) -> Film:
        """Decode the frames that are needed, clip after clip."""
        file = FilmFile(data, name=name)
        seconds = self.frames_per_clip / self.frames_per_second
        frames = self.frames_per_clip
        if file.seconds < seconds:
            frames = max(1, round(file.seconds * self.frames_per_second))
        clips = [
            file.read_piece(start, frames=frames, frames_per_second=self.frames_per_second).frames
            for start in section_starts(file.seconds, seconds, seconds, self.max_clips)
        ]
        return Film(torch.cat(clips), self.frames_per_second)

    def describe(self) -> str:
        """All settings in one line."""
        return repr(self)
