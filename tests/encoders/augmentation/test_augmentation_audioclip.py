import numpy as np
import pytest
import torch

from encoders.augmentation import (
    CenterFit,
    Pipeline,
    RandomCrop,
    RandomFlip,
    RandomNoise,
    RandomPadding,
    RandomScale,
    audioclip_augmentation,
    audioclip_evaluation,
)
from encoders.errors import ArgumentError

EVERY = [RandomFlip(), RandomScale(), RandomPadding(5), RandomCrop(5), RandomNoise(probability=1.0), CenterFit(5)]


def test_the_papers_transforms_in_the_order_of_its_code():
    assert audioclip_augmentation(220_500) == Pipeline(
        (RandomFlip(0.5), RandomScale(1.5), RandomPadding(220_500), RandomCrop(220_500), RandomNoise(10, 120, 0.25))
    )
    assert audioclip_evaluation(176_400) == CenterFit(176_400)


@pytest.mark.parametrize("channels", [1, 2])
@pytest.mark.parametrize("samples", [1, 700, 1_000, 2_500])
def test_any_sound_gets_the_length(channels, samples):
    random = np.random.default_rng(0)
    waveform = torch.rand(channels, samples, generator=torch.Generator().manual_seed(0)) * 2 - 1
    kept = waveform.clone()
    for _ in range(30):
        augmented = audioclip_augmentation(1_000)(waveform, random)
        assert augmented.shape == (channels, 1_000) and augmented.dtype == torch.float32
        assert bool(torch.isfinite(augmented).all()) and float(augmented.abs().max()) <= 1
    assert audioclip_evaluation(1_000)(waveform).shape == (channels, 1_000)
    assert torch.equal(waveform, kept)


def test_channels_stay_together():
    waveform = torch.rand(1, 1_000).repeat(2, 1)
    pipeline = Pipeline(audioclip_augmentation(1_000).transforms[:-1])
    random = np.random.default_rng(1)
    for _ in range(20):
        left, right = pipeline(waveform, random)
        assert torch.equal(left, right)


def test_same_seed_same_sounds():
    waveform = torch.rand(2, 900) - 0.5
    pipeline = audioclip_augmentation(1_000)
    first, second, other = (
        [pipeline(waveform, random) for _ in range(5)] for random in map(np.random.default_rng, (3, 3, 4))
    )
    assert all(map(torch.equal, first, second)) and not any(map(torch.equal, first, other))
    assert not torch.equal(first[0], first[1])


def test_transforms_run_in_order():
    waveform = torch.arange(8.0)[None]
    random = np.random.default_rng(0)
    backwards_first = Pipeline((RandomFlip(1.0), lambda sound, random: sound[:, :3]))
    assert backwards_first(waveform, random).tolist() == [[7.0, 6.0, 5.0]]
    assert Pipeline(backwards_first.transforms[::-1])(waveform, random).tolist() == [[2.0, 1.0, 0.0]]
    assert Pipeline(())(waveform, random) is waveform


@pytest.mark.parametrize("transform", EVERY, ids=repr)
@pytest.mark.parametrize("waveform", [torch.zeros(4), torch.zeros(1, 0), torch.zeros(1, 1, 4), torch.ones(1, 4).int()])
def test_what_is_no_sound(transform, waveform):
    with pytest.raises(ArgumentError, match=r"'waveform' must be floating of shape \(channels, samples\)") as caught:
        transform(waveform, np.random.default_rng(0))
    assert str((waveform.dtype, tuple(waveform.shape)))[1:-1] in str(caught.value)


@pytest.mark.parametrize("transform", EVERY, ids=repr)
def test_kind_of_numbers_is_kept(transform):
    waveform = torch.rand(2, 9, dtype=torch.float64)
    assert transform(waveform, np.random.default_rng(0)).dtype == torch.float64


def test_bad_length():
    for build in (audioclip_augmentation, audioclip_evaluation):
        with pytest.raises(ArgumentError, match=r"'length' must be a positive integer \(got 0\)"):
            build(0)
