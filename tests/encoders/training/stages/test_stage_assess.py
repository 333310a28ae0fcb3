"""Figures of trained models against those worked out by hand from their vectors."""

import json
import sys

import pytest
import torch

from encoders.audioclip import AudioCLIP
from encoders.datasets import LabeledCollection
from encoders.errors import ArgumentError, WeightsError
from encoders.training import TrainingOptions
from encoders.training.stages import StageModel, StageSettings, assess, run_stage

pytestmark = pytest.mark.filterwarnings("ignore::encoders.errors.RandomWeightsWarning")

SETTINGS = StageSettings("joint", size="audioclip-tiny")


@pytest.fixture(scope="module")
def tiny():
    torch.manual_seed(2)
    return StageModel(AudioCLIP.from_preset("audioclip-tiny").eval(), "audioclip-tiny")


@pytest.fixture
def planted(tiny, monkeypatch):
    """A model whose vectors are set by the test: sounds, pictures and texts by what they are called."""
    rows = {}
    model = tiny.model
    module = sys.modules[assess.__module__]
    monkeypatch.setattr(
        module, "_sound_rows", lambda head, samples, *rest: torch.stack([rows[i.labels] for i in samples.items])
    )
    monkeypatch.setattr(
        module, "_image_rows", lambda model, items, *rest: torch.stack([rows["image", i.labels] for i in items])
    )
    monkeypatch.setattr(module, "_text_rows", lambda model, texts: torch.stack([rows[text] for text in texts]))
    return StageModel(model, "audioclip-tiny"), rows


def test_each_direction_compares_the_right_vectors(planted, tones):
    """Sounds lie on their own names but for class 1, which lies on the name of class 2; pictures are all right."""
    trained, rows = planted
    names = tones.classes
    for label, name in enumerate(names):
        rows[name] = torch.eye(3)[label]
        rows[(label,)] = torch.eye(3)[2 if label == 1 else label]
        rows["image", (label,)] = torch.eye(3)[label]
    items = [item for item in tones.items if item.fold == 1]  # 5 of each class
    figures = assess(trained, tones, items, SETTINGS).figures
    assert figures["zero-shot audio"]["accuracy"] == pytest.approx(2 / 3)
    assert figures["zero-shot image"]["accuracy"] == pytest.approx(1)
    # Of both: class 1 has a cosine of 1 with two names, and the greater scale, that of sounds, decides.
    assert figures["zero-shot audio and image"]["accuracy"] == pytest.approx(2 / 3)
    # Text 0: 5 right of 5 at the top. Text 1: all at cosine 0 or below, tied: 5 relevant of 15. Text 2: 5 of 10.
    query = figures["querying text to audio"]
    assert query["precision@1"] == pytest.approx((1 + 5 / 15 + 5 / 10) / 3)
    assert query["recall@1"] == pytest.approx((1 + 5 / 15 + 5 / 10) / 3 / 5)
    assert query["mean_average_precision"] == pytest.approx((1 + 5 / 15 + 5 / 10) / 3)
    assert figures["querying image to text"]["precision@1"] == pytest.approx(1)
    # Sounds of class 1 find the name of class 2 first and then, tied, those of 0 and 1.
    assert figures["querying audio to text"]["precision@1"] == pytest.approx(2 / 3)
    assert figures["querying audio to text"]["mean_average_precision"] == pytest.approx((5 + 5 + 5 * (1 / 3)) / 15)
    assert set(figures) == {
        "zero-shot audio",
        "zero-shot image",
        "zero-shot audio and image",
        *(f"querying {a} to {b}" for a in ("text", "audio", "image") for b in ("text", "audio", "image") if a != b),
    }


def test_confusions_count_true_classes_in_rows(planted, tones):
    trained, rows = planted
    for label, name in enumerate(tones.classes):
        rows[name] = torch.eye(3)[label]
        rows[(label,)] = torch.eye(3)[2 if label == 1 else label]
        rows["image", (label,)] = torch.eye(3)[label]
    items = [item for item in tones.items if item.fold == 1]
    confusion = assess(trained, tones, items, SETTINGS).confusion
    assert confusion.tolist() == [[5, 0, 0], [0, 0, 5], [0, 0, 5]]


def test_texts_of_several_classes_are_queries_of_their_own(planted, chords):
    trained, rows = planted
    sets = {item.labels for item in chords.items}
    texts = {", ".join(chords.classes[label] for label in labels): labels for labels in sets}
    for name in chords.classes:
        rows[f"the sound of {name}"] = torch.eye(8)[5 + chords.classes.index(name)]
    for place, (text, labels) in enumerate(sorted(texts.items())):
        rows[f"the sound of {text}"] = torch.eye(8)[place]
        rows[labels] = rows["image", labels] = torch.eye(8)[place]
    figures = assess(trained, chords, chords.items, SETTINGS, template="the sound of {}").figures
    assert figures["querying text to audio"]["precision@1"] == pytest.approx(1)
    assert figures["querying text to audio"]["recall@1"] == pytest.approx(1 / 8)  # 8 of 40 items for each of 5 sets
    assert set(figures["zero-shot audio"]) == {"mean_average_precision"}


def test_real_vectors_do_not_depend_on_the_batch(tiny, tones):
    items = tones.items[:7]
    whole = assess(tiny, tones, items, SETTINGS, batch_size=7).figures
    single = assess(tiny, tones, items, SETTINGS, batch_size=2).figures
    assert {task: pytest.approx(values, abs=1e-6) for task, values in whole.items()} == single


def test_a_classifier_is_read_again_with_its_classes(tones, tmp_path):
    train, test = tones.fold_split(1)
    options = TrainingOptions(epochs=1, batch_size=10, optimizer="adamw", learning_rate=1e-3)
    alone = StageSettings("audio-pretrain", size="audioclip-tiny")
    result = run_stage(tones, alone, options, train=train, test=test, folder=tmp_path)
    trained = StageModel.read(tmp_path)
    assert (trained.size, trained.classes) == ("audioclip-tiny", tones.classes)
    found = assess(trained, tones, test, SETTINGS)
    assert found.figures["classification"]["accuracy"] == pytest.approx(result.test["accuracy"])
    assert int(found.confusion.sum()) == 15
    assert json.loads((tmp_path / "metrics.json").read_text())["items"]["test"] == 15
    other = LabeledCollection("other", tones.items, ("a", "b", "c"), seconds=0.5)
    with pytest.raises(
        ArgumentError, match="the model tells low hum, middle tone, high whistle apart; 'other' has a, b, c"
    ):
        assess(trained, other, test, SETTINGS)


def test_what_cannot_be_measured_is_refused(tiny, tones, tmp_path):
    with pytest.raises(ArgumentError, match=r"'template' must contain \{\}"):
        assess(tiny, tones, tones.items, SETTINGS, template="a sound")
    bare = [type(item)(item.name, labels=item.labels) for item in tones.items]
    with pytest.raises(ArgumentError, match="no item of 'tones' has a sound or a picture"):
        assess(tiny, tones, bare, SETTINGS)
    with pytest.raises(WeightsError, match="there is no such file"):
        StageModel.read(tmp_path)
