"""Sound and frames of one segment to files."""

from fractions import Fraction
from pathlib import Path
from typing import Any

from torch import Tensor

from encoders.content import Film
from encoders.errors import MissingPackageError
from encoders.files import atomic_write

__all__ = ["write_film", "write_sound"]

# Good enough that features do not show the second compression.
_CODECS: tuple[tuple[str, dict[str, str]], ...] = (
    ("libx264", {"crf": "17", "preset": "veryfast"}),
    ("mpeg4", {"flags": "+qscale", "global_quality": "236"}),
)


def write_sound(path: Path, samples: Tensor, sample_rate: int) -> None:
    """Write a FLAC file of 16 bit, whole or not at all.

    Args:
        path: The file.
        samples: Between -1 and 1. Shape: (samples,).
        sample_rate: Samples a second.

    Raises:
        MissingPackageError: If soundfile is not installed.
    """
    try:
        import soundfile
    except ImportError:
        raise MissingPackageError("soundfile", "encoders", "writing sounds") from None
    with atomic_write(path) as draft:
        soundfile.write(draft, samples.numpy(), sample_rate, format="FLAC", subtype="PCM_16")


def write_film(path: Path, film: Film) -> None:
    """Write an MP4 file without sound, in H.264 or where that is missing MPEG-4, whole or not at all.

    Args:
        path: The file.
        film: Frames of even width and height.

    Raises:
        MissingPackageError: If PyAV is not installed.
    """
    try:
        import av
    except ImportError:
        raise MissingPackageError("av", "video", "writing films") from None
    codec, options = next(entry for entry in _CODECS if entry[0] in av.codecs_available)
    with atomic_write(path) as draft, av.open(draft, "w", format="mp4") as container:
        rate = Fraction(film.frames_per_second).limit_denominator(1_000)
        stream: Any = container.add_stream(codec, rate=rate, options=options)
        stream.height, stream.width, stream.pix_fmt = film.frames.shape[1], film.frames.shape[2], "yuv420p"
        for pixels in film.frames.numpy():
            container.mux(stream.encode(av.VideoFrame.from_ndarray(pixels, format="rgb24")))
        container.mux(stream.encode())
