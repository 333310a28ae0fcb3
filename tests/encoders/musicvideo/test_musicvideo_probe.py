"""Figures of classifiers against scikit-learn, and probes on labels that are and are not in the vectors."""

from dataclasses import replace

import numpy as np
import pytest
import torch
from sklearn.metrics import f1_score, roc_auc_score

from encoders.errors import ArgumentError
from encoders.musicvideo import (
    CONFIGURATIONS,
    PROBE_OPTIONS,
    REPRESENTATIONS,
    LabelledVectors,
    MusicVideoModel,
    aggregate_modalities,
    film_means,
    film_representations,
    macro_auc,
    macro_f1,
    planted_pairs,
    probe,
    probe_representations,
)

RANDOM = np.random.default_rng(0)
QUICK = replace(PROBE_OPTIONS, epochs=15, patience=3)


@pytest.mark.parametrize("levels", [2, 5, 1_000_000])
def test_the_area_is_that_of_scikit_learn_with_ties(levels):
    targets = RANDOM.random((300, 7)) < np.linspace(0.02, 0.8, 7)
    scores = np.round((RANDOM.random((300, 7)) + 0.3 * targets) * levels) / levels
    expected = np.mean([roc_auc_score(targets[:, place], scores[:, place]) for place in range(7)])
    got = macro_auc(torch.from_numpy(scores), torch.from_numpy(targets))
    assert got == pytest.approx(expected, abs=1e-12)
    targets[:, 0], targets[:, 1] = False, True  # no curve
    expected = np.mean([roc_auc_score(targets[:, place], scores[:, place]) for place in range(2, 7)])
    got = macro_auc(torch.from_numpy(scores), torch.from_numpy(targets))
    assert got == pytest.approx(expected, abs=1e-12)


def test_f1_is_that_of_scikit_learn():
    targets, predicted = RANDOM.random((200, 6)) < 0.3, RANDOM.random((200, 6)) < 0.4
    predicted[:, 2] = False
    expected = f1_score(targets, predicted, average="macro", zero_division=0)
    assert macro_f1(torch.from_numpy(predicted), torch.from_numpy(targets)) == pytest.approx(expected)
    targets[:, 0] = False  # nothing to find
    expected = f1_score(targets[:, 1:], predicted[:, 1:], average="macro", zero_division=0)
    assert macro_f1(torch.from_numpy(predicted), torch.from_numpy(targets)) == pytest.approx(expected)


def test_figures_of_nothing():
    none = torch.zeros(3, 2, dtype=torch.bool)
    with pytest.raises(ArgumentError, match="'targets' must have a class"):
        macro_auc(torch.zeros(3, 2), none)
    with pytest.raises(ArgumentError, match="'targets' must have a class"):
        macro_f1(none, none)
    with pytest.raises(ArgumentError, match="'scores' must be finite"):
        macro_auc(torch.full((3, 2), float("nan")), ~none)
    with pytest.raises(ArgumentError, match="must be of one shape"):
        macro_auc(torch.zeros(3, 1), none)


