import copy

import pytest
import torch

from encoders.audioclip.fit import fit_audioclip
from encoders.clip_text import tokenize
from encoders.errors import ArgumentError
from encoders.training import TrainingOptions


def options(**changes):
    return TrainingOptions(**{"epochs": 1, "batch_size": 8, "optimizer": "adamw", "learning_rate": 1e-3} | changes)


@pytest.fixture
def contents():
    """Items of two kinds that show in all three contents: bright, high and 'day', or dark, low and 'night'."""
    random = torch.Generator().manual_seed(0)
    kind = torch.arange(16) % 2
    image = torch.randn(16, 3, 64, 64, generator=random) * 0.1 + (2.0 * kind - 1)[:, None, None, None]
    hertz = 200 + 1800 * kind
    time = torch.arange(4000) / 16_000
    audio = 0.4 * torch.sin(6.283 * hertz[:, None] * time) + 0.01 * torch.randn(16, 4000, generator=random)
    text = tokenize([f"a {'day' if one else 'night'} number {place}" for place, one in enumerate(kind)], 77)[0]
    return {"image": image, "text": text, "audio": audio}, kind


def test_contents_of_one_kind_come_together(tiny, contents):
    model = copy.deepcopy(tiny)
    tensors, kind = contents
    losses = []
    fit_audioclip(
        model,
        **tensors,
        options=options(epochs=30, decay=0.92),
        on_epoch=lambda record: losses.append(record["losses"]["contrast"]),
    )
    assert not model.training
    assert len(losses) == 30
    assert losses[-1] < 0.6 * losses[0]
    with torch.no_grad():
        output = model(**tensors, sample_rate=16_000)
    for name in ("audio_image", "audio_text", "image_text"):
        nearest = getattr(output, name).argmax(dim=1)
        assert (kind[nearest] == kind).float().mean() >= 0.9, name


def test_the_same_seed_gives_the_same_weights(tiny, contents):
    tensors, _ = contents
    states = []
    for seed in (0, 0, 1):
        model = copy.deepcopy(tiny)
        fit_audioclip(model, **tensors, options=options(seed=seed))
        states.append(model.audio.fc.weight.detach())
    assert torch.equal(states[0], states[1])
    assert not torch.equal(states[0], states[2])


@pytest.mark.parametrize(
    ("change", "batch_size", "message"),
    [
        ({}, 17, r"'batch_size' must be at most the number of training items 16 \(got 17\)"),
        ({}, 1, r"'batch_size' must be at least 2 \(got 1\)"),
        ({"audio": torch.zeros(3, 4000)}, 8, "equally many items"),
    ],
)
def test_bad_arguments(tiny, contents, change, batch_size, message):
    with pytest.raises(ArgumentError, match=message):
        fit_audioclip(copy.deepcopy(tiny), **(contents[0] | change), options=options(batch_size=batch_size))
