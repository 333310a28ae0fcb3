import math

import numpy as np
import pytest
import torch

from encoders.errors import ArgumentError
from encoders.losses import nt_xent


def numpy_nt_xent(first, second, temperature):
    """The equation, view by view: every other view but itself is in the denominator."""
    views = np.concatenate([first, second])
    views = views / np.linalg.norm(views, axis=1, keepdims=True)
    count = len(first)
    losses = []
    for i in range(2 * count):
        j = (i + count) % (2 * count)
        shares = [math.exp(views[i] @ views[k] / temperature) for k in range(2 * count) if k != i]
        losses.append(-math.log(math.exp(views[i] @ views[j] / temperature) / sum(shares)))
    return sum(losses) / len(losses)


@pytest.fixture
def views():
    random = np.random.default_rng(0)
    first = random.normal(size=(9, 6)) * 3
    return first, first + random.normal(size=(9, 6))


@pytest.mark.parametrize("temperature", [0.1, 0.5, 2.0])
@pytest.mark.parametrize("block_size", [1, 4, 9, 1024])
def test_equals_the_equation(views, block_size, temperature):
    expected = numpy_nt_xent(*views, temperature)
    for dtype, rel in ((torch.float64, 1e-12), (torch.float32, 1e-6)):
        first, second = (torch.tensor(view, dtype=dtype) for view in views)
        assert float(nt_xent(first, second, temperature=temperature, block_size=block_size)) == pytest.approx(
            expected, rel=rel, abs=1e-6
        )


def test_default_temperature(views):
    assert float(nt_xent(*map(torch.from_numpy, views))) == pytest.approx(numpy_nt_xent(*views, 0.5), rel=1e-12)


def test_gradients_equal_finite_differences(views):
    first, second = (torch.from_numpy(view[:4].copy()).requires_grad_() for view in views)
    temperature = torch.tensor(0.4, dtype=torch.float64, requires_grad=True)
    assert torch.autograd.gradcheck(
        lambda x, y, t: nt_xent(x, y, temperature=t, block_size=3), (first, second, temperature)
    )


def test_order_of_items_and_of_views_does_not_matter(views):
    first, second = map(torch.from_numpy, views)
    loss = float(nt_xent(first, second))
    order = torch.randperm(9, generator=torch.Generator().manual_seed(0))
    swap = (torch.arange(9) % 2 == 0)[:, None]
    assert float(nt_xent(first[order], second[order] * 5, block_size=2)) == pytest.approx(loss, rel=1e-12)
    mixed = nt_xent(torch.where(swap, second, first), torch.where(swap, first, second), block_size=2)
    assert float(mixed) == pytest.approx(loss, rel=1e-12)
    assert float(nt_xent(first[order], second)) > loss + 0.01


def test_collapsed_views_are_at_chance():
    alike = torch.ones(500, 3)
    assert float(nt_xent(alike, alike, block_size=300)) == pytest.approx(math.log(999), rel=1e-6)


def test_a_single_item_has_no_negatives():
    first, second = torch.randn(2, 1, 4, generator=torch.Generator().manual_seed(0)).requires_grad_().unbind()
    loss = nt_xent(first, second)
    assert loss.item() == 0.0
    gradient = torch.autograd.grad(loss, first)[0]
    torch.testing.assert_close(gradient, torch.zeros(1, 4), atol=1e-7, rtol=0)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"second": torch.ones(4, 2)}, r"one shape \(N, d\)"),
        ({"temperature": 0.0}, "'temperature' must be above 0"),
        ({"temperature": torch.tensor(-1.0)}, "'temperature' must be above 0"),
        ({"block_size": 0}, "'block_size' must be a positive integer"),
    ],
)
def test_bad_arguments_are_named(options, message):
    with pytest.raises(ArgumentError, match=message):
        nt_xent(**{"first": torch.ones(3, 2), "second": torch.ones(3, 2), **options})
