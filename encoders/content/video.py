"""Films from files or bytes."""

import math
from dataclasses import dataclass
from pathlib import Path

import torch
from torch import Tensor

from encoders.content.film_frames import film_span, frame_times, nearest_frames
from encoders.content.film_stream import film_stream, opened_film, require_size
from encoders.content.sources import source_name
from encoders.errors import ArgumentError

__all__ = ["Film", "read_video"]


@dataclass(frozen=True)
class Film:
    """Frames of a film at regular times.

    Args:
        frames: Red, green and blue. Shape: (frames, height, width, 3), uint8.
        frames_per_second: Frames kept for each second of the film.
    """

    frames: Tensor
    frames_per_second: float


def read_video(
    source: str | Path | bytes,
    *,
    frames_per_second: float,
    max_frames: int,
    max_pixels: int = 4096 * 4096,
    name: str | None = None,
) -> Film:
    """Decode a film: MP4, QuickTime, Matroska, WebM, AVI, MPEG, Flash, Windows Media or Ogg, without its sound.

    The frames nearest to the times 0, 1 / frames_per_second and so on are kept; a rate above the film's own repeats
    frames. If more than ``max_frames`` would be needed, ``max_frames`` are kept, equally spaced over the whole film.
    Truncated MP4, QuickTime, Matroska and AVI films are refused; other formats do not tell their length. Never more
    than the kept frames and two others are in memory. Frames are turned as the film's metadata say.

    Args:
        source: A file, or its bytes.
        frames_per_second: The wanted rate.
        max_frames: At most so many frames are kept.
        max_pixels: Films with larger frames are refused by what their header says, before decoding.
        name: What to call the source in a reason; the path, or ``"film"`` for bytes, by default.

    Raises:
        ArgumentError: If a number is not positive and finite.
        ContentError: If the content is missing, damaged, too large, without frames or no film.
        MissingPackageError: If PyAV is not installed.
    """
    if not (frames_per_second > 0 and math.isfinite(frames_per_second)):
        raise ArgumentError(f"'frames_per_second' must be positive and finite (got {frames_per_second})")
    for argument, value in (("max_frames", max_frames), ("max_pixels", max_pixels)):
        if value < 1:
            raise ArgumentError(f"'{argument}' must be a positive integer (got {value})")
    with opened_film(source, source_name(source, name, "film")) as (file, kind):
        with film_stream(file, kind) as (container, stream):
            require_size(stream, max_pixels)
            span = film_span(container, stream)
        times, rate = frame_times(span.seconds, frames_per_second, max_frames)
        with film_stream(file, kind) as (container, stream):
            frames = nearest_frames(container.decode(stream), span, times, max_pixels)
    return Film(torch.from_numpy(frames), rate)
