"""Where segments lie."""

import numpy as np
import pytest

from encoders.errors import ArgumentError
from encoders.musicvideo import Segment, SegmentOptions, draw_segments


@pytest.mark.parametrize("film_seconds", [30.0, 30.5, 61.0, 200.0, 5000.0])
def test_each_section_gives_a_piece_that_lies_within_it(film_seconds):
    for seed in range(50):
        segments = draw_segments(film_seconds, film="a", seed=seed)
        assert [segment.section for segment in segments] == [0, 1, 2, 3, 4, 5]
        starts = np.array([segment.start_seconds for segment in segments])
        bounds = np.arange(7) * film_seconds / 6
        assert np.all(starts >= bounds[:-1] - 1e-9) and np.all(starts + 5 <= bounds[1:] + 1e-9)
        assert np.all(np.diff(starts) >= 5 - 1e-9)
        assert {segment.seconds for segment in segments} == {5.0}


def test_starts_are_uniform_within_their_sections_and_independent():
    draws = np.array(
        [[segment.start_seconds for segment in draw_segments(120.0, film=f"film {film}")] for film in range(3000)]
    )
    places = (draws - np.arange(6) * 20) / 15  # of the room for a start
    assert places.min() >= 0 and places.max() <= 1 and places.min() < 0.001 and places.max() > 0.999
    for section in range(6):
        counts = np.bincount((places[:, section] * 10).astype(int).clip(max=9), minlength=10)
        assert ((counts - 300) ** 2 / 300).sum() < 27.88  # chi square of 9 degrees of freedom, p = 0.001
    correlations = np.corrcoef(places.T)[np.triu_indices(6, 1)]
    assert np.abs(correlations).max() < 0.08  # more than four standard deviations


def test_the_draw_follows_from_seed_and_name_alone():
    first = draw_segments(90.0, film="a", seed=1)
    assert first == draw_segments(90.0, film="a", seed=1)
    assert first != draw_segments(90.0, film="a", seed=2)
    assert first != draw_segments(90.0, film="b", seed=1)
    # A seed and a name that only together read the same are not the same.
    assert draw_segments(90.0, film="1a", seed=1) != draw_segments(90.0, film="a", seed=11)


def test_short_sections_give_the_piece_around_their_centre_within_the_film():
    # 12 seconds: sections of 2, centres at 1, 3, ..., 11; pieces may start from 0 to 7.
    segments = draw_segments(12.0, film="a")
    assert [segment.start_seconds for segment in segments] == pytest.approx([0, 0.5, 2.5, 4.5, 6.5, 7])
    assert segments == draw_segments(12.0, film="b", seed=9)
    assert {segment.start_seconds for segment in draw_segments(5.0, film="a")} == {0.0}


def test_a_film_shorter_than_a_piece_is_one_segment():
    assert draw_segments(4.9, film="a") == [Segment(0, 0.0, 4.9)]


@pytest.mark.parametrize("options", [{"film_seconds": 0.0}, {"film_seconds": float("nan")}, {"seconds": -1.0}])
def test_lengths_that_cannot_be(options):
    (name,) = options
    with pytest.raises(ArgumentError, match=f"'{name}' must be positive and finite"):
        draw_segments(**({"film_seconds": 10.0, "film": "a"} | options))
    with pytest.raises(ArgumentError, match=r"'sections' must be a positive integer \(got 0\)"):
        draw_segments(10.0, film="a", sections=0)


@pytest.mark.parametrize(
    ("name", "value"), [("sections", 0), ("max_width", 8), ("sample_rate", 16.5), ("seconds", 0), ("sections", True)]
)
def test_options_that_cannot_work(name, value):
    with pytest.raises(ArgumentError, match=f"'{name}' must be"):
        SegmentOptions(**{name: value})
