"""Small data sets of tones with pictures, in which pitch, colour and name tell the class."""

import numpy as np
import pytest
import soundfile
from PIL import Image

from encoders.datasets import LabeledCollection, LabeledItem

CLASSES = ("low hum", "middle tone", "high whistle")
HERTZ = (200, 900, 3000)
COLOURS = ((200, 30, 30), (30, 200, 30), (30, 30, 200))
RATE = 16_000


def make_item(folder, number, labels, random, *, frames=2, fold=None, part=None):
    time = np.arange(RATE // 2) / RATE
    tone = sum(0.3 * np.sin(2 * np.pi * HERTZ[label] * random.uniform(0.9, 1.1) * time) for label in labels)
    sound = folder / f"{number}.wav"
    soundfile.write(sound, tone + 0.02 * random.standard_normal(len(time)), RATE)
    images = []
    for frame in range(frames):
        colour = np.mean([COLOURS[label] for label in labels], axis=0)
        pixels = np.clip(colour + random.normal(0, 20, (64, 64, 3)), 0, 255).astype(np.uint8)
        path = folder / f"{number}-{frame}.png"
        Image.fromarray(pixels).save(path)
        images.append(path)
    return LabeledItem(str(number), audio=sound, images=tuple(images), labels=tuple(labels), fold=fold, part=part)


@pytest.fixture(scope="session")
def tones(tmp_path_factory):
    """45 items of one class each, in 3 folds of 15."""
    folder, random = tmp_path_factory.mktemp("tones"), np.random.default_rng(0)
    items = [make_item(folder, number, (number % 3,), random, fold=1 + number // 3 % 3) for number in range(45)]
    return LabeledCollection("tones", tuple(items), CLASSES, seconds=0.5)


@pytest.fixture(scope="session")
def chords(tmp_path_factory):
    """40 items of one or two classes each: 30 to train on, 10 to test."""
    folder, random = tmp_path_factory.mktemp("chords"), np.random.default_rng(1)
    sets = [(0,), (1,), (2,), (0, 1), (1, 2)]
    items = [
        make_item(folder, number, sets[number % 5], random, part="train" if number < 30 else "test")
        for number in range(40)
    ]
    return LabeledCollection("chords", tuple(items), CLASSES, multi_label=True, seconds=0.5)
