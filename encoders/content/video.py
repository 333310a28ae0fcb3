"""Films from files or bytes."""

import io
import math
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO

import torch
from torch import Tensor

from encoders.content.film_files import missing_film_part
from encoders.content.film_frames import film_span, frame_times, nearest_frames
from encoders.content.locate import require_readable_file
from encoders.content.refusal import refusal
from encoders.content.sources import require_kind, source_bytes, source_name
from encoders.errors import ArgumentError, MissingPackageError

if TYPE_CHECKING:
    from av.container import InputContainer
    from av.video.stream import VideoStream

__all__ = ["Film", "read_video"]

_HEAD_BYTES = 512


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
    try:
        import av  # noqa: F401
    except ImportError:
        raise MissingPackageError("av", "video", "reading films") from None
    shown = source_name(source, name, "film")
    with _opened(source, shown) as file:
        kind = require_kind(file.read(_HEAD_BYTES), "video", "film", shown)
        missing = missing_film_part(file, kind.decoder)
        if missing:
            raise refusal(shown, f"is {kind.noun} that is truncated: {missing}")
        try:
            with _stream_of(file, kind.decoder) as (container, stream):
                _require_size(stream, max_pixels)
                span = film_span(container, stream)
            times, rate = frame_times(span.seconds, frames_per_second, max_frames)
            with _stream_of(file, kind.decoder) as (container, stream):
                frames = nearest_frames(container, stream, span, times, max_pixels)
        # libav has an error class for each of its codes; damaged bytes lead to others, such as MemoryError.
        except Exception as error:
            reason = getattr(error, "strerror", None) or error
            raise refusal(shown, f"is {kind.noun} that cannot be decoded: {reason}") from None
    return Film(torch.from_numpy(frames), rate)


@contextmanager
def _opened(source: str | Path | bytes, name: str) -> Iterator[BinaryIO]:
    """The source as a file; films may be too large to be read into memory."""
    if isinstance(source, bytes):
        yield io.BytesIO(source_bytes(source, name))
        return
    path = Path(source)
    require_readable_file(path, name)
    try:
        file = path.open("rb")
    except OSError as error:
        raise refusal(name, f"cannot be read: {error.strerror}") from None
    with file:
        yield file


@contextmanager
def _stream_of(file: BinaryIO, decoder: str) -> Iterator[tuple["InputContainer", "VideoStream"]]:
    """The first stream of moving pictures; covers of albums are none."""
    import av

    file.seek(0)
    # Playlists and references could make libav open other files or addresses.
    options = {"format_whitelist": decoder, "protocol_whitelist": ""}
    with av.open(file, mode="r", options=options, metadata_errors="replace") as container:
        cover = av.stream.Disposition.attached_pic
        streams = [stream for stream in container.streams.video if not stream.disposition & cover]
        if not streams:
            raise ValueError("it has no video stream")
        yield container, streams[0]


def _require_size(stream: "VideoStream", max_pixels: int) -> None:
    if stream.codec_context is None:
        raise ValueError("nothing here decodes its codec")
    width, height = stream.codec_context.width, stream.codec_context.height
    if width * height > max_pixels:
        raise ValueError(f"it has frames of {width} x {height} pixels, more than the limit of {max_pixels}")
