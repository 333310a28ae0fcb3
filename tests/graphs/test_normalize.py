import numpy as np
import pytest
import torch

from graphs import BipartiteGraph


def dense_adjacency(edges, num_users, num_items):
    adjacency = np.zeros((num_users + num_items,) * 2)
    for user, item in edges.T:
        adjacency[user, num_users + item] = adjacency[num_users + item, user] = 1
    return adjacency


def normalized(adjacency, norm):
    degree = adjacency.sum(1)
    inverse = np.divide(1, degree, out=np.zeros_like(degree), where=degree > 0)
    if norm == "symmetric":
        return np.sqrt(inverse)[:, None] * adjacency * np.sqrt(inverse)[None, :]
    return inverse[:, None] * adjacency if norm == "row" else adjacency


@pytest.mark.parametrize("norm", ["symmetric", "row", "none"])
@pytest.mark.parametrize("sizes", [(12, 9, 60), (40, 3, 30), (5, 30, 25), (1, 1, 1)])
def test_adjacency_equals_the_dense_formula(norm, sizes):
    num_users, num_items, num_edges = sizes
    random = np.random.default_rng(3)
    # Squaring makes degrees uneven; one more user and two more items stay without edges.
    user = (random.random(num_edges) ** 2 * num_users).astype(np.int64)
    edges = np.stack([user, random.integers(0, num_items, num_edges)])
    graph = BipartiteGraph(torch.from_numpy(edges), num_users + 1, num_items + 2)
    expected = normalized(dense_adjacency(edges, num_users + 1, num_items + 2), norm)
    operator = graph.adjacency(norm)
    assert operator.csr.dtype == torch.float32
    assert operator.csr.crow_indices().dtype == operator.csr.col_indices().dtype == torch.int32
    assert operator.num_nonzeros == 2 * graph.num_edges
    assert operator.is_symmetric == (norm != "row")
    np.testing.assert_allclose(operator.csr.to_dense().numpy(), expected, rtol=1e-6)
    np.testing.assert_allclose(operator.transposed.csr.to_dense().numpy(), expected.T, rtol=1e-6)


def test_known_values():
    graph = BipartiteGraph(torch.tensor([[0, 0, 1], [0, 1, 1]]), num_users=3, num_items=2)
    half = 0.5**0.5
    assert graph.adjacency("symmetric").csr.to_dense()[:2, 3:].tolist() == [
        pytest.approx([half, 0.5]),
        pytest.approx([0.0, half]),
    ]
    assert graph.adjacency("row").csr.to_dense()[:2, 3:].tolist() == [[0.5, 0.5], [0.0, 1.0]]
    assert graph.adjacency("row").csr.to_dense().sum(1).tolist() == [1, 1, 0, 1, 1]
