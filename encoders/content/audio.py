"""Sounds from files or bytes."""

import io
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import torch

from encoders.content.kinds import Kind
from encoders.content.mp3_frames import names_its_length, with_length
from encoders.content.refusal import refusal
from encoders.content.sound import (
    HIGHEST_RATE,
    LOWEST_RATE,
    MAX_SAMPLES,
    MAX_SECONDS,
    Sound,
    Truncated,
    check_reading,
)
from encoders.content.sound_files import bare_sound, libav_format, missing_part
from encoders.content.sound_track import decode_sound_track
from encoders.content.sources import require_kind, source_bytes, source_name
from encoders.errors import ContentError, MissingPackageError

__all__ = ["AudioReading", "read_audio"]

_UNSUPPORTED = 4  # libsndfile's code for a codec that it does not know within a format that it does
_UNKNOWN_LENGTH = 2**62
_BLOCK = 2**12  # what is lost where decoding fails


def read_audio(
    source: str | Path | bytes,
    *,
    max_seconds: float = MAX_SECONDS,
    truncated: Truncated = "refuse",
    name: str | None = None,
) -> Sound:
    """Decode a sound, whatever the file is called, with any number of channels.

    WAV, FLAC, Ogg, MP3, AIFF, AU, CAF, W64 and what else libsndfile knows are read by it. AAC and ALAC in MPEG-4, AAC,
    AC-3, AMR, WavPack, True Audio, Monkey's Audio, codecs that libsndfile lacks and the first sound track of films are
    read by PyAV. Samples beyond -1 and 1, which floating and lossy formats can hold, are clipped, as players do.

    Args:
        source: A file, or its bytes.
        max_seconds: Longer sounds are refused by what their header says, before decoding.
        truncated: Whether to refuse a sound whose end is missing, or to use what is there of it.
        name: What to call the source in a reason; the path, or ``"sound"`` for bytes, by default.

    Raises:
        ArgumentError: If an argument cannot work.
        ContentError: If the content is missing, truncated, damaged, too long, without samples, not finite, of an
            impossible sample rate or no sound, or if it needs PyAV, which is not installed.
        MissingPackageError: If soundfile is not installed.
    """
    check_reading(max_seconds, truncated)
    try:
        import soundfile
    except ImportError:
        raise MissingPackageError("soundfile", "encoders", "reading sounds") from None
    shown = source_name(source, name, "sound")
    content = bare_sound(source_bytes(source, shown))
    kind = require_kind(content, ("audio", "video"), "sound", shown)
    missing = "" if kind.by_libav or truncated == "use" else missing_part(content, kind.decoder)
    if missing:
        raise refusal(shown, f"is {kind.noun} that is truncated: {missing}")
    other = kind.decoder if kind.by_libav else libav_format(content, kind.decoder)
    if other:
        return _by_libav(content, Kind("audio", kind.noun, other), max_seconds, truncated, shown)
    if kind.decoder == "MP3" and not names_its_length(content):
        content = with_length(content)
    try:
        with soundfile.SoundFile(io.BytesIO(content)) as file:
            if file.format not in kind.decoder.split(","):
                raise refusal(shown, f"is {kind.noun} that is damaged: its header cannot be read")
            _check_header(file, max_seconds, shown)
            sample_rate = file.samplerate
            samples = _samples(file, kind, max_seconds, truncated, shown)
    except ContentError:
        raise
    # libsndfile's own errors are RuntimeErrors; damaged bytes lead to others, such as MemoryError and OverflowError.
    except Exception as error:
        if getattr(error, "code", None) == _UNSUPPORTED:
            other = kind.decoder.split(",")[0].lower()
            return _by_libav(content, Kind("audio", kind.noun, other), max_seconds, truncated, shown)
        reason = str(error).rpartition("BytesIO object at ")[2].partition(">: ")[2] or error
        raise refusal(shown, f"is {kind.noun} that is damaged or truncated: {reason}") from None
    return _finished(samples, sample_rate, shown)


