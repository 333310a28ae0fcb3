"""Pieces of films."""

import math
from collections.abc import Iterable
from itertools import chain
from pathlib import Path
from typing import TYPE_CHECKING, Any, BinaryIO

import numpy as np
import numpy.typing as npt
import torch

from encoders.content.film_frames import film_span, nearest_frames
from encoders.content.film_stream import film_stream, opened_film, require_size
from encoders.content.kinds import Kind
from encoders.content.sources import source_name
from encoders.content.video import Film
from encoders.errors import ArgumentError

if TYPE_CHECKING:
    from av.video.frame import VideoFrame

__all__ = ["FilmFile"]

_SEEKABLE = ("mov", "matroska")  # their indices name frames that can be decoded on their own
_ROUNDING = 1e-6


class FilmFile:
    """A film of which pieces are decoded, for when the whole would not fit into memory.

    Args:
        source: A file, or its bytes.
        max_pixels: Films with larger frames are refused by what their header says, before decoding.
        name: What to call the source in a reason; the path, or ``"film"`` for bytes, by default.

    Raises:
        ContentError: If the content is missing, damaged, truncated, too large, without frames or no film.
        MissingPackageError: If PyAV is not installed.
    """

    def __init__(self, source: str | Path | bytes, *, max_pixels: int = 4096 * 4096, name: str | None = None) -> None:
        self._source, self._max_pixels = source, max_pixels
        self.name = source_name(source, name, "film")
        with opened_film(source, self.name) as (file, kind), film_stream(file, kind) as (container, stream):
            require_size(stream, max_pixels)
            self._span = film_span(container, stream)

    @property
    def seconds(self) -> float:
        """From the start of the first frame to the end of the last."""
        return self._span.seconds

    def read_piece(
        self, start: float, *, frames: int, frames_per_second: float, max_size: tuple[int, int] | None = None
    ) -> Film:
        """Decode the frames nearest to regular times.

        Args:
            start: Time of the first, in seconds from the film's start; times after the film's end give its last frame.
            frames: Their number.
            frames_per_second: Their rate.
            max_size: Greatest width and height in pixels; larger frames are scaled down to fit, to even numbers.

        Raises:
            ArgumentError: If a number cannot work.
            ContentError: If they cannot be decoded.
        """
        if not (start >= 0 and math.isfinite(start)):
            raise ArgumentError(f"'start' must be at least 0 and finite (got {start})")
        if frames < 1:
            raise ArgumentError(f"'frames' must be a positive integer (got {frames})")
        if not (frames_per_second > 0 and math.isfinite(frames_per_second)):
            raise ArgumentError(f"'frames_per_second' must be positive and finite (got {frames_per_second})")
        times = start + np.arange(frames, dtype=np.float64) / frames_per_second
        with opened_film(self._source, self.name) as (file, kind):
            pixels = self._decode(file, kind, times, max_size)
        return Film(torch.from_numpy(pixels), frames_per_second)

    def _decode(
        self, file: BinaryIO, kind: Kind, times: npt.NDArray[np.float64], max_size: tuple[int, int] | None
    ) -> npt.NDArray[np.uint8]:
        if kind.decoder.startswith(_SEEKABLE):
            with film_stream(file, kind) as (container, stream):
                near = self._frames_from(container, stream, float(times[0]))
                if near is not None:
                    return nearest_frames(near, self._span, times, self._max_pixels, max_size=max_size)
        with film_stream(file, kind) as (container, stream):
            return nearest_frames(container.decode(stream), self._span, times, self._max_pixels, max_size=max_size)

    def _frames_from(self, container: Any, stream: Any, time: float) -> "Iterable[VideoFrame] | None":
        """Frames from one at or before a time on; nothing if the film's index does not lead there."""
        ticks = math.floor((self._span.start + time) / float(stream.time_base or 1))
        try:
            container.seek(ticks, stream=stream, backward=True)
            decoded = container.decode(stream)
            first = next(decoded, None)
        except Exception:  # whatever is wrong with the index, the film can be read from its start
            return None
        if first is None or first.time is None or first.is_corrupt:
            return None
        return chain([first], decoded) if first.time - self._span.start <= time + _ROUNDING else None
