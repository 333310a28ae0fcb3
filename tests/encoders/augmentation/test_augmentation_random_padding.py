import numpy as np
import pytest
import torch
from scipy import stats

from encoders.augmentation import RandomPadding
from encoders.errors import ArgumentError

STEREO = torch.tensor([[0.2, 0.9, -0.3], [0.4, 0.8, -0.5]])


def place_of(padded, waveform):
    """Where the sound lies; it must lie there once and as it was."""
    samples = waveform.shape[1]
    places = [
        start
        for start in range(padded.shape[1] - samples + 1)
        if torch.equal(padded[:, start : start + samples], waveform)
    ]
    assert len(places) == 1
    return places[0]


@pytest.mark.parametrize(
    "waveform, before, after", [(STEREO, 0.3, -0.4), (STEREO[:1], 0.2, -0.3)], ids=["stereo", "mono"]
)
def test_pads_with_the_edge_samples_mean_over_channels(waveform, before, after):
    random = np.random.default_rng(0)
    for _ in range(50):
        padded = RandomPadding(10)(waveform, random)
        assert padded.shape == (len(waveform), 10) and padded.dtype == waveform.dtype
        place = place_of(padded, waveform)
        torch.testing.assert_close(padded[:, :place], torch.full((len(waveform), place), before))
        torch.testing.assert_close(padded[:, place + 3 :], torch.full((len(waveform), 7 - place), after))


def test_all_places_are_equally_likely_both_ends_included():
    random = np.random.default_rng(1)
    counts = np.bincount([place_of(RandomPadding(8)(STEREO, random), STEREO) for _ in range(3_000)], minlength=6)
    assert len(counts) == 6 and counts.min() > 0
    assert stats.chisquare(counts).pvalue > 0.01


@pytest.mark.parametrize("length", [1, 2, 3])
def test_long_sounds_stay_and_nothing_is_drawn(length):
    random = np.random.default_rng(2)
    state = random.bit_generator.state
    assert RandomPadding(length)(STEREO, random) is STEREO
    assert random.bit_generator.state == state


def test_same_seed_same_place():
    sources = np.random.default_rng(7), np.random.default_rng(7)
    first, second = ([RandomPadding(50)(STEREO, random) for _ in range(9)] for random in sources)
    assert all(map(torch.equal, first, second))


def test_bad_length():
    with pytest.raises(ArgumentError, match=r"'length' must be a positive integer \(got 0\)"):
        RandomPadding(0)
