import builtins
import math

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from encoders.content import audio_windows, resample
from encoders.errors import ArgumentError, ContentError, MissingPackageError

SIZES = st.integers(1, 40)


def windows_by_loop(sound: list[float], window: int, stride: int) -> list[list[float]]:
    """The law of :func:`audio_windows`, as one would say it."""
    if len(sound) <= window:
        return [sound + [0.0] * (window - len(sound))]
    windows, start = [], 0
    while start + window <= len(sound):
        windows.append(sound[start : start + window])
        covered = start + window
        start += stride
    if len(sound) - covered >= stride / 2:
        windows.append(sound[len(sound) - window :])
    return windows


@given(samples=st.integers(1, 150), window=SIZES, stride=SIZES)
def test_windows_as_by_a_loop(samples, window, stride):
    sound = torch.arange(1.0, samples + 1)
    windows = audio_windows(sound, window=window, stride=stride, max_windows=None)
    assert windows.tolist() == windows_by_loop(sound.tolist(), window, stride)


@given(samples=st.integers(1, 150), window=SIZES, stride=SIZES, most=st.integers(1, 12))
def test_kept_windows_are_equally_spaced_from_first_to_last(samples, window, stride, most):
    sound = torch.arange(1.0, samples + 1)
    every = audio_windows(sound, window=window, stride=stride, max_windows=None).tolist()
    kept = audio_windows(sound, window=window, stride=stride, max_windows=most).tolist()
    assert len(kept) == min(most, len(every))
    places = [every.index(row) for row in kept]
    if most == 1:
        assert abs(places[0] - (len(every) - 1) / 2) <= 0.5
        return
    assert places[0] == 0 and places[-1] == len(every) - 1
    gaps = np.diff(places)
    assert len(gaps) == 0 or (gaps.min() >= 1 and gaps.max() - gaps.min() <= 1)


@pytest.mark.parametrize("samples, starts", [(10, [0, 4]), (11, [0, 4]), (12, [0, 4, 6]), (13, [0, 4, 7])])
def test_half_a_stride_is_worth_a_window(samples, starts):
    windows = audio_windows(torch.arange(float(samples)), window=6, stride=4, max_windows=None)
    assert windows[:, 0].tolist() == starts


def test_a_long_sound_is_not_copied_as_a_whole():
    windows = audio_windows(torch.zeros(1).expand(2**33), window=1_000, stride=2**25, max_windows=3)
    assert windows.shape == (3, 1_000)


@pytest.mark.parametrize("argument", ["window", "stride", "max_windows"])
def test_wrong_sizes_of_windows(argument):
    sizes = {"window": 2, "stride": 2, "max_windows": 2} | {argument: -1}
    with pytest.raises(ArgumentError, match=rf"'{argument}' must be a positive integer \(got -1\)"):
        audio_windows(torch.zeros(4), **sizes)


@pytest.mark.parametrize("shape", [(0,), (1, 4), ()])
def test_what_is_no_single_channel(shape):
    with pytest.raises(ContentError, match="'waveform' must have shape"):
        audio_windows(torch.zeros(shape), window=2, stride=2, max_windows=None)


@pytest.mark.parametrize("from_rate, to_rate", [(44_100, 16_000), (8_000, 44_100), (192_000, 16_000), (47_999, 16_001)])
def test_resampling_keeps_frequency_and_amplitude(from_rate, to_rate):
    times = torch.arange(from_rate, dtype=torch.float64) / from_rate
    sound = torch.stack([0.7 * torch.sin(2 * math.pi * 1_000 * times), torch.cos(2 * math.pi * 250 * times)])
    resampled = resample(sound, from_rate, to_rate)
    assert resampled.shape == (2, to_rate) or abs(resampled.shape[1] / to_rate - 1) < 5e-4
    # Away from the ends, where the filter sees zeros.
    middle = resampled[:, to_rate // 4 : -to_rate // 4]
    count = middle.shape[1]
    spectrum = torch.fft.rfft(middle * torch.hann_window(count, dtype=torch.float64)).abs()
    for row, hertz, amplitude in ((0, 1_000, 0.7), (1, 250, 1.0)):
        assert int(spectrum[row].argmax()) * to_rate / count == pytest.approx(hertz, abs=to_rate / count)
        assert middle[row].square().mean().mul(2).sqrt().item() == pytest.approx(amplitude, rel=0.01)


def test_what_the_new_rate_cannot_hold_is_filtered_out():
    times = torch.arange(48_000) / 48_000
    middle = resample(torch.sin(2 * math.pi * 7_000 * times), 48_000, 8_000)[2_000:-2_000]
    assert middle.abs().max() < 0.01  # without a filter it would be heard at 1000 hertz


def test_the_same_rate_changes_nothing():
    sound = torch.randn(3, 100)
    assert torch.equal(resample(sound, 8_000, 8_000), sound)


def test_wrong_arguments_of_resample():
    with pytest.raises(ArgumentError, match=r"'to_rate' must be a positive integer \(got 0\)"):
        resample(torch.zeros(4), 8_000, 0)
    with pytest.raises(ArgumentError, match="'waveform' must be floating"):
        resample(torch.zeros(4, dtype=torch.int16), 8_000, 4_000)


def test_without_torchaudio_the_extra_is_named(monkeypatch):
    real_import = builtins.__import__

    def without_torchaudio(name, *arguments, **options):
        if name == "torchaudio":
            raise ImportError(name)
        return real_import(name, *arguments, **options)

    monkeypatch.setattr(builtins, "__import__", without_torchaudio)
    with pytest.raises(MissingPackageError, match=r"'torchaudio'.*gnnrec\[encoders\]"):
        resample(torch.zeros(4), 8_000, 4_000)