def _finished(samples: npt.NDArray[np.float32], sample_rate: int, name: str) -> Sound:
    waveform = torch.from_numpy(samples).T.contiguous()
    if not bool(torch.isfinite(waveform).all()):
        raise refusal(name, "has samples that are not finite")
    return Sound(waveform.clamp_(-1, 1), sample_rate)


@dataclass(frozen=True)
class AudioReading:
    """What may be decided about reading sounds; call it to read one.

    Args:
        max_seconds: See :func:`read_audio`.
        truncated: See :func:`read_audio`.

    Raises:
        ArgumentError: If an argument cannot work.
    """

    max_seconds: float = MAX_SECONDS
    truncated: Truncated = "refuse"

    def __post_init__(self) -> None:
        check_reading(self.max_seconds, self.truncated)

    def __call__(self, source: str | Path | bytes, *, name: str | None = None) -> Sound:
        """Decode a sound."""
        return read_audio(source, max_seconds=self.max_seconds, truncated=self.truncated, name=name)


def _by_libav(content: bytes, kind: Kind, max_seconds: float, truncated: Truncated, name: str) -> Sound:
    try:
        return decode_sound_track(content, name, kind=kind, max_seconds=max_seconds, truncated=truncated)
    except MissingPackageError:
        # One such sound among many must not end the work on the others.
        raise refusal(name, f"is {kind.noun}, which needs PyAV: pip install 'gnnrec[video]'") from None


def _samples(file: Any, kind: Kind, max_seconds: float, truncated: Truncated, name: str) -> npt.NDArray[np.float32]:
    """All samples. Shape: (samples, channels)."""
    promised = file.frames
    if promised >= _UNKNOWN_LENGTH or truncated == "use":
        return _as_far_as_it_goes(file, max_seconds, name, needs_end=truncated == "refuse")
    samples: npt.NDArray[np.float32] = file.read(frames=promised, dtype="float32", always_2d=True)
    # Where MPEG sound does not say how many frames it has, the number is an estimate.
    is_estimate = file.subtype.startswith("MPEG") and (file.format != "MP3" or not file.subtype.endswith("_III"))
    if len(samples) < promised and not is_estimate:
        raise refusal(name, f"is {kind.noun} that is truncated: {len(samples)} of {promised} samples are there")
    if not len(samples):
        raise refusal(name, "has no samples")
    return samples


def _as_far_as_it_goes(file: Any, max_seconds: float, name: str, *, needs_end: bool) -> npt.NDArray[np.float32]:
    longest = int(min(max_seconds * file.samplerate, MAX_SAMPLES // file.channels))
    blocks: list[npt.NDArray[np.float32]] = []
    length = 0
    while True:
        try:
            block = file.read(frames=_BLOCK, dtype="float32", always_2d=True)
        except RuntimeError:
            if needs_end or not length:
                raise
            break
        if not len(block):
            break
        blocks.append(block)
        length += len(block)
        if length > longest:
            raise refusal(name, f"is longer than the limit of {longest / file.samplerate:g} seconds")
    if not length:
        raise refusal(name, "has no samples")
    return np.concatenate(blocks)


def _check_header(file: Any, max_seconds: float, name: str) -> None:
    """Refuse what must not be decoded."""
    if not LOWEST_RATE <= file.samplerate <= HIGHEST_RATE:
        allowed = f"between {LOWEST_RATE} and {HIGHEST_RATE}"
        raise refusal(name, f"has {file.samplerate} samples a second, which is not {allowed}")
    if file.frames < 1:
        raise refusal(name, "has no samples")
    if file.frames >= _UNKNOWN_LENGTH:
        return
    seconds = file.frames / file.samplerate
    if seconds > max_seconds:
        raise refusal(name, f"is {seconds:.1f} seconds long, more than the limit of {max_seconds:g}")
    if file.frames * file.channels > MAX_SAMPLES:
        raise refusal(name, f"has {file.frames} samples of {file.channels} channels, more than fits in memory")
