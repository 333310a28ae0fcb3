import math

import numpy as np
import pytest
import torch
from sklearn.metrics import average_precision_score

from encoders.errors import ArgumentError
from encoders.evaluation import label_set_ids, querying

LABELS = [
    ("dog", "rain"),
    ("dog",),
    ("rain", "dog"),
    ("dog",),
    ("rain",),
    ("dog", "rain"),
    ("sea",),
    ("dog",),
    ("rain", "dog", "rain"),
    ("sea",),
]
COSINES = torch.tensor([0.9, 0.9, 0.8, 0.7, 0.7, 0.7, 0.5, 0.4, 0.4, 0.1])
"""Of the ten results with the direction (1, 0); with (0, 1) their order is the reverse."""


def ten_items():
    results = torch.stack([COSINES, (1 - COSINES**2).sqrt()], dim=1)
    queries = torch.tensor([[3.0, 0.0], [0.0, 1.0], [1.0, 0.0], [1.0, 0.0]])
    ids = label_set_ids([("rain", "dog"), ("sea",), ("dog",), ("cat",), *LABELS]).ids
    return {"queries": queries, "results": results, "query_labels": ids[:4], "result_labels": ids[4:]}


@pytest.mark.parametrize("block_size", [1, 3, 256])
def test_ten_items_with_ties_and_label_sets(block_size):
    result = querying(**ten_items(), block_size=block_size)
    # Dog and rain, relevant 0 2 5 8: a half of the tied first two, so P 1/2 and R 1/8;
    #   by groups of equal cosines 1 of 2, 2 of 3, 3 of 6, 4 of 9: AP (1/2 + 2/3 + 1/2 + 4/9) / 4 = 19/36.
    # Sea, in reverse order, relevant 9 (first) and 6 (after the tied 7 and 8): P 1, R 1/2, AP (1 + 2/4) / 2 = 3/4.
    # Dog alone, relevant 1 3 7: P 1/2, R 1/6, AP (1/2 + 2/6 + 3/9) / 3 = 7/18.
    # Cat: nothing is relevant.
    assert result.precision_at_1 == pytest.approx((1 / 2 + 1 + 1 / 2) / 3)
    assert result.recall_at_1 == pytest.approx((1 / 8 + 1 / 2 + 1 / 6) / 3)
    assert result.mean_average_precision == pytest.approx((19 / 36 + 3 / 4 + 7 / 18) / 3)
    assert (result.num_queries, result.without_relevant) == (3, 1)


@pytest.mark.parametrize("seed", range(3))
def test_random_cases_equal_brute_force(seed):
    random = np.random.default_rng(seed)
    queries, results = random.integers(-1, 2, (17, 3)) + 0.1, random.integers(-1, 2, (50, 3)) + 0.1  # many ties
    query_labels, result_labels = random.integers(0, 7, 17), random.integers(0, 5, 50)
    scores = (queries / np.linalg.norm(queries, axis=1, keepdims=True)) @ (
        results / np.linalg.norm(results, axis=1, keepdims=True)
    ).T
    precision, recall, mean_precision = [], [], []
    for row, label in zip(np.round(scores, 6), query_labels, strict=True):
        relevant = result_labels == label
        if relevant.any():
            precision.append(relevant[row == row.max()].mean())
            recall.append(precision[-1] / relevant.sum())
            mean_precision.append(average_precision_score(relevant, row))
    for block_size in (1, 5, 17, 256):
        ours = querying(
            torch.tensor(queries),
            torch.tensor(results),
            query_labels=torch.tensor(query_labels),
            result_labels=torch.tensor(result_labels),
            block_size=block_size,
        )
        assert ours[:3] == pytest.approx([np.mean(figures) for figures in (precision, recall, mean_precision)])
        assert (ours.num_queries, ours.without_relevant) == (len(precision), 17 - len(precision))
        assert ours.without_relevant > 0


def test_recall_is_bounded_by_one_over_the_relevant():
    """Even perfect vectors of ESC-50, with 40 sounds a class, cannot have more than 1/40."""
    labels = torch.arange(50).repeat_interleave(40)
    result = querying(torch.eye(50), torch.eye(50)[labels], query_labels=torch.arange(50), result_labels=labels)
    assert result == (1.0, pytest.approx(1 / 40), 1.0, 50, 0)


def test_no_query_with_a_relevant_result():
    labels = torch.zeros(3, dtype=torch.int64)
    result = querying(torch.eye(3), torch.eye(3), query_labels=labels, result_labels=labels + 1)
    assert all(math.isnan(value) for value in result[:3])
    assert result[3:] == (0, 3)


def test_label_sets_have_no_order():
    sets = label_set_ids([("b", "a"), ("a",), ["a", "b", "a"], (), {"a", "b"}, ("c",)])
    assert sets.ids.tolist() == [0, 1, 0, 2, 0, 3]
    assert sets.ids.dtype == torch.int64
    assert sets.sets == (("a", "b"), ("a",), (), ("c",))


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"block_size": 0}, "'block_size' must be a positive integer"),
        ({"queries": torch.ones(4, 3)}, r"one dimension \(got \(4, 3\) and \(10, 2\)\)"),
        ({"query_labels": torch.zeros(3, dtype=torch.int64)}, r"'query_labels' must be int64 of shape \(4,\)"),
        ({"result_labels": torch.zeros(10)}, r"'result_labels' must be int64 .*got torch.float32"),
        ({"results": torch.full((10, 2), math.inf)}, "'results' must be finite"),
    ],
)
def test_bad_arguments_are_named(change, message):
    with pytest.raises(ArgumentError, match=message):
        querying(**{**ten_items(), **change})


def test_a_string_is_no_collection_of_labels():
    with pytest.raises(ArgumentError, match="got 'dog' at 1"):
        label_set_ids([("dog",), "dog"])
