import json
import math

import pytest

from encoders.errors import ArgumentError
from encoders.evaluation import FoldResults


def test_mean_and_sample_standard_deviation():
    results = FoldResults(
        {1: {"accuracy": 0.5, "loss": 2.0}, 2: {"loss": 2.0, "accuracy": 0.7}, 5: {"accuracy": 0.9, "loss": 2.0}}
    )
    assert results.values == {"accuracy": (0.5, 0.7, 0.9), "loss": (2.0, 2.0, 2.0)}
    assert results.mean == pytest.approx({"accuracy": 0.7, "loss": 2.0})
    assert results.standard_deviation == pytest.approx({"accuracy": 0.2, "loss": 0.0})  # over n - 1; over n 0.163


def test_to_dict_is_json():
    given = FoldResults({3: {"accuracy": 0.25}}).to_dict()
    assert json.loads(json.dumps(given, allow_nan=False)) == {
        "folds": [3],
        "metrics": {"accuracy": {"values": [0.25], "mean": 0.25, "standard_deviation": None}},
    }


@pytest.mark.parametrize(
    ("folds", "message"),
    [
        ({}, "one fold at least"),
        ({1: {"a": 1.0}, 2: {"b": 1.0}}, r"same metrics \(got a in fold 1 and b in fold 2\)"),
        ({1: {"a": 1.0}, 2: {}}, "none in fold 2"),
        ({1: {"a": 1.0}, 4: {"a": math.nan}}, "finite numbers .got nan for 'a' in fold 4"),
    ],
)
def test_bad_folds_are_named(folds, message):
    with pytest.raises(ArgumentError, match=message):
        FoldResults(folds)
