"""InfoNCE against its equation, written row by row in float64."""

import numpy as np
import pytest
import torch

from gnnrec.nn.contrastive import info_nce

ANCHOR, POSITIVE, EXTRA = torch.randn(3, 5, 4, generator=torch.Generator().manual_seed(0)).unbind(0)


def expected(anchor: np.ndarray, positive: np.ndarray, temperature: float, extra: np.ndarray, scaled: bool) -> float:
    def unit(x: np.ndarray) -> np.ndarray:
        return x / np.linalg.norm(x) if scaled else x

    losses = []
    for row, chooses in enumerate(anchor):
        weight = [np.exp(unit(chooses) @ unit(other) / temperature) for other in [*positive, *extra]]
        losses.append(-np.log(weight[row] / sum(weight)))
    return float(np.mean(losses))


@pytest.mark.parametrize("scaled", [True, False])
@pytest.mark.parametrize("num_extra", [0, 3])
@pytest.mark.parametrize("temperature", [0.2, 1.0])
def test_equals_the_equation(scaled: bool, num_extra: int, temperature: float) -> None:
    extra = EXTRA[:num_extra] if num_extra else None
    found = info_nce(ANCHOR, POSITIVE, temperature, normalize=scaled, extra_negatives=extra)
    a, p, q = (x.double().numpy() for x in (ANCHOR, POSITIVE, EXTRA[:num_extra]))
    assert found.shape == ()
    assert float(found) == pytest.approx(expected(a, p, temperature, q, scaled), abs=1e-5)


def test_rows_of_the_same_are_no_negatives() -> None:
    ids = torch.tensor([4, 1, 4, 4, 1])
    loss = info_nce(ANCHOR, POSITIVE, 0.5, extra_negatives=EXTRA, positive_ids=ids)
    a, p, q = (x.double().numpy() for x in (ANCHOR, POSITIVE, EXTRA))
    rows = []
    for row in range(5):
        others = [other for other in range(5) if other == row or ids[other] != ids[row]]
        place = others.index(row)
        choices = np.vstack([p[others], q])
        cosine = choices @ a[row] / np.linalg.norm(choices, axis=1) / np.linalg.norm(a[row])
        rows.append(np.log(np.exp(cosine / 0.5).sum()) - cosine[place] / 0.5)
    assert float(loss) == pytest.approx(np.mean(rows), abs=1e-5)
    assert float(info_nce(ANCHOR, POSITIVE, 0.5, positive_ids=torch.zeros(5, dtype=torch.int64))) == 0


def test_gradient_equals_finite_differences() -> None:
    inputs = [x.double().requires_grad_() for x in (ANCHOR, POSITIVE, EXTRA)]
    assert torch.autograd.gradcheck(lambda a, p, q: info_nce(a, p, 0.5, extra_negatives=q), inputs)


def test_large_products_do_not_overflow() -> None:
    loss = info_nce(1e3 * ANCHOR, 1e3 * ANCHOR.flip(0), 0.01, normalize=False)
    assert bool(torch.isfinite(loss)) and float(loss) > 1e6


def test_zero_vectors_give_finite_gradients() -> None:
    anchor = torch.zeros(5, 4, requires_grad=True)
    loss = info_nce(anchor, POSITIVE, 0.2)
    loss.backward()
    assert float(loss.detach()) == pytest.approx(np.log(5), abs=1e-5)
    assert anchor.grad is not None and bool(torch.isfinite(anchor.grad).all())
