"""One-second sounds of the demo items: a few notes in the register, timbre and rhythm of a world."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from gnnrec.data.demo.tastes import TASTES, Expression

__all__ = ["SAMPLE_RATE", "play_sound"]

SAMPLE_RATE = 16_000
"""Samples a second."""

_SECONDS = 1.0
_PENTATONIC = np.array([0, 2, 4, 7, 9, 12])


@dataclass(frozen=True)
class _Voice:
    """An instrument.

    Args:
        root: Frequency of the lowest note in hertz.
        partials: Strength of each overtone.
        stretch: Spacing of the overtones; 1 is a string, other values sound like bells.
        decay: How fast a note dies away, per second.
        attack: Seconds until a note is at its loudest.
        vibrato: Depth of a slow wobble of the pitch.
        noise: Loudness of the noise between ``noise_band``.
        noise_band: Lowest and highest frequency of the noise in hertz.
    """

    root: float
    partials: Sequence[float]
    stretch: float
    decay: float
    attack: float
    vibrato: float
    noise: float
    noise_band: tuple[float, float]


_VOICES = {
    "tide": _Voice(110, (1, 0.3, 0.1), 1.0, 1.5, 0.15, 0.02, 0.5, (200, 900)),
    "forest": _Voice(262, (1, 0.1, 0.5, 0.05, 0.2), 1.0, 14.0, 0.004, 0.0, 0.08, (2000, 4000)),
    "desert": _Voice(147, (1, 0.8, 0.6, 0.7, 0.5, 0.4, 0.3), 1.0, 2.5, 0.02, 0.03, 0.05, (300, 3000)),
    "neon": _Voice(330, (1, 0, 0.6, 0, 0.45, 0, 0.35, 0, 0.3), 1.0, 5.0, 0.003, 0.0, 0.1, (5000, 7500)),
    "garden": _Voice(523, (1, 0.25, 0.08), 1.0, 5.0, 0.01, 0.008, 0.02, (3000, 6000)),
    "snow": _Voice(880, (1, 0.5, 0.4, 0.3), 1.52, 7.0, 0.002, 0.0, 0.05, (6000, 7800)),
    "ember": _Voice(65, (1, 0.9, 0.8, 0.7, 0.6, 0.5, 0.4, 0.4, 0.3), 1.0, 6.0, 0.005, 0.0, 0.7, (60, 2500)),
    "orbit": _Voice(196, (0.8, 0.2, 0.9, 0.1, 0.6), 1.26, 1.0, 0.2, 0.06, 0.05, (1000, 2000)),
}


def play_sound(expression: Expression, random: np.random.Generator) -> npt.NDArray[np.int16]:
    """One second of sound.

    The second world plays along more quietly; lively sounds have more notes.

    Returns:
        Samples at 16 kHz. Shape: (16000,), int16.
    """
    main = _phrase(_VOICES[TASTES[expression.main]], expression.mood, random)
    second = _phrase(_VOICES[TASTES[expression.second]], expression.mood, random)
    sound = expression.share * main + (1 - expression.share) * second
    loudness = random.uniform(0.3, 0.9) * np.iinfo(np.int16).max
    samples: npt.NDArray[np.int16] = np.rint(sound / np.abs(sound).max() * loudness).astype(np.int16)
    return samples


def _phrase(voice: _Voice, mood: float, random: np.random.Generator) -> npt.NDArray[np.float64]:
    """Notes at even distances, with a root mean square of 1. Shape: (samples,)."""
    size = round(_SECONDS * SAMPLE_RATE)
    notes = round(2 + 2.5 * (mood + 1))
    sound = np.zeros(size)
    for start in np.arange(notes) * size // notes:
        pitch = voice.root * 2 ** (random.choice(_PENTATONIC) / 12 + random.normal(0, 0.01))
        sound[start:] += random.uniform(0.6, 1) * _note(voice, pitch, size - int(start))
    noise = _noise(voice.noise_band, size, random)
    pulse = 1 + 0.6 * np.sin(2 * np.pi * notes * np.arange(size) / size + random.uniform(0, 2 * np.pi))
    sound = sound / _root_mean_square(sound) + voice.noise * noise * pulse
    return sound / _root_mean_square(sound)


def _note(voice: _Voice, pitch: float, size: int) -> npt.NDArray[np.float64]:
    """One note with its overtones below half the sample rate. Shape: (size,)."""
    seconds = np.arange(size) / SAMPLE_RATE
    phase = 2 * np.pi * pitch * seconds + voice.vibrato * pitch / 5 * np.sin(2 * np.pi * 5 * seconds)
    multiples = np.arange(len(voice.partials)) * voice.stretch + 1
    heard = multiples * pitch * (1 + voice.vibrato) < SAMPLE_RATE / 2
    waves = np.array(voice.partials)[heard] @ np.sin(multiples[heard, None] * phase)
    envelope = np.minimum(seconds / voice.attack, 1) * np.exp(-voice.decay * seconds)
    shaped: npt.NDArray[np.float64] = waves * envelope
    return shaped


def _noise(band: tuple[float, float], size: int, random: np.random.Generator) -> npt.NDArray[np.float64]:
    """Noise within a band of frequencies, with a root mean square of 1. Shape: (size,)."""
    spectrum = np.fft.rfft(random.normal(size=size))
    hertz = np.fft.rfftfreq(size, 1 / SAMPLE_RATE)
    noise = np.fft.irfft(np.where((hertz >= band[0]) & (hertz <= band[1]), spectrum, 0), size)
    return noise / _root_mean_square(noise)


def _root_mean_square(sound: npt.NDArray[np.float64]) -> float:
    return float(np.sqrt(np.mean(sound**2)))
