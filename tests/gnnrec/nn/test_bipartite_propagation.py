"""The layer mean of one side against products of the whole adjacency."""

import warnings

import numpy as np
import pytest
import torch

from gnnrec.nn.bipartite_propagation import one_sided_layer_mean
from graphs import BipartiteGraph, SparseOperator

EDGES = [(0, 0), (0, 1), (0, 2), (1, 1), (1, 3), (1, 4), (2, 2), (2, 4), (3, 0), (3, 4)]
GRAPH = BipartiteGraph(torch.tensor(EDGES).T, 5, 6)


def adjacency(num_users: int, num_items: int, edges: list[tuple[int, int]]) -> np.ndarray:
    whole = np.zeros((num_users + num_items, num_users + num_items))
    for user, item in edges:
        whole[user, num_users + item] = whole[num_users + item, user] = 1
    degree = whole.sum(1)
    share = np.divide(1, np.sqrt(degree), out=np.zeros_like(degree), where=degree > 0)
    return np.asarray(share[:, None] * whole * share)


def expected(x: np.ndarray, whole: np.ndarray, num_layers: int, users_start: bool, num_users: int) -> list[np.ndarray]:
    """Near, then far side of the mean over all nodes of layers that start at zero on the far side."""
    num_others = len(whole) - len(x)
    start = np.vstack([x, np.zeros((num_others, x.shape[1]))][:: 1 if users_start else -1])
    mean = np.mean([np.linalg.matrix_power(whole, layer) @ start for layer in range(num_layers + 1)], axis=0)
    return [mean[:num_users], mean[num_users:]][:: 1 if users_start else -1]


@pytest.mark.parametrize("users_start", [True, False])
@pytest.mark.parametrize("num_layers", range(6))
def test_equals_the_products_over_all_nodes(num_layers: int, users_start: bool) -> None:
    operator = GRAPH.user_item_matrix("symmetric")
    x = torch.randn(5 if users_start else 6, 3, generator=torch.Generator().manual_seed(0))
    near, far = one_sided_layer_mean(x, operator.transposed if users_start else operator, num_layers)
    wanted = expected(x.double().numpy(), adjacency(5, 6, EDGES), num_layers, users_start, 5)
    np.testing.assert_allclose(near.numpy(), wanted[0], atol=1e-6)
    np.testing.assert_allclose(far.numpy(), wanted[1], atol=1e-6)


@pytest.mark.parametrize("num_layers", range(6))
def test_gradient_equals_finite_differences(num_layers: int) -> None:
    single = GRAPH.user_item_matrix("symmetric")
    operator = SparseOperator(single.csr.double(), single.transposed.csr.double())
    x = torch.randn(6, 2, dtype=torch.float64, requires_grad=True)
    assert torch.autograd.gradcheck(lambda x: one_sided_layer_mean(x, operator, num_layers), [x])


def test_many_columns_and_a_larger_graph() -> None:
    """More columns than are taken at a time, no multiple of it, with gradient from one side only."""
    random = np.random.default_rng(0)
    edges = sorted({(int(user), int(item)) for user, item in random.integers((40, 30), size=(200, 2))})
    graph, whole = BipartiteGraph(torch.tensor(edges).T, 40, 30), adjacency(40, 30, edges)
    x = torch.randn(30, 75, requires_grad=True)
    near, far = one_sided_layer_mean(x, graph.user_item_matrix("symmetric"), 3)
    wanted = expected(x.detach().double().numpy(), whole, 3, False, 40)
    np.testing.assert_allclose(near.detach().numpy(), wanted[0], atol=1e-6)
    np.testing.assert_allclose(far.detach().numpy(), wanted[1], atol=1e-6)
    weight = torch.randn(40, 75)
    (far * weight).sum().backward()
    mean = np.mean([np.linalg.matrix_power(whole, layer) for layer in range(4)], axis=0)
    assert x.grad is not None
    np.testing.assert_allclose(x.grad.numpy(), mean[40:, :40] @ weight.double().numpy(), atol=1e-6)


def test_blocks_are_those_of_the_adjacency() -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        operator = GRAPH.user_item_matrix("symmetric")
    whole = adjacency(5, 6, EDGES)
    assert operator.shape == (5, 6) and operator.num_nonzeros == len(EDGES)
    np.testing.assert_allclose(operator.csr.to_dense().numpy(), whole[:5, 5:], atol=1e-6)
    np.testing.assert_allclose(operator.transposed.csr.to_dense().numpy(), whole[5:, :5], atol=1e-6)


def test_dropout_keeps_its_share_and_the_mean() -> None:
    """With one layer, an entry of the far side is zero or the undropped one scaled up."""
    operator, x = GRAPH.user_item_matrix("symmetric"), torch.rand(6, 4000) + 0.5
    torch.manual_seed(0)
    near, far = one_sided_layer_mean(x, operator, 1, dropout=0.25)
    plain_near, plain = one_sided_layer_mean(x, operator, 1)
    torch.testing.assert_close(near, plain_near)
    kept = far[:4] != 0  # user 4 has no items
    torch.testing.assert_close(far[:4][kept], (plain / 0.75)[:4][kept])
    assert abs(float(kept.float().mean()) - 0.75) < 0.02
    assert abs(float((far / plain)[:4].mean()) - 1) < 0.02