def parts(labels_of, count: int = 600) -> list[LabelledVectors]:
    """Three parts of random vectors."""
    random = torch.Generator().manual_seed(0)
    vectors = torch.randn(count, 16, generator=random)
    labels = labels_of(vectors, random)
    cuts = [count // 2, 3 * count // 4]
    pairs = zip(torch.tensor_split(vectors, cuts), torch.tensor_split(labels, cuts), strict=True)
    return [LabelledVectors(*pair) for pair in pairs]


def test_a_class_that_is_in_the_vectors_is_read_and_a_random_one_is_not():
    found = probe(*parts(lambda vectors, _: vectors[:, :5].argmax(dim=1)), options=QUICK)
    assert found.auc > 0.9 and found.f1 > 0.6 and found.seeds == 3
    assert 0 < found.auc_deviation < 0.05 and 0 < found.f1_deviation < 0.1
    random = probe(*parts(lambda vectors, draw: torch.randint(5, (len(vectors),), generator=draw)), options=QUICK)
    assert abs(random.auc - 0.5) < 0.08 and random.f1 < 0.3


def test_tags_that_are_in_the_vectors_are_read_and_random_ones_are_not():
    found = probe(*parts(lambda vectors, _: vectors[:, :4] > 0.3), options=QUICK, seeds=(0,))
    assert found.auc > 0.9 and found.f1 > 0.7 and found.auc_deviation == 0
    random = probe(*parts(lambda vectors, draw: torch.rand(len(vectors), 4, generator=draw) < 0.4), options=QUICK)
    assert abs(random.auc - 0.5) < 0.08


def test_a_probe_is_of_its_seed_and_scale_does_not_matter():
    three = parts(lambda vectors, _: vectors[:, :5].argmax(dim=1))
    options = replace(QUICK, epochs=3)
    first = probe(*three, options=options, seeds=(1, 2))
    torch.manual_seed(8)
    assert probe(*three, options=options, seeds=(1, 2)) == first
    assert probe(*three, options=options, seeds=(1, 3)) != first
    moved = [LabelledVectors(part.vectors / 64 + 5, part.labels) for part in three]
    assert probe(*moved, options=options, seeds=(1, 2)).auc == pytest.approx(first.auc, abs=0.01)


def test_films_are_means_of_segments_and_then_of_modalities():
    features = planted_pairs(20, shared=1.0, seed=0, segments=3, audio_features=30, video_features=20)
    model = MusicVideoModel(replace(CONFIGURATIONS["base"], hidden=8), audio_features=30, video_features=20).eval()
    found = film_representations(model, features)
    assert tuple(found) == REPRESENTATIONS == ("musicnn", "r2plus1d", "musicnn+r2plus1d", "CL_a", "CL_v", "CL_agg")
    assert [rows.shape for rows in found.values()] == [(20, width) for width in (30, 20, 50, 256, 256, 256)]
    torch.testing.assert_close(found["musicnn"][4], features.audio[12:15].mean(dim=0))
    vectors = model.encode(features)
    torch.testing.assert_close(found["CL_v"][4], vectors.video[12:15].mean(dim=0))
    torch.testing.assert_close(found["CL_agg"], film_means(aggregate_modalities(vectors), features.film, 20))
    uneven = film_means(torch.tensor([[1.0], [2], [6]]), torch.tensor([2, 2, 0]), 4)
    assert uneven.tolist() == [[6.0], [0.0], [1.5], [0.0]]


def test_representations_are_probed_by_genre_and_by_tag():
    features = planted_pairs(240, shared=1.0, seed=0, segments=2, film_share=1.0, audio_features=30, video_features=20)
    means = film_means(features.audio, features.film, 240)
    genre = (means - means.mean(dim=0))[:, :3].argmax(dim=1).tolist()
    genres = {name: f"genre {number}" for name, number in zip(features.film_names, genre, strict=True)}
    split = features.split(0.5, 0.2, 0.3)
    model = MusicVideoModel(CONFIGURATIONS["base"], audio_features=30, video_features=20).eval()
    found = probe_representations(model, split, genres, options=QUICK, seeds=(0,))
    assert tuple(found) == REPRESENTATIONS
    assert found["musicnn"].auc > 0.9 and found["r2plus1d"].auc > 0.7  # the causes are shared
    del genres[split.train.film_names[0]]
    tags = {name: {label, "common"} if number % 2 else {label} for number, (name, label) in enumerate(genres.items())}
    tags[split.test.film_names[0]] = {"never seen in training"}
    (result,) = probe_representations(
        model, split, tags, options=QUICK, seeds=(0,), representations=("musicnn",), max_classes=3
    ).values()
    assert 0.6 < result.auc <= 1
    with pytest.raises(ArgumentError, match=r"'representations' must be of musicnn, .* \(got clip\)"):
        probe_representations(model, split, genres, representations=("clip",))
    with pytest.raises(ArgumentError, match=r"'labels' must name films of each part \(none of 'valid'\)"):
        probe_representations(model, split, {name: "a" for name in split.train.film_names})


def test_probes_that_cannot_be():
    train = LabelledVectors(torch.randn(9, 4), torch.zeros(9, dtype=torch.int64))
    for bad in (
        LabelledVectors(torch.randn(9, 5), train.labels),
        LabelledVectors(train.vectors, train.labels[:4]),
        LabelledVectors(train.vectors, train.labels.float()),
    ):
        with pytest.raises(ArgumentError, match="'test' must hold rows of the width of 'train'"):
            probe(train, train, bad)
    with pytest.raises(ArgumentError, match="'seeds' must hold at least one"):
        probe(train, train, train, seeds=())
