import math

import numpy as np
import pytest
import torch

from encoders.errors import ArgumentError
from encoders.losses import info_nce


def numpy_info_nce(first, second, temperature, direction="both", weights=None):
    """Mean over rows of -log of the positive's share of the whole row, positive included."""
    first = first / np.linalg.norm(first, axis=1, keepdims=True)
    second = second / np.linalg.norm(second, axis=1, keepdims=True)
    scores = np.exp(first @ second.T / temperature)
    weights = np.ones(len(first)) if weights is None else weights
    total = 0.0
    if direction in ("both", "first_to_second"):
        total += (weights * -np.log(np.diag(scores) / scores.sum(axis=1))).sum() / weights.sum()
    if direction in ("both", "second_to_first"):
        total += (weights * -np.log(np.diag(scores) / scores.sum(axis=0))).sum() / weights.sum()
    return total


@pytest.fixture
def views():
    random = np.random.default_rng(0)
    first = random.normal(size=(11, 6)) * 3
    return first, first + random.normal(size=(11, 6))


@pytest.mark.parametrize("weighted", [False, True])
@pytest.mark.parametrize("direction", ["both", "first_to_second", "second_to_first"])
@pytest.mark.parametrize("temperature", [0.07, 1.0])
@pytest.mark.parametrize("block_size", [1, 4, 11, 1024])
def test_equals_the_equation(views, block_size, temperature, direction, weighted):
    first, second = views
    weights = np.random.default_rng(1).random(11) if weighted else None
    expected = numpy_info_nce(first, second, temperature, direction, weights)
    for dtype, rel in ((torch.float64, 1e-12), (torch.float32, 1e-6)):
        loss = info_nce(
            torch.tensor(first, dtype=dtype),
            torch.tensor(second, dtype=dtype),
            temperature=temperature,
            direction=direction,
            sample_weights=torch.tensor(weights, dtype=dtype) if weighted else None,
            block_size=block_size,
        )
        assert float(loss) == pytest.approx(expected, rel=rel, abs=1e-6)


@pytest.mark.parametrize("direction", ["both", "first_to_second", "second_to_first"])
def test_gradients_equal_those_of_torchs_cross_entropy(views, direction):
    first, second = (torch.tensor(view, dtype=torch.float64, requires_grad=True) for view in views)
    temperature = torch.tensor(0.3, dtype=torch.float64, requires_grad=True)
    weights = torch.rand(11, dtype=torch.float64, generator=torch.Generator().manual_seed(0))
    scores = torch.cosine_similarity(first[:, None], second[None], dim=2) / temperature
    target = torch.arange(11)
    dense = {
        "first_to_second": torch.nn.functional.cross_entropy(scores, target, weight=weights),
        "second_to_first": torch.nn.functional.cross_entropy(scores.T, target, weight=weights),
    }
    dense["both"] = dense["first_to_second"] + dense["second_to_first"]
    ours = info_nce(first, second, temperature=temperature, direction=direction, sample_weights=weights, block_size=4)
    inputs = (first, second, temperature)
    for mine, torchs in zip(
        torch.autograd.grad(ours, inputs), torch.autograd.grad(dense[direction], inputs), strict=True
    ):
        torch.testing.assert_close(mine, torchs, rtol=1e-9, atol=1e-12)


def test_gradient_of_the_temperature_equals_finite_differences(views):
    first, second = views
    temperature = torch.tensor(0.4, dtype=torch.float64, requires_grad=True)
    info_nce(torch.from_numpy(first), torch.from_numpy(second), temperature=temperature, block_size=4).backward()
    above, below = (numpy_info_nce(first, second, 0.4 + step) for step in (1e-6, -1e-6))
    assert float(temperature.grad) == pytest.approx((above - below) / 2e-6, rel=1e-6)


def test_both_is_the_sum_and_not_the_mean(views):
    first, second = map(torch.from_numpy, views)
    there, back = (info_nce(first, second, direction=way) for way in ("first_to_second", "second_to_first"))
    assert abs(float(there - back)) > 1e-4
    assert float(info_nce(first, second)) == pytest.approx(float(there + back), rel=1e-12)
    assert float(info_nce(second, first, direction="first_to_second")) == pytest.approx(float(back), rel=1e-12)


def test_chance_is_twice_the_logarithm_of_the_batch():
    alike = torch.ones(1000, 8)
    assert float(info_nce(alike, alike, block_size=300)) == pytest.approx(2 * math.log(1000), rel=1e-6)


def test_order_and_length_of_the_vectors_do_not_matter(views):
    first, second = map(torch.from_numpy, views)
    weights = torch.rand(11, dtype=torch.float64, generator=torch.Generator().manual_seed(0))
    order = torch.randperm(11, generator=torch.Generator().manual_seed(0))
    loss = float(info_nce(first, second, sample_weights=weights))
    shuffled = info_nce(first[order], second[order] * 7, sample_weights=weights[order] * 3, block_size=3)
    assert float(shuffled) == pytest.approx(loss, rel=1e-12)
    assert float(info_nce(first[order], second, sample_weights=weights)) > loss + 0.01


def test_a_batch_of_one_has_nothing_to_learn():
    first, second = torch.randn(2, 1, 4, generator=torch.Generator().manual_seed(0)).requires_grad_().unbind()
    loss = info_nce(first, second, temperature=0.1)
    assert loss.item() == 0.0
    assert not torch.autograd.grad(loss, first)[0].any()


def test_aligned_views_lose_nothing_and_no_less():
    vectors = torch.eye(64)
    assert 0.0 <= float(info_nce(vectors, vectors, temperature=0.01, block_size=10)) < 1e-6


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"second": torch.ones(4, 2)}, r"one shape \(N, d\).*got \(3, 2\) and \(4, 2\)"),
        ({"first": torch.ones(0, 2), "second": torch.ones(0, 2)}, "N at least 1"),
        ({"first": torch.ones(3, 2, dtype=torch.int64)}, "must be floating"),
        ({"temperature": 0.0}, r"'temperature' must be above 0 \(got 0\)"),
        ({"temperature": torch.tensor(-0.5)}, r"'temperature' must be above 0 \(got -0.5\)"),
        ({"temperature": math.nan}, "'temperature' must be above 0"),
        ({"temperature": torch.ones(2)}, r"'temperature' must be one number \(got shape \(2,\)\)"),
        ({"direction": "sideways"}, "'direction' must be one of both, first_to_second.*got 'sideways'"),
        ({"sample_weights": torch.ones(2)}, r"'sample_weights' must hold a weight for each of the 3 rows \(got \(2,\)"),
        ({"block_size": -1}, "'block_size' must be a positive integer"),
    ],
)
def test_bad_arguments_are_named(options, message):
    with pytest.raises(ArgumentError, match=message):
        info_nce(**{"first": torch.ones(3, 2), "second": torch.ones(3, 2), **options})
