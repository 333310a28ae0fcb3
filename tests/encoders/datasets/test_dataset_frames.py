import numpy as np
import pytest
from scipy import stats

from encoders.datasets import evaluation_frame, ten_frames, training_frame
from encoders.errors import ArgumentError


def test_ten_equally_distant_frames_from_first_to_last():
    assert ten_frames(range(19)) == tuple(range(0, 19, 2))
    assert ten_frames(range(11)) == (0, 1, 2, 3, 4, 6, 7, 8, 9, 10)
    for extracted in range(11, 200):
        places = ten_frames(range(extracted))
        assert len(places) == 10 and places[0] == 0 and places[-1] == extracted - 1
        np.testing.assert_allclose(places, np.linspace(0, extracted - 1, 10), atol=0.5)


def test_fewer_frames_are_all():
    assert ten_frames([]) == () and ten_frames("abc") == ("a", "b", "c") and ten_frames(range(10)) == tuple(range(10))


def test_other_counts():
    assert ten_frames(range(9), 3) == (0, 4, 8) and ten_frames(range(9), 1) == (4,)
    with pytest.raises(ArgumentError, match=r"'count' must be a positive integer \(got 0\)"):
        ten_frames(range(9), 0)


def test_training_takes_any_frame():
    random = np.random.default_rng(0)
    frames = ten_frames(range(30))
    counts = [0] * 10
    for _ in range(3_000):
        counts[frames.index(training_frame(frames, random))] += 1
    assert min(counts) > 0 and stats.chisquare(counts).pvalue > 0.01
    first, second = (training_frame(frames, np.random.default_rng(8)) for _ in range(2))
    assert first == second


def test_evaluation_takes_the_central_frame():
    assert [evaluation_frame(range(count)) for count in (1, 2, 3, 9, 10)] == [0, 1, 1, 4, 5]


def test_no_frames():
    for pick in (evaluation_frame, lambda frames: training_frame(frames, np.random.default_rng(0))):
        with pytest.raises(ArgumentError, match=r"'frames' must be at least one \(got none\)"):
            pick([])
