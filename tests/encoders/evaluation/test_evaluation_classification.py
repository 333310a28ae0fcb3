import math

import numpy as np
import pytest
import torch
from sklearn.metrics import average_precision_score
from sklearn.metrics import confusion_matrix as sklearn_confusion_matrix

from encoders.errors import ArgumentError
from encoders.evaluation import accuracy, average_precision_by_class, confusion_matrix, mean_average_precision
from encoders.evaluation import classification as module


def test_accuracy_shares_ties():
    scores = torch.tensor([[3.0, 1, 0], [1, 3, 0], [2, 2, 0], [1, 2, 2], [5, 5, 5]])
    labels = torch.tensor([0, 0, 1, 0, 2])
    assert accuracy(scores, labels) == pytest.approx((1 + 0 + 1 / 2 + 0 + 1 / 3) / 5)


def test_accuracy_of_a_constant_is_chance_whatever_the_labels():
    labels = torch.zeros(100, dtype=torch.int64)  # a plain argmax would be right every time
    assert accuracy(torch.zeros(100, 50), labels) == pytest.approx(1 / 50)


def test_average_precision_by_hand():
    # Class 0, in order .9+ .8- .7+ .1-: (1/1 + 2/3) / 2; class 1, all tied: 1/4; class 2: nothing to find.
    scores = torch.tensor([[0.9, 1.0, 0.1], [0.8, 1.0, 0.2], [0.7, 1.0, 0.3], [0.1, 1.0, 0.4]])
    targets = torch.tensor([[1, 0, 0], [0, 0, 0], [1, 1, 0], [0, 0, 0]], dtype=torch.bool)
    values = average_precision_by_class(scores, targets)
    assert values[:2].tolist() == pytest.approx([5 / 6, 1 / 4])
    assert math.isnan(values[2])
    assert mean_average_precision(scores, targets) == (pytest.approx((5 / 6 + 1 / 4) / 2), 2, 1)


@pytest.mark.parametrize("block", [1, 100, 4_000_000])
@pytest.mark.parametrize("levels", [3, 20, 10**9])
def test_equals_scikit_learn(levels, block, monkeypatch):
    monkeypatch.setattr(module, "_BLOCK_SCORES", block)
    random = np.random.default_rng(levels)
    scores = random.integers(0, levels, (60, 7)) / levels
    targets = random.random((60, 7)) < np.linspace(0, 1, 7)  # no item of the first class, all of the last
    ours = average_precision_by_class(torch.tensor(scores), torch.tensor(targets))
    expected = [average_precision_score(targets[:, c], scores[:, c]) for c in range(1, 7)]
    np.testing.assert_allclose(ours[1:], expected, rtol=1e-12)
    mean = mean_average_precision(torch.tensor(scores), torch.tensor(targets))
    assert mean == (pytest.approx(np.mean(expected)), 6, 1)


def test_order_of_items_does_not_matter():
    generator = torch.Generator().manual_seed(0)
    scores = torch.randint(4, (50, 5), generator=generator).float()
    targets = torch.rand(50, 5, generator=generator) < 0.3
    order = torch.randperm(50, generator=generator)
    torch.testing.assert_close(
        average_precision_by_class(scores, targets),
        average_precision_by_class(scores[order], targets[order]),
        rtol=1e-12,
        atol=0,
    )


def test_no_class_with_positives():
    mean = mean_average_precision(torch.ones(3, 2), torch.zeros(3, 2, dtype=torch.bool))
    assert math.isnan(mean.value)
    assert (mean.num_classes, mean.without_positives) == (0, 2)


def test_confusion_matrix_has_a_row_for_each_true_class():
    predicted, labels = torch.tensor([0, 1, 1, 2, 0]), torch.tensor([0, 0, 1, 1, 0])
    assert confusion_matrix(predicted, labels, 3).tolist() == [[2, 1, 0], [0, 1, 1], [0, 0, 0]]
    generator = torch.Generator().manual_seed(0)
    predicted, labels = torch.randint(6, (2, 500), generator=generator)
    np.testing.assert_array_equal(
        confusion_matrix(predicted, labels, 6).numpy(), sklearn_confusion_matrix(labels, predicted)
    )


ONES, LABELS, TARGETS = torch.ones(3, 2), torch.zeros(3, dtype=torch.int64), torch.ones(3, 2, dtype=torch.bool)


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: accuracy(ONES, LABELS[:2]), r"'labels' must be int64 of shape \(3,\) \(got torch.int64, \(2,\)\)"),
        (lambda: accuracy(ONES, LABELS + 2), r"'labels' must lie in \[0, 2\) \(got 2 to 2\)"),
        (lambda: accuracy(ONES, LABELS - 1), "got -1 to -1"),
        (lambda: accuracy(ONES, LABELS.float()), "must be int64"),
        (lambda: accuracy(ONES * math.nan, LABELS), "'scores' must not hold NaN"),
        (lambda: accuracy(ONES[0], LABELS), r"'scores' must be of shape \(N, C\)"),
        (lambda: average_precision_by_class(ONES, TARGETS.int()), r"'targets' must be bool of shape \(3, 2\)"),
        (lambda: average_precision_by_class(ONES, TARGETS[:, :1]), r"got torch.bool, \(3, 1\)"),
        (lambda: mean_average_precision(ONES * math.nan, TARGETS), "'scores' must not hold NaN"),
        (lambda: confusion_matrix(LABELS + 5, LABELS, 5), r"'predicted' must lie in \[0, 5\)"),
        (lambda: confusion_matrix(LABELS, LABELS[:1], 5), r"'labels' must be int64 of shape \(3,\)"),
        (lambda: confusion_matrix(LABELS, LABELS, 0), "'num_classes' must be a positive integer"),
    ],
)
def test_bad_arguments_are_named(call, message):
    with pytest.raises(ArgumentError, match=message):
        call()
