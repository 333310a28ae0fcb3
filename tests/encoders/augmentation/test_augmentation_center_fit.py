import pytest
import torch

from encoders.augmentation import CenterFit
from encoders.errors import ArgumentError

STEREO = torch.tensor([[0.2, 0.9, -0.3], [0.4, 0.8, -0.5]])


@pytest.mark.parametrize("samples, length, first", [(10, 4, 3), (10, 5, 2), (9, 4, 2), (8, 1, 4), (4, 4, 0)])
@pytest.mark.parametrize("channels", [1, 2])
def test_the_middle_of_long_sounds(samples, length, first, channels):
    waveform = torch.arange(float(samples)).repeat(channels, 1)
    assert CenterFit(length)(waveform)[-1].tolist() == list(range(first, first + length))
    assert CenterFit(length)(waveform).shape == (channels, length)


@pytest.mark.parametrize("length, left", [(3, 0), (4, 0), (5, 1), (6, 2), (7, 2), (8, 2)])
def test_short_sounds_in_the_middle(length, left):
    right = length - 3 - left
    fitted = CenterFit(length)(STEREO)
    expected = torch.cat([torch.full((2, left), 0.3), STEREO, torch.full((2, right), -0.4)], dim=1)
    torch.testing.assert_close(fitted, expected)
    mono = CenterFit(length)(STEREO[1:])
    assert mono.tolist()[0] == pytest.approx([0.4] * left + [0.4, 0.8, -0.5] + [-0.5] * right)


def test_a_quiet_middle_stays():
    waveform = torch.tensor([[1.0, -1.0, 1.0, 0.0, 0.0, 0.0, 1.0, -1.0, 1.0]])
    assert CenterFit(3)(waveform).tolist() == [[0.0, 0.0, 0.0]]


def test_bad_length():
    with pytest.raises(ArgumentError, match=r"'length' must be a positive integer \(got 0\)"):
        CenterFit(0)
