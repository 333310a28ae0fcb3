import math

import numpy as np
import pytest
import torch
from scipy import stats

from encoders.augmentation import RandomNoise
from encoders.errors import ArgumentError

TIMES = torch.arange(220_500, dtype=torch.float64) / 44_100
SINE = 0.5 * torch.sin(2 * math.pi * 440 * TIMES)[None].float()
STEREO = torch.cat([SINE, 0.1 * SINE])


def measured_ratio(clean, noisy):
    clean, noisy = clean.double(), noisy.double()
    return float(10 * torch.log10(clean.square().mean() / (noisy - clean).square().mean()))


@pytest.mark.parametrize("waveform", [SINE, STEREO], ids=["mono", "stereo"])
@pytest.mark.parametrize("ratio", [15.0, 60.0, 110.0])
def test_the_ratio_is_what_was_asked_for(waveform, ratio):
    noisy = RandomNoise(ratio, ratio, 1.0)(waveform, np.random.default_rng(0))
    assert measured_ratio(waveform, noisy) == pytest.approx(ratio, abs=0.1)


def test_ratios_are_uniform_between_the_bounds():
    random = np.random.default_rng(1)
    waveform = SINE[:, :44_100]
    ratios = [measured_ratio(waveform, RandomNoise(20.0, 100.0, 1.0)(waveform, random)) for _ in range(300)]
    assert min(ratios) > 19.9 and max(ratios) < 100.1
    assert stats.kstest(ratios, stats.uniform(20, 80).cdf).pvalue > 0.05


def test_the_measured_ratio_is_the_drawn_one():
    class Recorded:
        def __init__(self):
            self.random = np.random.default_rng(3)
            self.drawn = []

        def uniform(self, low, high):
            self.drawn.append((low, high, self.random.uniform(low, high)))
            return self.drawn[-1][2]

        def integers(self, low, high):
            return self.random.integers(low, high)

    for _ in range(10):
        random = Recorded()
        noisy = RandomNoise(probability=1.0)(STEREO, random)
        (low, high, ratio) = random.drawn[1]
        assert (low, high) == (10.0, 120.0)
        # 16 of the 24 bits of single precision are left to noise of 120 dB.
        assert measured_ratio(STEREO, noisy) == pytest.approx(ratio, abs=0.1)


def test_noise_is_white_gaussian_and_of_each_channel():
    noise = (RandomNoise(20.0, 20.0, 1.0)(STEREO, np.random.default_rng(2)) - STEREO).double()
    assert stats.kstest((noise[0] / noise[0].std())[:20_000], "norm").pvalue > 0.01
    powers = noise.square().mean(dim=1)
    assert float(powers[0] / powers[1]) == pytest.approx(1, abs=0.03)  # one power, though one channel is quieter
    assert abs(float(torch.corrcoef(noise)[0, 1])) < 0.01
    assert abs(float(torch.corrcoef(torch.stack([noise[0, 1:], noise[0, :-1]]))[0, 1])) < 0.01


def test_how_often():
    random = np.random.default_rng(4)
    waveform = SINE[:, :100]
    noisy = sum(not torch.equal(RandomNoise()(waveform, random), waveform) for _ in range(2_000))
    low, high = stats.binom.interval(0.999, 2_000, 0.25)
    assert low <= noisy <= high
    assert all(RandomNoise(probability=0.0)(waveform, random) is waveform for _ in range(100))


def test_silence_stays_silent():
    silence = torch.zeros(2, 1_000)
    assert torch.equal(RandomNoise(probability=1.0)(silence, np.random.default_rng(0)), silence)


def test_loud_sounds_are_clipped():
    square = torch.ones(1, 10_000)
    square[:, ::2] = -1
    noisy = RandomNoise(10.0, 10.0, 1.0)(square, np.random.default_rng(0))
    assert float(noisy.abs().max()) == 1.0
    assert float((noisy.abs() == 1).double().mean()) == pytest.approx(0.5, abs=0.03)


def test_same_seed_same_noise():
    kept = STEREO.clone()
    first, second, other = (RandomNoise(probability=1.0)(STEREO, np.random.default_rng(seed)) for seed in (5, 5, 6))
    assert torch.equal(first, second) and not torch.equal(first, other)
    assert torch.equal(STEREO, kept)


def test_noise_differs_from_call_to_call():
    random = np.random.default_rng(7)
    noise = [RandomNoise(20.0, 20.0, 1.0)(SINE, random) - SINE for _ in range(2)]
    assert abs(float(torch.corrcoef(torch.cat(noise))[0, 1])) < 0.01


@pytest.mark.parametrize(
    "arguments, message",
    [
        ({"lowest_snr": 130.0}, r"'highest_snr' must be at least 'lowest_snr', 130.0 \(got 120.0\)"),
        ({"lowest_snr": float("nan")}, r"'lowest_snr' must be finite \(got nan\)"),
        ({"highest_snr": float("inf")}, r"'highest_snr' must be finite \(got inf\)"),
        ({"probability": 2}, r"'probability' must be between 0 and 1 \(got 2\)"),
    ],
)
def test_bad_arguments(arguments, message):
    with pytest.raises(ArgumentError, match=message):
        RandomNoise(**arguments)
