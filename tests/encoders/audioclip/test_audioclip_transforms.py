import numpy as np
import pytest
import torch

from encoders.audioclip.transforms import RandomScale
from encoders.errors import ArgumentError


def test_lengths_equal_the_reference():
    random = np.random.RandomState(0)
    lengths = [RandomScale(1.5)(torch.zeros(1, 1000), random).shape[-1] for _ in range(5)]
    assert lengths == [1040, 1190, 1086, 1037, 939]


@pytest.mark.parametrize("draw", [-1.0, -0.3, 0.0, 0.8, 1.0])
def test_a_line_stays_a_line_of_another_slope(draw):
    class Fixed:
        def uniform(self, low, high):
            assert (low, high) == (-1.0, 1.0)
            return draw

    factor = 1.5**draw
    line = torch.arange(2000.0)[None].repeat(2, 1)
    scaled = RandomScale(1.5)(line, Fixed())
    assert scaled.shape == (2, int(2000 * factor))
    expected = (torch.arange(scaled.shape[1]) / factor).clamp(max=1999)
    torch.testing.assert_close(scaled[1], expected, atol=2e-3, rtol=0)


def test_factors_are_even_on_a_logarithmic_scale():
    random = np.random.default_rng(0)
    lengths = np.array([RandomScale(1.5)(torch.zeros(10_000), random).shape[-1] for _ in range(400)])
    logarithm = np.log(lengths / 10_000) / np.log(1.5)
    assert -1 <= logarithm.min() < -0.95 and 0.95 < logarithm.max() <= 1
    assert abs(logarithm.mean()) < 0.09
    assert abs(np.mean(np.abs(logarithm)) - 0.5) < 0.04


def test_bad_scale():
    with pytest.raises(ArgumentError, match=r"'max_scale' must be above 1 \(got 1\)"):
        RandomScale(1)
