import numpy as np
import pytest
import torch

from encoders.errors import ArgumentError
from encoders.musicnn import LogMel


def slaney_mel_to_hertz(mel: float) -> float:
    """As in Slaney's Auditory Toolbox: 15 linear steps up to 1 kHz, then 27 logarithmic ones to 6.4 kHz."""
    return mel * 200 / 3 if mel < 15 else 1000 * 6.4 ** ((mel - 15) / 27)


def librosa_filters() -> np.ndarray:
    """The filters of ``librosa.filters.mel(16000, 512, n_mels=96)``, one bin at a time."""
    top = 15 + 27 * np.log(8) / np.log(6.4)
    edges = [slaney_mel_to_hertz(top * step / 97) for step in range(98)]
    filters = np.zeros((96, 257))
    for band in range(96):
        left, centre, right = edges[band : band + 3]
        for bin_ in range(257):
            hertz = bin_ * 16_000 / 512
            if left < hertz <= centre:
                filters[band, bin_] = (hertz - left) / (centre - left)
            elif centre < hertz < right:
                filters[band, bin_] = (right - hertz) / (right - centre)
        filters[band] *= 2 / (right - left)
    return filters


def numpy_log_mel(waveform: np.ndarray) -> np.ndarray:
    padded = np.pad(waveform.astype(np.float64), 256, mode="reflect")
    window = 0.5 - 0.5 * np.cos(2 * np.pi * np.arange(512) / 512)
    frames = [padded[start : start + 512] * window for start in range(0, len(waveform) + 1, 256)]
    energy = np.abs(np.fft.rfft(frames)) ** 2 @ librosa_filters().T
    return np.log10(10_000 * energy + 1)[:-1]


def test_filters_are_librosas() -> None:
    np.testing.assert_allclose(LogMel().filters.numpy(), librosa_filters(), rtol=1e-5, atol=1e-9)


@pytest.mark.parametrize("scale", [1e-4, 0.03, 1.0])
def test_three_seconds_are_187_frames_as_in_numpy(scale: float) -> None:
    waveform = np.random.default_rng(0).uniform(-scale, scale, size=48_000).astype(np.float32)
    waveform[:24_000] += scale * np.sin(np.arange(24_000) * 0.2, dtype=np.float32)
    image = LogMel()(torch.from_numpy(waveform)[None])[0]
    assert image.shape == (187, 96)
    np.testing.assert_allclose(image.numpy(), numpy_log_mel(waveform), atol=1e-4)


@pytest.mark.parametrize("samples", [512, 767, 768, 16_001])
def test_a_frame_each_256_samples(samples: int) -> None:
    waveform = torch.rand(2, samples, generator=torch.Generator().manual_seed(0)) - 0.5
    image = LogMel()(waveform)
    assert image.shape == (2, samples // 256, 96)
    np.testing.assert_allclose(image[1].numpy(), numpy_log_mel(waveform[1].numpy())[: samples // 256], atol=1e-4)


def test_silence_is_zero_and_full_scale_is_finite() -> None:
    assert torch.equal(LogMel()(torch.zeros(1, 1024)), torch.zeros(1, 4, 96))
    assert torch.isfinite(LogMel()(torch.ones(1, 1024))).all()


def test_it_has_no_weights() -> None:
    assert not LogMel().state_dict()


def test_too_few_samples() -> None:
    with pytest.raises(ArgumentError, match=r"'waveform' must have at least 512 samples \(got 511\)"):
        LogMel()(torch.zeros(1, 511))
