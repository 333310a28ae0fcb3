"""Neighbours, consistency and their picture."""

import builtins
from dataclasses import replace

import numpy as np
import pytest
import torch
from PIL import Image
from sklearn.metrics import roc_auc_score
from sounding import film_with_sound, tone

from encoders.errors import ArgumentError, MissingPackageError
from encoders.musicvideo import (
    CONFIGURATIONS,
    MusicVideoModel,
    SegmentFeatures,
    SegmentOptions,
    analyse_similarity,
    cut_segments,
    draw_similarity,
    measure_consistency,
    nearest_neighbours,
    planted_pairs,
    read_segment_table,
)

SMALL = {"audio_features": 30, "video_features": 20}


def model() -> MusicVideoModel:
    torch.manual_seed(0)
    return MusicVideoModel(replace(CONFIGURATIONS["base"], hidden=32), **SMALL).eval()


def test_neighbours_are_the_nearest_by_cosine_without_the_seed_and_its_group():
    angles = torch.tensor([0.0, 0.1, 0.3, 0.6, 3.0])
    vectors = torch.stack([angles.cos(), angles.sin()], dim=1) * torch.tensor([1.0, 5, 0.1, 2, 9])[:, None]
    found = nearest_neighbours(vectors, torch.tensor([1, 4]), k=2)
    assert found.rows.tolist() == [[0, 2], [3, 2]]
    torch.testing.assert_close(found.similarity[0], torch.tensor([0.1, 0.2]).cos())
    found = nearest_neighbours(vectors, torch.tensor([1]), k=2, group=torch.tensor([0, 0, 1, 0, 1]))
    assert found.rows.tolist() == [[2, 4]]
    with pytest.raises(ArgumentError, match=r"'k' must be positive and at most the number of other rows \(got 5 of 5"):
        nearest_neighbours(vectors, torch.tensor([1]), k=5)


def test_consistency_is_that_of_all_pairs_written_out():
    random = np.random.default_rng(0)
    film = torch.from_numpy(random.integers(0, 9, 60))
    centres = torch.from_numpy(random.normal(size=(9, 4)))
    vectors = 0.7 * centres[film] + torch.from_numpy(random.normal(size=(60, 4)))
    found = measure_consistency(vectors.float(), film)
    unit = vectors / vectors.norm(dim=1, keepdim=True)
    first, second = np.triu_indices(60, 1)
    cosines, same = (unit @ unit.T).numpy()[first, second], (film[first] == film[second]).numpy()
    assert found.within == pytest.approx(cosines[same].mean(), abs=1e-6)
    assert found.between == pytest.approx(cosines[~same].mean(), abs=1e-6)
    assert found.difference == pytest.approx(cosines[same].mean() - cosines[~same].mean(), abs=1e-6)
    assert found.auc == pytest.approx(roc_auc_score(same, cosines), abs=0.01)


