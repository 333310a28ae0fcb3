"""The sound of films."""

from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any, BinaryIO

import numpy as np
import numpy.typing as npt
import torch

from encoders.content.film_frames import film_span
from encoders.content.film_stream import film_stream, opened_film
from encoders.content.kinds import Kind
from encoders.content.sound import (
    HIGHEST_RATE,
    LOWEST_RATE,
    MAX_SAMPLES,
    MAX_SECONDS,
    Sound,
    Truncated,
    check_reading,
)
from encoders.content.sources import source_name

if TYPE_CHECKING:
    from av.audio.frame import AudioFrame

__all__ = ["decode_sound_track", "read_sound_track"]

_TOLERANCE_SECONDS = 0.05

_Samples = npt.NDArray[np.float32]


def read_sound_track(
    source: str | Path | bytes,
    *,
    max_seconds: float = MAX_SECONDS,
    truncated: Truncated = "refuse",
    name: str | None = None,
) -> Sound:
    """Decode the first sound track of a film, of any format that :func:`~encoders.content.read_video` reads.

    Time 0 is the film's first frame: what sounds before is left out, and a track that starts later starts with silence.
    So do gaps of more than 50 milliseconds become silence; smaller ones are how some formats round. Samples beyond -1
    and 1 are clipped.

    Args:
        source: A file, or its bytes.
        max_seconds: Longer sound tracks are refused.
        truncated: Whether to refuse a film whose end is missing, or to use what is there of it.
        name: What to call the source in a reason; the path, or ``"film"`` for bytes, by default.

    Raises:
        ArgumentError: If an argument cannot work.
        ContentError: If the content is missing, truncated, damaged, no film, or its sound track is missing, too long,
            without samples, not finite or of an impossible sample rate.
        MissingPackageError: If PyAV is not installed.
    """
    check_reading(max_seconds, truncated)
    return decode_sound_track(source, source_name(source, name, "film"), max_seconds=max_seconds, truncated=truncated)


def decode_sound_track(
    source: str | Path | bytes, name: str, *, kind: Kind | None = None, max_seconds: float, truncated: Truncated
) -> Sound:
    """What :func:`read_sound_track` does, also of files that are a sound and nothing else.

    Args:
        source: A file, or its bytes.
        name: What to call it in a reason.
        kind: What it is, if that is known [default: a film, by its first bytes].
        max_seconds: Longer ones are refused.
        truncated: What to do where the end is missing.
    """
    with opened_film(source, name, kind=kind, whole=truncated == "refuse") as (file, known):
        start = _film_start(file, known)
        with film_stream(file, known, "audio") as (container, stream):
            rate = _checked_rate(stream)
            frames = _planar(_sound_frames(container, stream, truncated))
            pieces = list(_placed(frames, rate, start, max_seconds))
        if not pieces:
            raise ValueError("its sound track has no samples")
        waveform = torch.from_numpy(np.concatenate(pieces, axis=1))
        if not bool(torch.isfinite(waveform).all()):
            raise ValueError("its sound track has samples that are not finite")
    return Sound(waveform.clamp_(-1, 1), rate)


def _film_start(file: BinaryIO, kind: Kind) -> float | None:
    """Time of the first frame; None of a film without pictures."""
    try:
        with film_stream(file, kind) as (container, stream):
            return film_span(container, stream).start
    except ValueError:
        return None


def _checked_rate(stream: Any) -> int:
    if stream.codec_context is None:
        raise ValueError("nothing here decodes the codec of its sound")
    rate = int(stream.codec_context.sample_rate or 0)
    if not LOWEST_RATE <= rate <= HIGHEST_RATE:
        raise ValueError(f"its sound has {rate} samples a second, not between {LOWEST_RATE} and {HIGHEST_RATE}")
    return rate


def _sound_frames(container: Any, stream: Any, truncated: Truncated) -> "Iterator[AudioFrame]":
    begun = False
    try:
        for packet in container.demux(stream):
            if packet.is_corrupt:
                raise ValueError("a part of its sound track is missing")
            for frame in packet.decode():
                yield frame
                begun = True
    except Exception:  # whatever is wrong with its end
        if truncated == "refuse" or not begun:
            raise


def _planar(frames: "Iterable[AudioFrame]") -> Iterator[tuple[float | None, _Samples]]:
    """Time and samples of each frame; shape of the samples: (channels, samples)."""
    import av

    convert = av.AudioResampler(format="fltp")  # keeps the sample rate and the channels of the first frame
    for frame in frames:
        for planar in convert.resample(frame):
            yield planar.time, planar.to_ndarray().astype(np.float32, copy=False)


def _placed(
    frames: Iterable[tuple[float | None, _Samples]], rate: int, start: float | None, max_seconds: float
) -> Iterator[_Samples]:
    """Frames where they belong, with silence in gaps, and cut where they overlap."""
    length = 0
    for index, (time, samples) in enumerate(frames):
        if start is None:
            start = time or 0.0
        gap = 0 if time is None else round((time - start) * rate) - length
        if index and abs(gap) <= _TOLERANCE_SECONDS * rate:
            gap = 0
        longest = min(max_seconds * rate, MAX_SAMPLES // len(samples))
        if length + gap + samples.shape[1] > longest:
            raise ValueError(f"its sound track is longer than the limit of {longest / rate:g} seconds")
        if gap > 0:
            yield np.zeros((len(samples), gap), np.float32)
        kept = samples[:, max(0, -gap) :]
        length += max(0, gap) + kept.shape[1]
        if kept.shape[1]:
            yield kept
