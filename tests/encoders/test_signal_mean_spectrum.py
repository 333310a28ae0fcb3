import numpy as np
import pytest
import torch

from encoders.errors import ContentError
from encoders.signal import MEAN_SPECTRUM_DIM, mean_spectrum

BANDS = MEAN_SPECTRUM_DIM // 2


def tone(hertz: float, sample_rate: int = 16_000, seconds: float = 0.5) -> np.ndarray:
    return np.sin(2 * np.pi * hertz * np.arange(int(seconds * sample_rate)) / sample_rate)


def loudest_band(hertz: float, sample_rate: int = 16_000) -> int:
    return int(mean_spectrum(tone(hertz, sample_rate), sample_rate)[:BANDS].argmax())


def test_tones_land_in_their_mel_band():
    # Band b is centred at edge b + 1 of 42 that are evenly spaced in mel from 40 to 7800 hertz.
    low, high = (2595 * np.log10(1 + edge / 700) for edge in (40, 7800))
    for hertz in (300, 1000, 2500, 6000):
        mel = 2595 * np.log10(1 + hertz / 700)
        expected = round((mel - low) / (high - low) * (BANDS + 1)) - 1
        assert loudest_band(hertz) == expected


def test_pitch_is_hertz_whatever_the_sample_rate():
    bands = {loudest_band(1000, sample_rate) for sample_rate in (8_000, 16_000, 44_100)}
    assert len(bands) == 1


def test_loudness_does_not_count_and_means_are_centred():
    sound = tone(440) + 0.3 * np.random.default_rng(0).normal(size=8000)
    vector = mean_spectrum(sound, 16_000)
    assert vector.shape == (MEAN_SPECTRUM_DIM,) and vector.dtype == torch.float32
    torch.testing.assert_close(mean_spectrum(1e-4 * sound, 16_000), vector)
    assert vector[:BANDS].sum().item() == pytest.approx(0, abs=1e-4)


def test_rhythm_shows_in_the_deviations():
    steady = tone(1000, seconds=1.0)
    pulsing = steady * (np.arange(16_000) // 2_000 % 2)
    band = loudest_band(1000)
    assert mean_spectrum(steady, 16_000)[BANDS + band] < 0.1
    assert mean_spectrum(pulsing, 16_000)[BANDS + band] > 1.0  # more than 20 decibel


def test_channels_are_averaged():
    left, right = tone(300), tone(3000)
    stereo = torch.from_numpy(np.stack([left, right]))
    torch.testing.assert_close(mean_spectrum(stereo, 16_000), mean_spectrum((left + right) / 2, 16_000))


@pytest.mark.parametrize("samples", [0, 1, 100, 5000])
@pytest.mark.parametrize("shape", ["mono", "stereo"])
def test_silence_of_any_length_is_zeros(samples, shape):
    size = (samples,) if shape == "mono" else (2, samples)
    assert torch.equal(mean_spectrum(torch.zeros(size), 16_000), torch.zeros(MEAN_SPECTRUM_DIM))


@pytest.mark.parametrize("samples", [1, 3, 511])
@pytest.mark.parametrize("sample_rate", [10, 8_000, 96_000])
def test_clips_shorter_than_a_frame_are_finite(samples, sample_rate):
    assert torch.isfinite(mean_spectrum(np.ones(samples), sample_rate)).all()


@pytest.mark.parametrize(
    ("waveform", "sample_rate", "message"),
    [
        (torch.zeros(5, dtype=torch.int16), 16_000, "'waveform' must be floating"),
        (torch.zeros(1, 2, 3), 16_000, "'waveform' must be floating"),
        (torch.zeros(5), 0, r"'sample_rate' must be a positive integer \(got 0\)"),
        (torch.tensor([0.0, float("nan")]), 16_000, "'waveform' must be finite"),
    ],
)
def test_bad_values(waveform, sample_rate, message):
    with pytest.raises(ContentError, match=message):
        mean_spectrum(waveform, sample_rate)
