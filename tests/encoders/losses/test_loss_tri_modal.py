import math

import numpy as np
import pytest
import torch

from encoders.errors import ArgumentError
from encoders.losses import pair_cross_entropy, tri_modal_loss


def dense_pair_loss(first, second, scale, weights=None):
    scores = scale * first @ second.T
    weights = np.ones(len(scores)) if weights is None else weights

    def direction(scores):
        shares = np.exp(scores) / np.exp(scores).sum(axis=1, keepdims=True)
        return (weights * -np.log(np.diag(shares))).sum() / weights.sum()

    return direction(scores) + direction(scores.T)


@pytest.fixture
def pairs():
    random = np.random.default_rng(0)
    audio, image, text = random.normal(size=(3, 5, 4))
    return [(audio, image, 1.3), (audio, text, 0.6), (image, text, 2.0)]


def tensors(pairs):
    return [(torch.from_numpy(a), torch.from_numpy(b), torch.tensor(s, dtype=torch.float64)) for a, b, s in pairs]


@pytest.mark.parametrize("block_size", [1, 2, 1024])
def test_three_pairs_are_a_mean_over_six_directions(pairs, block_size):
    loss = tri_modal_loss(tensors(pairs), regularization=torch.tensor(0.25), block_size=block_size)
    assert float(loss) == pytest.approx(sum(dense_pair_loss(*pair) for pair in pairs) / 6 + 0.25, rel=1e-10)


def test_one_pair_is_a_sum_of_two_directions(pairs):
    assert float(tri_modal_loss(tensors(pairs[:1]))) == pytest.approx(dense_pair_loss(*pairs[0]), rel=1e-10)


def test_sample_weights(pairs):
    weights = np.array([1.0, 2.0, 0.5, 3.0, 1.0])
    loss = tri_modal_loss(tensors(pairs), sample_weights=torch.from_numpy(weights), block_size=2)
    assert float(loss) == pytest.approx(sum(dense_pair_loss(*pair, weights) for pair in pairs) / 6, rel=1e-10)


def test_vectors_are_taken_as_they_are(pairs):
    first, second, scale = tensors(pairs)[0]
    longer = pair_cross_entropy(first * 2, second, scale=scale)
    assert float(longer) == pytest.approx(dense_pair_loss(2 * pairs[0][0], *pairs[0][1:]), rel=1e-10)


def test_gradients_reach_vectors_scales_and_regularization(pairs):
    given = [
        torch.tensor(value, dtype=torch.float64, requires_grad=True)
        for value in (pairs[0][0], pairs[0][1], pairs[1][1], 1.3, 0.6, 2.0, 0.1)
    ]

    def loss(audio, image, text, of_audio_image, of_audio_text, of_image_text, regularization):
        return tri_modal_loss(
            [(audio, image, of_audio_image), (audio, text, of_audio_text), (image, text, of_image_text)],
            regularization=regularization,
            block_size=2,
        )

    assert torch.autograd.gradcheck(loss, given)


def test_chance_is_twice_the_logarithm():
    vectors = torch.zeros(8, 3)
    assert float(tri_modal_loss([(vectors, vectors, 100.0)])) == pytest.approx(2 * math.log(8))
    assert float(tri_modal_loss([(vectors, vectors, 100.0)] * 3)) == pytest.approx(math.log(8))


@pytest.mark.parametrize("count", [0, 2, 4])
def test_other_numbers_of_pairs_cannot_be(count):
    vectors = torch.zeros(2, 2)
    with pytest.raises(ArgumentError, match=rf"1 or 3 \(got {count}\)"):
        tri_modal_loss([(vectors, vectors, 1.0)] * count)


def test_shapes_must_agree():
    with pytest.raises(ArgumentError, match=r"got \(2, 3\) and \(3, 3\)"):
        tri_modal_loss([(torch.zeros(2, 3), torch.zeros(3, 3), 1.0)])
