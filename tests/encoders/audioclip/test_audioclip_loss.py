import math

import numpy as np
import pytest
import torch

from encoders.audioclip import pair_loss, tri_modal_loss
from encoders.errors import ArgumentError


def dense_pair_loss(logits, weights=None):
    weights = np.ones(len(logits)) if weights is None else weights

    def direction(scores):
        shares = np.exp(scores) / np.exp(scores).sum(axis=1, keepdims=True)
        return (weights * -np.log(np.diag(shares))).sum() / weights.sum()

    return direction(logits) + direction(logits.T)


@pytest.fixture
def pairs():
    return np.random.default_rng(0).normal(size=(3, 5, 5)) * 3


def test_pair_loss_adds_both_directions(pairs):
    assert float(pair_loss(torch.from_numpy(pairs[0]))) == pytest.approx(dense_pair_loss(pairs[0]), rel=1e-10)


def test_sample_weights(pairs):
    weights = np.array([1.0, 2.0, 0.5, 3.0, 1.0])
    loss = pair_loss(torch.from_numpy(pairs[0]), torch.from_numpy(weights))
    assert float(loss) == pytest.approx(dense_pair_loss(pairs[0], weights), rel=1e-10)


def test_three_pairs_are_a_mean_over_six_directions(pairs):
    loss = tri_modal_loss([torch.from_numpy(pair) for pair in pairs], regularization=torch.tensor(0.25))
    assert float(loss) == pytest.approx(sum(map(dense_pair_loss, pairs)) / 6 + 0.25, rel=1e-10)


def test_one_pair_is_a_sum_of_two_directions(pairs):
    assert float(tri_modal_loss([torch.from_numpy(pairs[0])])) == pytest.approx(dense_pair_loss(pairs[0]), rel=1e-10)


def test_chance_is_twice_the_logarithm():
    assert float(pair_loss(torch.zeros(8, 8))) == pytest.approx(2 * math.log(8))


def test_two_pairs_cannot_be():
    with pytest.raises(ArgumentError, match="1 or 3"):
        tri_modal_loss([torch.zeros(2, 2)] * 2)
