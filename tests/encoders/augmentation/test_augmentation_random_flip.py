import numpy as np
import pytest
import torch
from scipy import stats

from encoders.augmentation import RandomFlip
from encoders.errors import ArgumentError

STEREO = torch.tensor([[0.1, 0.2, 0.3], [-0.4, -0.5, -0.6]])


def test_inverts_time_and_keeps_channels():
    random = np.random.default_rng(0)
    assert torch.equal(RandomFlip(1.0)(STEREO, random), torch.tensor([[0.3, 0.2, 0.1], [-0.6, -0.5, -0.4]]))
    assert torch.equal(RandomFlip(1.0)(STEREO[:1], random), torch.tensor([[0.3, 0.2, 0.1]]))


def test_compatible_swaps_channels_and_leaves_mono():
    random = np.random.default_rng(0)
    flip = RandomFlip(1.0, compatible=True)
    assert torch.equal(flip(STEREO, random), STEREO[[1, 0]])
    assert torch.equal(flip(STEREO[:1], random), STEREO[:1])


@pytest.mark.parametrize("probability", [0.25, 0.5, 0.9])
def test_how_often(probability):
    random = np.random.default_rng(1)
    flipped = sum(not torch.equal(RandomFlip(probability)(STEREO, random), STEREO) for _ in range(2_000))
    low, high = stats.binom.interval(0.999, 2_000, probability)
    assert low <= flipped <= high


def test_never_and_always():
    random = np.random.default_rng(2)
    assert all(torch.equal(RandomFlip(0.0)(STEREO, random), STEREO) for _ in range(200))
    assert not any(torch.equal(RandomFlip(1.0)(STEREO, random), STEREO) for _ in range(200))


def test_the_default_is_every_other_sound():
    assert RandomFlip() == RandomFlip(probability=0.5, compatible=False)


def test_same_seed_same_decisions():
    first, second = ([], [])
    for decisions in (first, second):
        random = np.random.default_rng(5)
        decisions += [bool(torch.equal(RandomFlip()(STEREO, random), STEREO)) for _ in range(50)]
    assert first == second and 10 < sum(first) < 40


@pytest.mark.parametrize("probability", [-0.1, 1.5, float("nan")])
def test_bad_probability(probability):
    with pytest.raises(ArgumentError, match=rf"'probability' must be between 0 and 1 \(got {probability}\)"):
        RandomFlip(probability)
