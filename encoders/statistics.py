"""Encoders without any weights: what a trained one has to beat."""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from torch import Tensor

from encoders.base import Encoder, Prepared, Preprocess
from encoders.content import AudioReading, Sound, clean_text, read_image, read_text
from encoders.errors import ArgumentError, ContentError
from encoders.signal import (
    COLOUR_HISTOGRAM_DIM,
    HASHED_WORDS_DIM,
    MEAN_SPECTRUM_DIM,
    colour_histogram,
    hashed_words,
    mean_spectrum,
)

__all__ = ["STATISTICS", "StatisticsEncoder", "StatisticsPreprocess"]


def _spectrum(sound: Sound) -> Tensor:
    return mean_spectrum(sound.waveform, sound.sample_rate)


def _words(text: str) -> Tensor:
    return hashed_words(clean_text(text))


_COMPUTE: dict[str, tuple[str, int, Callable[[Any], Tensor]]] = {
    "colour-histogram": ("image", COLOUR_HISTOGRAM_DIM, colour_histogram),
    "mean-spectrum": ("audio", MEAN_SPECTRUM_DIM, _spectrum),
    "hashed-words": ("text", HASHED_WORDS_DIM, _words),
}
STATISTICS = {name: modality for name, (modality, _, _) in _COMPUTE.items()}
"""Their names and modalities."""


@dataclass(frozen=True)
class StatisticsPreprocess(Preprocess):
    """Content to its statistics; all the work is done here, in the worker processes.

    Args:
        statistic: One of :data:`STATISTICS`.
        reading: Which sounds are refused.
    """

    statistic: str
    reading: AudioReading = field(default=AudioReading(), repr=False, kw_only=True)

    def read(self, data: bytes, name: str) -> Any:
        """Decode a picture, sound or text."""
        read: dict[str, Callable[..., Any]] = {"image": read_image, "audio": self.reading, "text": read_text}
        return read[STATISTICS[self.statistic]](data, name=name)

    def __call__(self, content: Any) -> Prepared:
        """The statistics of one item. Shape of the samples: (1, dim), float32."""
        vector = _COMPUTE[self.statistic][2](content)
        if not bool(vector.any()):
            raise ContentError("nothing to encode: transparent, silent or without words")
        return Prepared(vector[None])


class StatisticsEncoder(Encoder):
    """Colours of pictures, spectra of sounds or words of texts.

    Args:
        statistic: ``"colour-histogram"``, ``"mean-spectrum"`` or ``"hashed-words"``; see :mod:`encoders.signal`.

    Shapes:
        (batch, dim) -> (batch, dim), as they are
    """

    def __init__(self, statistic: str) -> None:
        if statistic not in _COMPUTE:
            raise ArgumentError(f"'statistic' must be one of {', '.join(_COMPUTE)} (got {statistic!r})")
        modality, dim, _ = _COMPUTE[statistic]
        super().__init__(name=statistic, modality=modality, dim=dim, preprocess=StatisticsPreprocess(statistic))

    def forward(self, batch: Tensor) -> Tensor:
        """The statistics as they are."""
        return batch