def test_films_show_in_planted_segments_and_not_in_shuffled_ones():
    features = planted_pairs(300, shared=1.0, seed=0, segments=6, **SMALL)
    own = measure_consistency(features.audio, features.film)
    assert own.difference > 0.1 and own.auc > 0.7
    shuffled = features.film[torch.from_numpy(np.random.default_rng(0).permutation(1800))]
    none = measure_consistency(features.audio, shuffled)
    assert abs(none.difference) < 0.01 and abs(none.auc - 0.5) < 0.01
    whole = planted_pairs(300, shared=1.0, seed=0, segments=2, film_share=1.0, noise=0.0, **SMALL)
    same = measure_consistency(whole.audio, whole.film)
    assert same.within == pytest.approx(1) and same.auc > 0.999
    assert measure_consistency(torch.ones(6, 3), torch.arange(6) // 2).auc == 0.5  # ties
    for film in (torch.arange(6), torch.zeros(6, dtype=torch.int64)):
        with pytest.raises(ArgumentError, match="at least two films"):
            measure_consistency(torch.ones(6, 3), film)


def test_an_analysis_of_films_and_of_segments():
    features = planted_pairs(40, shared=1.0, seed=0, segments=3, **SMALL)
    films = analyse_similarity(model(), features)
    assert films.of_films and len(films.seeds) == 25 and films.names == features.film_names
    assert set(films.neighbours) == set(films.consistency) == {"audio", "video", "aggregated"}
    for found in films.neighbours.values():
        assert found.rows.shape == (25, 3) and not bool((found.rows == films.seeds[:, None]).any())
        assert bool((found.similarity.diff(dim=1) <= 0).all())
    segments = analyse_similarity(model(), features, films=False, seed=1)
    assert not segments.of_films and len(segments.seeds) == 20
    assert segments.names[7] == "film-00002-1"
    for found in segments.neighbours.values():
        assert not bool((features.film[found.rows] == features.film[segments.seeds][:, None]).any())
    assert torch.equal(analyse_similarity(model(), features, seeds=[3, 1]).seeds, torch.tensor([3, 1]))
    assert not torch.equal(analyse_similarity(model(), features, seed=1).seeds, films.seeds)


def test_a_picture_without_frames(tmp_path):
    features = planted_pairs(40, shared=1.0, seed=0, segments=3, **SMALL)
    names = tuple(f"Live at $x^2$ \u2014 a very long name of a film, number {number}" for number in range(40))
    analysis = analyse_similarity(model(), replace(features, film_names=names))
    draw_similarity(analysis, tmp_path / "a.png", max_seeds=2, dpi=50)
    draw_similarity(analysis, tmp_path / "b.png", max_seeds=3, dpi=50)
    small, large = (np.asarray(Image.open(tmp_path / name).convert("RGB")) for name in ("a.png", "b.png"))
    assert small.shape[1] == large.shape[1] and large.shape[0] > small.shape[0] + 50
    assert len(np.unique(large.reshape(-1, 3), axis=0)) > 100
    assert sorted(path.name for path in tmp_path.iterdir()) == ["a.png", "b.png"]
    with pytest.raises(ArgumentError, match=r"'max_seeds' must be a positive integer \(got 0\)"):
        draw_similarity(analysis, tmp_path / "c.png", max_seeds=0)


def test_a_picture_shows_the_middle_frames(tmp_path):
    films = tmp_path / "films"
    films.mkdir()
    for name, grey in (("dark", 40), ("middle", 130), ("light", 220)):
        content = film_with_sound(tone(300, 4.0), grey=np.full(40, grey), size=(64, 36))
        (films / f"{name}.mkv").write_bytes(content)
    cut_segments(films, tmp_path / "data", options=SegmentOptions(sections=2, seconds=1.0))
    rows = read_segment_table(tmp_path / "data")
    (tmp_path / "data" / "middle-1.mp4").write_bytes(b"broken")
    features = SegmentFeatures(
        torch.randn(6, 30),
        torch.randn(6, 20),
        torch.tensor([("dark", "light", "middle").index(row.film) for row in rows]),
        ("dark", "light", "middle"),
        torch.tensor([row.section for row in rows]),
    )
    analysis = analyse_similarity(model(), features, films=False, seeds=[0], k=4)
    draw_similarity(analysis, tmp_path / "a.png", folder=tmp_path / "data", dpi=50)
    pixels = np.asarray(Image.open(tmp_path / "a.png").convert("RGB")).reshape(-1, 3)
    for grey, tiles in (
        (40, 1),
        (220, 6),
        (130, 3),
    ):  # one of the two of 'middle' cannot be read and is a coloured tile
        shown = (np.abs(pixels.astype(int) - grey).max(axis=1) <= 2).sum() / (75 * 42)
        assert shown == pytest.approx(tiles, abs=0.25)


def test_without_matplotlib(tmp_path, monkeypatch):
    real = builtins.__import__

    def without(name, *arguments):
        if name.startswith("matplotlib"):
            raise ImportError(name)
        return real(name, *arguments)

    analysis = analyse_similarity(model(), planted_pairs(9, shared=1.0, seed=0, segments=2, **SMALL))
    monkeypatch.setattr(builtins, "__import__", without)
    with pytest.raises(MissingPackageError, match=r"'matplotlib'.*gnnrec\[plot\]"):
        draw_similarity(analysis, tmp_path / "a.png")
