import numpy as np
import pytest
import torch
from scipy import stats

from encoders.augmentation import RandomCrop
from encoders.errors import ArgumentError

LENGTH = 4


class Fixed:
    """Draws one place."""

    def __init__(self, place: int) -> None:
        self.place = place

    def integers(self, low, high):
        assert low == 0 <= self.place < high
        return self.place


def sound(*amplitudes, channels=1):
    """A square wave of four samples for each amplitude; their deviations are as the amplitudes."""
    pieces = [amplitude * torch.tensor([1.0, -1.0, 1.0, -1.0]) for amplitude in amplitudes]
    return torch.cat(pieces).repeat(channels, 1)


@pytest.mark.parametrize("channels", [1, 2])
@pytest.mark.parametrize(
    "amplitudes, place, taken",
    [
        ((0.1, 0.6, 0.2, 0.3), 4, 4),  # loud: the drawn piece
        ((0.9, 0.1, 0.9, 0.8), 4, 0),  # quiet, and the first is loud: the first
        ((0.2, 0.1, 0.9, 0.8), 4, 12),  # quiet, and the first is quiet but louder: the last
        ((0.2, 0.1, 0.9, 0.0), 4, 12),  # ... however quiet that is
        ((0.1, 0.2, 0.9, 0.8), 4, 0),  # quiet, and the first is more so: the first all the same
        ((0.1, 0.9, 0.9, 0.8), 0, 0),  # quiet, and it is the first itself: not louder, so it stays
        ((0.1, 0.9, 0.9, 0.1), 12, 0),
    ],
)
def test_quiet_pieces_are_exchanged(amplitudes, place, taken, channels):
    waveform = sound(*amplitudes, channels=channels)
    waveform += 1e-4 * torch.arange(16)  # tells the samples apart
    cropped = RandomCrop(LENGTH)(waveform, Fixed(place))
    assert torch.equal(cropped, waveform[:, taken : taken + LENGTH])


def test_of_two_pieces_that_are_as_quiet_the_first_is_taken():
    waveform = sound(0.1, -0.1, 0.9, 0.8)
    assert torch.equal(RandomCrop(LENGTH)(waveform, Fixed(4)), waveform[:, :LENGTH])


@pytest.mark.parametrize("share, taken", [(0.52, 4), (0.48, 0)])
def test_quiet_is_less_than_half_the_deviation_of_the_whole(share, taken):
    loud = sound(0.5, 0.5, 0.5, 0.5, 0.5, 0.5, 0.5, 0.5) + 1e-5 * torch.arange(32)
    waveform = loud.clone()
    deviation = float(loud.std())
    # The piece lowers the deviation of the whole, too: solve d = share * sqrt((7 * s ** 2 + d ** 2) / 8).
    amplitude = deviation * share * (7 / (8 - share**2)) ** 0.5
    waveform[:, 4:8] *= amplitude / deviation
    # Of a piece of four and a whole of 32 samples the unbiased deviations differ by a factor of 1.137.
    waveform[:, 4:8] *= (3 / 4) ** 0.5 * (32 / 31) ** 0.5
    assert float(waveform[:, 4:8].std() / waveform.std()) == pytest.approx(share, rel=0.01)
    assert torch.equal(RandomCrop(LENGTH)(waveform, Fixed(4)), waveform[:, taken : taken + LENGTH])


@pytest.mark.parametrize("order", [[0, 1], [1, 0]])
def test_loudness_is_that_of_all_channels_together(order):
    waveform = torch.cat([sound(0.5, 0.5, 0.5), sound(0.5, 0.0, 0.5)])[order] + 1e-4 * torch.arange(12)
    assert torch.equal(RandomCrop(LENGTH)(waveform, Fixed(4)), waveform[:, 4:8])


def test_all_places_are_equally_likely_both_ends_included():
    random = np.random.default_rng(1)
    waveform = torch.tensor([[1.0, -1.0] * 4 + [1.0]]) * torch.linspace(0.9, 1, 9)
    starts = [round(float(RandomCrop(LENGTH)(waveform, random)[0, 0].abs() - 0.9) * 80) for _ in range(3_000)]
    counts = np.bincount(starts, minlength=6)
    assert len(counts) == 6 and counts.min() > 0
    assert stats.chisquare(counts).pvalue > 0.01


@pytest.mark.parametrize("length", [16, 17, 100])
def test_short_sounds_stay_and_nothing_is_drawn(length):
    random = np.random.default_rng(2)
    state = random.bit_generator.state
    waveform = sound(0.1, 0.2, 0.3, 0.4, channels=2)
    assert RandomCrop(length)(waveform, random) is waveform
    assert random.bit_generator.state == state


@pytest.mark.filterwarnings("error")
def test_pieces_of_one_sample():
    assert RandomCrop(1)(torch.tensor([[0.5, 0.5, 0.5]]), Fixed(2)).tolist() == [[0.5]]


def test_same_seed_same_piece():
    waveform = torch.rand(2, 400)
    sources = np.random.default_rng(7), np.random.default_rng(7)
    first, second = ([RandomCrop(9)(waveform, random) for _ in range(9)] for random in sources)
    assert all(map(torch.equal, first, second)) and len({float(piece[0, 0]) for piece in first}) > 5


def test_bad_length():
    with pytest.raises(ArgumentError, match=r"'length' must be a positive integer \(got -1\)"):
        RandomCrop(-1)
