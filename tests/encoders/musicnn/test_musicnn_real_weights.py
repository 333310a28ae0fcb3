"""On the published weights beside the checkout: nothing here but real training makes a violin a violin."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import torch

from encoders.content import Sound
from encoders.musicnn import Musicnn

h5py = pytest.importorskip("h5py")

WEIGHTS = Path(__file__).resolve().parents[3].parent / "shared" / "data" / "weights"
SAMPLE_RATE = 44_100

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(not WEIGHTS.is_dir(), reason="the real weights do not lie beside this checkout"),
]


def violin_like() -> Sound:
    """Three bowed notes: all harmonics, vibrato that sets in slowly, a soft attack, some bow noise."""
    time = np.arange(SAMPLE_RATE) / SAMPLE_RATE
    generator = np.random.default_rng(0)
    notes = []
    for hertz in (440.0, 523.25, 659.26):
        vibrato = 1 + 0.006 * np.sin(2 * np.pi * 5.5 * time) * np.minimum(1, time / 0.3)
        phase = 2 * np.pi * np.cumsum(hertz * vibrato) / SAMPLE_RATE
        harmonics = sum(np.sin(number * phase) / number for number in range(1, int(8000 // hertz)))
        envelope = np.minimum(1, time / 0.12) * np.minimum(1, (1 - time) / 0.06)
        notes.append(envelope * (harmonics + 0.02 * generator.normal(size=len(time))))
    return stereo(0.3 * np.concatenate(notes))


def drum_like() -> Sound:
    """120 beats a minute: a falling, fading sine on each, noise after every other, ticks between."""
    time = np.arange(3 * SAMPLE_RATE) / SAMPLE_RATE
    generator = np.random.default_rng(1)
    mix = np.zeros_like(time)
    for number in range(12):
        since = np.maximum(time - number / 4, 0)
        noise = generator.normal(size=len(time)) * (time >= number / 4)
        if number % 2 == 0:
            mix += 0.8 * np.sin(2 * np.pi * (50 * since + 4 * (1 - np.exp(-30 * since)))) * np.exp(-9 * since)
        if number % 4 == 2:
            mix += 0.4 * noise * np.exp(-18 * since)
        mix += 0.1 * noise * np.exp(-60 * since)
    return stereo(0.9 * mix / np.abs(mix).max())


def stereo(samples: np.ndarray) -> Sound:
    return Sound(torch.from_numpy(np.stack([samples, samples])).float(), SAMPLE_RATE)


@pytest.mark.parametrize(
    ("tags", "sound", "plausible"),
    [
        ("mtt", violin_like(), {"violin", "strings"}),
        ("mtt", drum_like(), {"drums", "beat"}),
        ("msd", violin_like(), {"instrumental"}),
        ("msd", drum_like(), {"electronic"}),
    ],
    ids=["mtt-violin", "mtt-drums", "msd-violin", "msd-drums"],
)
def test_tags_of_made_up_sounds(tags: str, sound: Sound, plausible: set[str]) -> None:
    top = Musicnn(WEIGHTS / f"musicnn_{tags}.h5", tags).tag(sound)
    print(top)
    assert plausible <= {name for name, _ in top}


@torch.no_grad()
@pytest.mark.parametrize("tags", ["mtt", "msd"])
def test_every_layer_against_numpy(tags: str, numpy_forward: Callable) -> None:
    path = WEIGHTS / f"musicnn_{tags}.h5"
    arrays: dict[str, np.ndarray] = {}
    with h5py.File(path, "r") as file:
        file.visititems(lambda name, node: arrays.update({name: node[()]}) if hasattr(node, "shape") else None)
    encoder = Musicnn(path, tags).eval()
    for sound in (violin_like(), drum_like()):
        image = encoder.network.log_mel(encoder.preprocess(sound).samples)
        for part, expected in zip(encoder.network(image), numpy_forward(arrays, image[0].numpy()), strict=True):
            np.testing.assert_allclose(part[0].numpy(), expected, atol=1e-4 * np.abs(expected).max())


@pytest.mark.parametrize("tags", ["mtt", "msd"])
def test_maxima_and_means_alternate_in_the_file(tags: str) -> None:
    """No channel's maximum is below its mean, up to rounding; in any other order many would be."""
    with h5py.File(WEIGHTS / f"musicnn_{tags}.h5", "r") as file:
        means = file["bn_flatpool/bn_flatpool/moving_mean:0"][()]
    assert (means[0::2] - means[1::2]).min() > -1e-6
    assert (means[:753] - means[753:]).min() < -1
