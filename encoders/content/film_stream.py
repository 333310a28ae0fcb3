"""Opening films so that only their own bytes are read, and whatever goes wrong has one reason."""

import io
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any, BinaryIO, Literal

from encoders.content.film_files import missing_film_part
from encoders.content.kinds import Kind
from encoders.content.locate import require_readable_file
from encoders.content.refusal import refusal
from encoders.content.sources import require_kind, source_bytes
from encoders.errors import ContentError, MissingPackageError

if TYPE_CHECKING:
    from av.container import InputContainer
    from av.video.stream import VideoStream

__all__ = ["film_stream", "opened_film", "require_size"]

_HEAD_BYTES = 512


@contextmanager
def opened_film(
    source: str | Path | bytes, name: str, *, kind: Kind | None = None, whole: bool = True
) -> Iterator[tuple[BinaryIO, Kind]]:
    """A film as an open file, and its kind; an error within the block becomes a reason not to use the film.

    Args:
        source: A file, or its bytes.
        name: What to call it in a reason.
        kind: What it is, if that is known; it may be a sound [default: a film, by its first bytes].
        whole: Whether to refuse it if its end is missing.

    Raises:
        ContentError: If it is missing, truncated or no film, or if decoding within the block fails.
        MissingPackageError: If PyAV is not installed.
    """
    try:
        import av  # noqa: F401
    except ImportError:
        raise MissingPackageError("av", "video", "reading films") from None
    with _opened(source, name) as file:
        kind = kind or require_kind(file.read(_HEAD_BYTES), ("video",), "film", name)
        missing = missing_film_part(file, kind.decoder) if whole else ""
        if missing:
            raise refusal(name, f"is {kind.noun} that is truncated: {missing}")
        try:
            yield file, kind
        except ContentError:
            raise
        # libav has an error class for each of its codes; damaged bytes lead to others, such as MemoryError.
        except Exception as error:
            reason = getattr(error, "strerror", None) or error
            raise refusal(name, f"is {kind.noun} that cannot be decoded: {reason}") from None


@contextmanager
def film_stream(
    file: BinaryIO, kind: Kind, media: Literal["video", "audio"] = "video"
) -> Iterator[tuple["InputContainer", Any]]:
    """The film from its start, and its first stream of pictures or of sound; covers of albums are no pictures.

    Raises:
        ValueError: If it has no such stream.
    """
    import av

    file.seek(0)
    # Playlists and references could make libav open other files or addresses.
    options = {"format_whitelist": kind.decoder, "protocol_whitelist": ""}
    with av.open(file, mode="r", options=options, metadata_errors="replace") as container:
        cover = av.stream.Disposition.attached_pic
        found = container.streams.video if media == "video" else container.streams.audio
        streams = [stream for stream in found if not stream.disposition & cover]
        if not streams:
            raise ValueError(f"it has no {media} stream")
        yield container, streams[0]


def require_size(stream: "VideoStream", max_pixels: int) -> None:
    """Refuse frames that are too large by what the header says.

    Raises:
        ValueError: If they are, or nothing decodes them.
    """
    if stream.codec_context is None:
        raise ValueError("nothing here decodes its codec")
    width, height = stream.codec_context.width, stream.codec_context.height
    if width * height > max_pixels:
        raise ValueError(f"it has frames of {width} x {height} pixels, more than the limit of {max_pixels}")


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
