"""R(2+1)D-18: clips of films to 512 numbers, by torchvision."""

from dataclasses import dataclass
from pathlib import Path

import torch
from torch import Tensor
from torch.nn import functional

from encoders.base import Encoder, Prepared, Preprocess
from encoders.content import Film, FilmFile, read_video
from encoders.errors import ArgumentError, MissingPackageError
from encoders.weights import headless

__all__ = ["ClipPreprocess", "R2Plus1D", "section_starts"]

_RESIZE = (128, 171)
_SIZE = 112
_MEAN = (0.43216, 0.394666, 0.37645)
_STD = (0.22803, 0.22145, 0.216989)
_ROUNDING = 1e-6
_LARGEST = (1920, 1920)
"""Frames of the clips of a long film are scaled down to it, so that those of 4K films fit into memory."""


@dataclass(frozen=True)
class ClipPreprocess(Preprocess):
    """Films to clips of a fixed number of frames, resized to 128 x 171, the central 112 x 112 cut out, normalised.

    Args:
        frames_per_second: Of the clips.
        frames_per_clip: Frames a clip; a shorter film repeats its last frame.
        max_clips: Clips a film at most; of longer films they are the middles of equal sections, at the same rate.
    """

    frames_per_second: float = 15.0
    frames_per_clip: int = 16
    max_clips: int = 8

    def __post_init__(self) -> None:
        for name in ("frames_per_second", "frames_per_clip", "max_clips"):
            if not getattr(self, name) > 0:
                raise ArgumentError(f"'{name}' must be positive (got {getattr(self, name)})")

    def read(self, data: bytes, name: str) -> Film:
        """Decode the frames that are needed."""
        file = FilmFile(data, name=name)
        wanted, rate = self.frames_per_clip * self.max_clips, self.frames_per_second
        if file.seconds * rate <= wanted + _ROUNDING:
            return read_video(data, frames_per_second=rate, max_frames=wanted, name=name)
        seconds = self.frames_per_clip / rate
        clips = [
            file.read_piece(start, frames=self.frames_per_clip, frames_per_second=rate, max_size=_LARGEST).frames
            for start in section_starts(file.seconds, seconds, seconds, self.max_clips)
        ]
        return Film(torch.cat(clips), rate)

    def describe(self) -> str:
        """All settings in one line; it was another one when long films were sampled more coarsely."""
        return f"{super().describe()}, sections of long films"

    def __call__(self, content: Film) -> Prepared:
        """Clips of one film. Shape of the samples: (clips, 3, frames_per_clip, 112, 112), float32."""
        # One by one: all frames of a large film as floating-point numbers would take gigabytes.
        frames = torch.cat([_pixels(frame) for frame in torch.split(content.frames, 1)])
        # The rest of a film is a clip of its own from half a clip on.
        clips = max(1, (2 * len(frames) + self.frames_per_clip) // (2 * self.frames_per_clip))
        place = torch.arange(clips * self.frames_per_clip).clamp(max=len(frames) - 1)
        return Prepared(torch.unflatten(frames[place], 0, (clips, self.frames_per_clip)).transpose(1, 2).contiguous())


def section_starts(length: float, window: float, section: float, most: int) -> list[float]:
    """Starts of windows in the middles of equal sections, in seconds; 0 where the whole is shorter than a window.

    Args:
        length: Of the whole.
        window: Length of a window.
        section: Least length of a section.
        most: Sections at most.
    """
    count = max(1, min(most, int(length / max(window, section) + _ROUNDING)))
    return [max(0.0, (index + 0.5) * length / count - window / 2) for index in range(count)]


def _pixels(frames: Tensor) -> Tensor:
    """Normalised central pixels. Shapes: (frames, height, width, 3), uint8 -> (frames, 3, 112, 112), float32."""
    values = frames.permute(0, 3, 1, 2).to(torch.float32) / 255
    values = functional.interpolate(values, size=_RESIZE, mode="bilinear", antialias=False, align_corners=False)
    top, left = (round((length - _SIZE) / 2) for length in _RESIZE)
    mean, std = (torch.tensor(numbers)[:, None, None] for numbers in (_MEAN, _STD))
    return (values[..., top : top + _SIZE, left : left + _SIZE] - mean) / std


class R2Plus1D(Encoder):
    """The pooled features before the classifier of an R(2+1)D network of 18 layers.

    From `A Closer Look at Spatiotemporal Convolutions <https://arxiv.org/abs/1711.11248>`_ (Tran et al., 2018).

    Args:
        weights: A file of torchvision's, with the classifier of 400 classes [default: random, with a warning].
        seed: Of random weights.
        frames_per_second: See :class:`ClipPreprocess`.
        frames_per_clip: See :class:`ClipPreprocess`.
        max_clips: See :class:`ClipPreprocess`.

    Shapes:
        (batch, 3, frames, 112, 112) -> (batch, 512)

    Raises:
        WeightsError: If the file does not fit.
        MissingPackageError: If torchvision is not installed.
    """

    def __init__(
        self,
        *,
        weights: str | Path | None = None,
        seed: int = 0,
        frames_per_second: float = 15.0,
        frames_per_clip: int = 16,
        max_clips: int = 8,
    ) -> None:
        preprocess = ClipPreprocess(frames_per_second, frames_per_clip, max_clips)
        super().__init__(name="r2plus1d", modality="video", dim=512, preprocess=preprocess)
        try:
            from torchvision.models.video import r2plus1d_18
        except ImportError:
            raise MissingPackageError("torchvision", "encoders", "R(2+1)D") from None
        self.network = headless(lambda: r2plus1d_18(weights=None), name=self.name, weights=weights, seed=seed)

    def forward(self, batch: Tensor) -> Tensor:
        """Encode clips."""
        vectors: Tensor = self.network(batch)
        return vectors
