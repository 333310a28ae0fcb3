import numpy as np
import pytest
import torch
from scipy import stats

from encoders.augmentation import RandomScale
from encoders.errors import ArgumentError


class Fixed:
    """Draws one number."""

    def __init__(self, number: float) -> None:
        self.number = number

    def uniform(self, low, high):
        assert (low, high) == (-1.0, 1.0)
        return self.number


def test_lengths_equal_the_reference():
    random = np.random.RandomState(0)
    lengths = [RandomScale(1.5)(torch.zeros(1, 1000), random).shape[-1] for _ in range(5)]
    assert lengths == [1040, 1190, 1086, 1037, 939]


@pytest.mark.parametrize("draw", [-1.0, -0.3, 0.0, 0.8, 1.0])
def test_a_line_stays_a_line_of_another_slope(draw):
    factor = 1.5**draw
    line = torch.arange(2000.0)[None].repeat(2, 1)
    scaled = RandomScale(1.5)(line, Fixed(draw))
    assert scaled.shape == (2, int(2000 * factor))
    expected = (torch.arange(scaled.shape[1]) / factor).clamp(max=1999)
    torch.testing.assert_close(scaled[1], expected, atol=2e-3, rtol=0)


@pytest.mark.parametrize("draw", [-1.0, -0.61, 0.0, 0.37, 1.0])
@pytest.mark.parametrize("channels", [1, 2])
def test_long_sounds_equal_numpy_in_double_precision_to_their_end(draw, channels):
    waveform = torch.rand(channels, 220_500, generator=torch.Generator().manual_seed(0)) * 2 - 1
    scaled = RandomScale(1.5)(waveform, Fixed(draw))
    factor = 1.5**draw
    assert scaled.shape == (channels, int(220_500 * factor)) and scaled.dtype == torch.float32
    places = np.arange(scaled.shape[1]) / factor
    for channel in range(channels):
        expected = np.interp(places, np.arange(220_500), waveform[channel].double().numpy())
        # Positions in single precision would be off by 1e-2 towards the end.
        np.testing.assert_allclose(scaled[channel].numpy(), expected, atol=5e-7)


def test_factors_are_uniform_on_a_logarithmic_scale():
    random = np.random.default_rng(0)
    waveform = torch.zeros(1, 10_000)
    lengths = np.array([RandomScale(1.5)(waveform, random).shape[-1] for _ in range(1_000)])
    logarithm = np.log((lengths + 0.5) / 10_000) / np.log(1.5)
    assert lengths.min() >= 6_666 and lengths.max() <= 15_000
    assert stats.kstest(logarithm, stats.uniform(-1, 2).cdf).pvalue > 0.05
    # Factors that are uniform themselves would be noticed.
    assert stats.kstest(lengths, stats.uniform(6_667, 8_333).cdf).pvalue < 1e-4


def test_something_of_the_shortest_sound_remains():
    assert RandomScale(1.5)(torch.full((2, 1), 0.5), Fixed(-1.0)).tolist() == [[0.5], [0.5]]


def test_same_seed_same_sound():
    waveform = torch.rand(2, 500)
    kept = waveform.clone()
    first, second, other = (RandomScale()(waveform, np.random.default_rng(seed)) for seed in (3, 3, 4))
    assert torch.equal(first, second) and first.shape != other.shape and torch.equal(waveform, kept)


@pytest.mark.parametrize("scale", [1, 0.5, float("nan"), float("inf")])
def test_bad_scale(scale):
    with pytest.raises(ArgumentError, match=rf"'max_scale' must be above 1 and finite \(got {scale}\)"):
        RandomScale(scale)
