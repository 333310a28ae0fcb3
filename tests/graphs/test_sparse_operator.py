import pytest
import torch

from graphs import BipartiteGraph, SparseOperator


@pytest.fixture(params=["symmetric", "row", "none"])
def operator(request):
    generator = torch.Generator().manual_seed(5)
    edges = torch.stack(
        [torch.randint(0, 9, (40,), generator=generator), torch.randint(0, 7, (40,), generator=generator)]
    )
    return BipartiteGraph(edges, num_users=10, num_items=8).adjacency(request.param)


def in_float64(operator):
    if operator.is_symmetric:
        return SparseOperator(operator.csr.to(torch.float64))
    return SparseOperator(operator.csr.to(torch.float64), operator.transposed.csr.to(torch.float64))


def dense_layer_mean(matrix, x, num_layers):
    layers = [x]
    for _ in range(num_layers):
        layers.append(matrix @ layers[-1])
    return torch.stack(layers).mean(0)


def draw(rows, columns, seed=0, **options):
    return torch.randn(rows, columns, generator=torch.Generator().manual_seed(seed), **options)


@pytest.mark.parametrize("num_layers", [0, 1, 2, 4])
def test_layer_mean_and_its_gradient_equal_dense_autograd(operator, num_layers):
    matrix, x = operator.csr.to_dense(), draw(18, 5).requires_grad_()
    weight = draw(18, 5, seed=1)
    expected = dense_layer_mean(matrix, x, num_layers)
    (expected_gradient,) = torch.autograd.grad((expected * weight).sum(), x)
    mean = operator.layer_mean(x, num_layers)
    (gradient,) = torch.autograd.grad((mean * weight).sum(), x)
    torch.testing.assert_close(mean, expected, atol=1e-5, rtol=1e-5)
    torch.testing.assert_close(gradient, expected_gradient, atol=1e-5, rtol=1e-5)


def test_product_and_its_gradient_equal_dense_autograd(operator):
    matrix, x = operator.csr.to_dense(), draw(18, 5).requires_grad_()
    weight = draw(18, 5, seed=1)
    product = operator.matmul(x)
    (gradient,) = torch.autograd.grad((product * weight).sum(), x)
    torch.testing.assert_close(product, matrix @ x, atol=1e-5, rtol=1e-5)
    torch.testing.assert_close(gradient, matrix.T @ weight, atol=1e-5, rtol=1e-5)


def test_gradients_equal_finite_differences(operator):
    operator, x = in_float64(operator), draw(18, 2, dtype=torch.float64).requires_grad_()
    assert torch.autograd.gradcheck(operator.matmul, x)
    assert torch.autograd.gradcheck(lambda x: operator.layer_mean(x, 3), x)
    assert torch.autograd.gradcheck(operator.transposed.matmul, x)


def test_rectangular_product_and_gradient():
    dense = (draw(6, 4) > 0).to(torch.float64)
    operator = SparseOperator(dense.to_sparse_csr(), dense.T.to_sparse_csr())
    x = draw(4, 3, dtype=torch.float64).requires_grad_()
    torch.testing.assert_close(operator.matmul(x), dense @ x)
    assert torch.autograd.gradcheck(operator.matmul, x)
    assert operator.transposed.shape == (4, 6)
    assert operator.transposed.transposed.csr is operator.csr


@pytest.mark.parametrize("arrange", [lambda x: x.T, lambda x: x.T[:, ::2], lambda x: x.T[:, :1].expand(-1, 4)])
def test_any_memory_layout_will_do(operator, arrange):
    x = arrange(draw(6, 18))
    matrix = operator.csr.to_dense()
    torch.testing.assert_close(operator.matmul(x), matrix @ x, atol=1e-5, rtol=1e-5)
    expected = dense_layer_mean(matrix, x, 3)
    torch.testing.assert_close(operator.layer_mean(x, 3), expected, atol=1e-5, rtol=1e-5)


def test_matmul_into_scales_and_writes_in_place(operator):
    x, out = draw(18, 3), draw(18, 3, seed=1)
    expected = 0.5 * out + 2 * operator.csr.to_dense() @ x
    result = operator.matmul_into(x, out, alpha=2, beta=0.5)
    assert result.data_ptr() == out.data_ptr()
    torch.testing.assert_close(out, expected, atol=1e-5, rtol=1e-5)
    # beta 0 must ignore what was there, NaN included: outputs are allocated without being filled.
    operator.matmul_into(x, out.fill_(torch.nan))
    torch.testing.assert_close(out, operator.csr.to_dense() @ x, atol=1e-5, rtol=1e-5)


def test_layer_mean_leaves_its_input_alone(operator):
    x = draw(18, 3)
    before = x.clone()
    for num_layers in (0, 1, 3):
        assert operator.layer_mean(x, num_layers).data_ptr() != x.data_ptr()
    assert torch.equal(x, before)


def test_negative_layers_are_an_error(operator):
    with pytest.raises(ValueError, match=r"'num_layers' must be a non-negative integer \(got -2\)"):
        operator.layer_mean(draw(18, 3), -2)
