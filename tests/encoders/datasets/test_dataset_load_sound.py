import math

import pytest
import torch

from encoders.datasets import LabeledItem, load_sound
from encoders.errors import ArgumentError, ContentError

MONO = [[0.5, -0.25, 0.125, 0.0]]
STEREO = [[0.5, 0.25, 0.0, -0.5], [0.25, -0.25, 0.5, 0.0]]


@pytest.fixture
def item_of(tmp_path, write_sound):
    def build(samples, rate=8_000):
        return LabeledItem("sound", audio=write_sound(tmp_path / "a sound.wav", samples, rate), labels=(0,))

    return build


@pytest.mark.parametrize(
    "samples, channels, expected",
    [
        (MONO, 1, MONO),
        (MONO, 2, MONO * 2),
        (STEREO, 1, [[0.375, 0.0, 0.25, -0.25]]),
        (STEREO, 2, STEREO),
        (STEREO, 3, [[0.375, 0.0, 0.25, -0.25]] * 3),
    ],
)
def test_channels(item_of, samples, channels, expected):
    loaded = load_sound(item_of(samples), 8_000, channels)
    assert loaded.dtype == torch.float32 and loaded.tolist() == expected
    loaded[0, 0] = 9  # no channel is a view of another
    assert loaded[1:].tolist() == expected[1:]


@pytest.mark.parametrize("channels", [1, 2])
def test_resampling_keeps_pitch_and_length(item_of, channels):
    times = torch.arange(8_000) / 8_000
    sine = 0.8 * torch.sin(2 * math.pi * 440 * times)
    loaded = load_sound(item_of([sine.tolist()]), 16_000, channels)
    assert loaded.shape == (channels, 16_000)
    expected = 0.8 * torch.sin(2 * math.pi * 440 * torch.arange(16_000) / 16_000)
    torch.testing.assert_close(loaded[-1, 200:-200], expected[200:-200], atol=5e-3, rtol=0)


def test_overshoot_of_the_filter_is_clipped(item_of):
    square = torch.tensor([1.0, -1.0]).repeat_interleave(50).repeat(40)
    assert float(load_sound(item_of([square.tolist()]), 11_025).abs().max()) == 1.0


@pytest.mark.parametrize("seconds, kept", [(0.5, 4_000), (0.25, 2_000), (4.0, 8_000), (None, 8_000), (1e-9, 1)])
def test_the_first_seconds(item_of, seconds, kept):
    ramp = torch.linspace(-0.9, 0.9, 8_000)
    loaded = load_sound(item_of([ramp.tolist()]), 8_000, seconds=seconds)
    torch.testing.assert_close(loaded, ramp[None, :kept])


def test_rescale_fills_the_range_of_16_bits(item_of):
    loaded = load_sound(item_of([[0.0, 0.1, 0.2], [0.1, 0.0, 0.4]]), 8_000, 2, rescale=True)
    # (x - min) / (max - min) * 65535 - 32768, over 32768, with min and max over both channels.
    expected = (torch.tensor([[0.0, 0.25, 0.5], [0.25, 0.0, 1.0]]) * 65_535 - 32_768) / 32_768
    torch.testing.assert_close(loaded, expected)
    assert float(loaded.max()) < 1


def test_rescale_sees_what_is_kept_only(item_of):
    loaded = load_sound(item_of([[0.0, 0.1] * 2_000 + [0.9] * 4_000]), 8_000, seconds=0.5, rescale=True)
    torch.testing.assert_close(loaded[0, :2], torch.tensor([-1.0, 32_767 / 32_768]))


def test_rescale_of_a_single_value(item_of):
    assert load_sound(item_of([[0.3, 0.3]]), 8_000, rescale=True).tolist() == [[0.0, 0.0]]


@pytest.mark.parametrize(
    "arguments, message",
    [
        ({"sample_rate": 0}, r"'sample_rate' must be a positive integer \(got 0\)"),
        ({"channels": -1}, r"'channels' must be a positive integer \(got -1\)"),
        ({"seconds": 0.0}, r"'seconds' must be positive \(got 0.0\)"),
        ({"seconds": float("nan")}, r"'seconds' must be positive \(got nan\)"),
    ],
)
def test_wrong_arguments(item_of, arguments, message):
    with pytest.raises(ArgumentError, match=message):
        load_sound(item_of(MONO), **({"sample_rate": 8_000} | arguments))


def test_no_sound(tmp_path):
    with pytest.raises(ArgumentError, match=r"'item' must have a sound \(got 'x', which has none\)"):
        load_sound(LabeledItem("x"), 8_000)
    (tmp_path / "text.wav").write_text("no sound")
    with pytest.raises(ContentError, match=r"text\.wav"):
        load_sound(LabeledItem("x", audio=tmp_path / "text.wav"), 8_000)
