import numpy as np
import pytest
import torch

from encoders.errors import ArgumentError
from encoders.losses import pair_log_sum_exp, row_log_sum_exp


def matrices(num_rows, num_columns, dim=5, seed=0):
    random = np.random.default_rng(seed)
    return torch.from_numpy(random.normal(size=(num_rows, dim))), torch.from_numpy(
        random.normal(size=(num_columns, dim))
    )


def dense(rows, columns, scale, exclude_diagonal=False):
    """The three figures in numpy, from the whole matrix."""
    scores = scale * rows.numpy() @ columns.numpy().T
    diagonal = np.diag(scores).copy()
    if exclude_diagonal:
        np.fill_diagonal(scores, -np.inf)
    with np.errstate(divide="ignore"):
        return np.log(np.exp(scores).sum(axis=1)), np.log(np.exp(scores).sum(axis=0)), diagonal


@pytest.mark.parametrize("exclude_diagonal", [False, True])
@pytest.mark.parametrize("block_size", [1, 3, 7, 100])
@pytest.mark.parametrize("shape", [(7, 7), (7, 4), (4, 7), (2, 1), (1, 2)])
def test_equals_the_whole_matrix(shape, block_size, exclude_diagonal):
    rows, columns = matrices(*shape)
    sums = pair_log_sum_exp(rows, columns, 1.7, exclude_diagonal=exclude_diagonal, block_size=block_size)
    for ours, expected in zip(sums, dense(rows, columns, 1.7, exclude_diagonal), strict=True):
        np.testing.assert_allclose(ours.numpy(), expected, rtol=1e-12)
    alone, diagonal = row_log_sum_exp(rows, columns, 1.7, exclude_diagonal=exclude_diagonal, block_size=block_size)
    assert torch.equal(alone, sums.rows)
    assert torch.equal(diagonal, sums.diagonal)


@pytest.mark.parametrize("exclude_diagonal", [False, True])
@pytest.mark.parametrize("block_size", [2, 16])
@pytest.mark.parametrize("wanted", [(1, 1, 1), (1, 0, 0), (0, 1, 0), (0, 0, 1), (0, 1, 1)])
def test_gradients_equal_finite_differences(wanted, block_size, exclude_diagonal):
    rows, columns = matrices(5, 4)
    inputs = [
        tensor.requires_grad_(bool(needs))
        for tensor, needs in zip((rows, columns, torch.tensor(0.8, dtype=torch.float64)), wanted, strict=True)
    ]
    options = {"exclude_diagonal": exclude_diagonal, "block_size": block_size}
    assert torch.autograd.gradcheck(lambda *given: tuple(pair_log_sum_exp(*given, **options)), inputs)
    assert torch.autograd.gradcheck(lambda *given: row_log_sum_exp(*given, **options), inputs)
    for place in range(3):  # the gradient of one figure alone takes other branches than that of all three
        assert torch.autograd.gradcheck(lambda *given, one=place: pair_log_sum_exp(*given, **options)[one], inputs)


def test_the_same_tensor_on_both_sides_gets_both_gradients():
    vectors = matrices(6, 1)[0].requires_grad_()
    assert torch.autograd.gradcheck(lambda x: row_log_sum_exp(x, x, exclude_diagonal=True, block_size=4)[0], (vectors,))


def test_a_sum_of_nothing_has_no_gradient():
    rows, columns = (tensor.requires_grad_() for tensor in matrices(1, 1))
    sums = pair_log_sum_exp(rows, columns, exclude_diagonal=True)
    assert sums.rows.item() == sums.columns.item() == -torch.inf
    torch.logaddexp(sums.rows, torch.zeros(1, dtype=torch.float64)).sum().backward()
    assert not rows.grad.any()  # and not NaN
    assert not columns.grad.any()


@pytest.mark.parametrize("block_size", [3, 100])
def test_large_similarities_do_not_overflow(block_size):
    rows, columns = (tensor.float().requires_grad_() for tensor in matrices(8, 8))
    sums = pair_log_sum_exp(rows, columns, 1000.0, block_size=block_size)  # up to exp(6000)
    scores = 1000.0 * rows.detach().double() @ columns.detach().double().T
    torch.testing.assert_close(sums.rows.double(), scores.logsumexp(1), rtol=1e-6, atol=0)
    torch.testing.assert_close(sums.columns.double(), scores.logsumexp(0), rtol=1e-6, atol=0)
    (sums.rows.sum() + sums.columns.sum()).backward()
    assert rows.grad.isfinite().all()
    assert columns.grad.isfinite().all()


@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16])
def test_half_precision_is_computed_in_float32(dtype):
    rows, columns = (tensor.to(dtype).requires_grad_() for tensor in matrices(6, 6))
    sums = pair_log_sum_exp(rows, columns, 2.0)
    expected = dense(rows.detach().double(), columns.detach().double(), 2.0)
    np.testing.assert_allclose(sums.rows.detach().numpy(), expected[0], rtol=1e-6)
    sums.rows.sum().backward()
    assert rows.grad.dtype == dtype


def test_autocast_does_not_lower_the_precision():
    rows, columns = (tensor.float().requires_grad_() for tensor in matrices(6, 6))
    grads = []
    for enabled in (False, True):
        with torch.autocast("cpu", torch.bfloat16, enabled=enabled):
            sums = pair_log_sum_exp(rows, columns, 2.0)
            grads.append(torch.autograd.grad(sums.rows.sum() + sums.columns.sum(), (rows, columns)))
    for without, within in zip(*grads, strict=True):
        assert torch.equal(without, within)


def test_backward_twice_gives_the_same():
    rows, columns = (tensor.requires_grad_() for tensor in matrices(6, 6))
    loss = torch.cat(pair_log_sum_exp(rows, columns)).sum()
    once, again = (torch.autograd.grad(loss, (rows, columns), retain_graph=True) for _ in range(2))
    assert all(torch.equal(*pair) for pair in zip(once, again, strict=True))


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda x: pair_log_sum_exp(x, x, block_size=0), r"'block_size' must be a positive integer \(got 0\)"),
        (lambda x: row_log_sum_exp(x, x[:, :2]), r"shapes \(N, d\) and \(M, d\).*got \(3, 4\) and \(3, 2\)"),
        (lambda x: pair_log_sum_exp(x[:0], x), "not empty"),
        (lambda x: pair_log_sum_exp(x[0], x), r"got \(4,\)"),
        (lambda x: pair_log_sum_exp(x, x, torch.ones(2)), r"'scale' must be one number \(got shape \(2,\)\)"),
    ],
)
def test_bad_arguments_are_named(call, message):
    with pytest.raises(ArgumentError, match=message):
        call(torch.zeros(3, 4))
