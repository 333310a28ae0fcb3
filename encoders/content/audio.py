"""Sounds from files or bytes."""

import io
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from encoders.content.mp3_frames import names_its_length, with_length
from encoders.content.refusal import refusal
from encoders.content.sound_files import bare_sound, missing_part
from encoders.content.sources import require_kind, source_bytes, source_name
from encoders.errors import ArgumentError, ContentError, MissingPackageError

__all__ = ["Sound", "read_audio"]

_LOWEST_RATE, _HIGHEST_RATE = 1_000, 768_000
_MAX_VALUES = 2**30  # four GiB once decoded


@dataclass(frozen=True)
class Sound:
    """A decoded sound.

    Args:
        waveform: Samples between -1 and 1. Shape: (channels, samples), float32.
        sample_rate: Samples a second.
    """

    waveform: Tensor
    sample_rate: int

    @property
    def mono(self) -> Tensor:
        """The mean of the channels. Shape: (samples,)."""
        return self.waveform.mean(dim=0)

    @property
    def seconds(self) -> float:
        """How long the sound is."""
        return self.waveform.shape[-1] / self.sample_rate


def read_audio(source: str | Path | bytes, *, max_seconds: float = 3600.0, name: str | None = None) -> Sound:
    """Decode a sound: WAV, FLAC, Ogg or MP3, whatever the file is called, with any number of channels.

    Samples beyond -1 and 1, which floating and lossy formats can hold, are clipped, as players do.

    Args:
        source: A file, or its bytes.
        max_seconds: Longer sounds are refused by what their header says, before decoding.
        name: What to call the source in a reason; the path, or ``"sound"`` for bytes, by default.

    Raises:
        ArgumentError: If ``max_seconds`` is not positive.
        ContentError: If the content is missing, truncated, damaged, too long, without samples, not finite, of an
            impossible sample rate or no sound.
        MissingPackageError: If soundfile is not installed.
    """
    if not max_seconds > 0:
        raise ArgumentError(f"'max_seconds' must be positive (got {max_seconds})")
    try:
        import soundfile
    except ImportError:
        raise MissingPackageError("soundfile", "encoders", "reading sounds") from None
    shown = source_name(source, name, "sound")
    content = bare_sound(source_bytes(source, shown))
    kind = require_kind(content, "audio", "sound", shown)
    missing = missing_part(content, kind.decoder)
    if missing:
        raise refusal(shown, f"is {kind.noun} that is truncated: {missing}")
    if kind.decoder == "MP3" and not names_its_length(content):
        content = with_length(content)
    try:
        with soundfile.SoundFile(io.BytesIO(content)) as file:
            if file.format not in kind.decoder.split(","):
                raise refusal(shown, f"is {kind.noun} that is damaged: its header cannot be read")
            _check_header(file, max_seconds, shown)
            promised, sample_rate = file.frames, file.samplerate
            samples = file.read(dtype="float32", always_2d=True)
    except ContentError:
        raise
    # libsndfile's own errors are RuntimeErrors; damaged bytes lead to others, such as MemoryError and OverflowError.
    except Exception as error:
        reason = str(error).rpartition("BytesIO object at ")[2].partition(">: ")[2] or error
        raise refusal(shown, f"is {kind.noun} that is damaged or truncated: {reason}") from None
    if len(samples) < promised:
        raise refusal(shown, f"is {kind.noun} that is truncated: {len(samples)} of {promised} samples are there")
    waveform = torch.from_numpy(samples).T.contiguous()
    if not bool(torch.isfinite(waveform).all()):
        raise refusal(shown, "has samples that are not finite")
    return Sound(waveform.clamp_(-1, 1), sample_rate)


def _check_header(file: Any, max_seconds: float, name: str) -> None:
    """Refuse what must not be decoded."""
    if not _LOWEST_RATE <= file.samplerate <= _HIGHEST_RATE:
        allowed = f"between {_LOWEST_RATE} and {_HIGHEST_RATE}"
        raise refusal(name, f"has {file.samplerate} samples a second, which is not {allowed}")
    if file.frames < 1:
        raise refusal(name, "has no samples")
    seconds = file.frames / file.samplerate
    if seconds > max_seconds:
        raise refusal(name, f"is {seconds:.1f} seconds long, more than the limit of {max_seconds:g}")
    if file.frames * file.channels > _MAX_VALUES:
        raise refusal(name, f"has {file.frames} samples of {file.channels} channels, more than fits in memory")
