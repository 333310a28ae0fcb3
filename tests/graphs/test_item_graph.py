import copy
import pickle

import numpy as np
import pytest
import torch

from graphs import ItemGraph


def random_graph(num_items=12, share=0.3, seed=0, lowest=-0.5):
    """About ``share`` of all pairs, items 2 and 5 without neighbours, item 7 nobody's neighbour."""
    generator = torch.Generator().manual_seed(seed)
    present = torch.rand(num_items, num_items, generator=generator) < share
    present[[2, 5]] = False
    present[:, 7] = False
    edge_index = present.nonzero().T.contiguous()
    weight = lowest + (1 - lowest) * torch.rand(edge_index.shape[1], generator=generator)
    return ItemGraph(edge_index, weight, num_items)


def dense(graph):
    matrix = np.zeros((graph.num_items, graph.num_items))
    matrix[tuple(graph.edge_index.numpy())] = graph.weight.detach().numpy()
    return matrix


def test_sizes():
    graph = random_graph()
    assert graph.num_edges == graph.weight.numel() == int((dense(graph) != 0).sum())
    assert graph.degree.tolist() == (dense(graph) != 0).sum(1).tolist()
    assert graph.degree[2] == graph.degree[5] == 0
    assert graph.device == torch.device("cpu")
    assert graph.to("cpu") is graph
    assert repr(graph) == f"ItemGraph(num_items=12, num_edges={graph.num_edges})"


@pytest.mark.parametrize("gradient_to", ["x", "weight", "both", "none"])
def test_product_and_gradients_equal_dense(gradient_to):
    graph = random_graph()
    generator = torch.Generator().manual_seed(1)
    x = torch.randn(12, 5, generator=generator).requires_grad_(gradient_to in ("x", "both"))
    weight = graph.weight.clone().requires_grad_(gradient_to in ("weight", "both"))
    out = graph.with_weight(weight).matmul(x)
    matrix = dense(graph)
    np.testing.assert_allclose(out.detach().numpy(), matrix @ x.detach().numpy(), atol=1e-6)
    assert out.requires_grad == (gradient_to != "none")
    if gradient_to == "none":
        return
    # A gradient of another layout than the product's: transposed.
    upstream = torch.randn(5, 12, generator=generator)
    (out.T * upstream).sum().backward()
    if x.requires_grad:
        np.testing.assert_allclose(x.grad.numpy(), matrix.T @ upstream.T.numpy(), atol=1e-5)
    if weight.requires_grad:
        of_all_pairs = upstream.T.numpy() @ x.detach().numpy().T
        np.testing.assert_allclose(weight.grad.numpy(), of_all_pairs[tuple(graph.edge_index.numpy())], atol=1e-5)


def test_several_layers_with_gradient_to_the_weights():
    graph = random_graph()
    x = torch.randn(12, 3, generator=torch.Generator().manual_seed(1))
    weight = graph.weight.clone().requires_grad_()
    out = graph.with_weight(weight).convolve(x, 3)
    np.testing.assert_allclose(out.detach().numpy(), np.linalg.matrix_power(dense(graph), 3) @ x.numpy(), atol=1e-5)
    matrix = torch.from_numpy(dense(graph)).requires_grad_()
    (matrix @ matrix @ matrix @ x.double()).square().sum().backward()
    out.square().sum().backward()
    assert torch.allclose(weight.grad.double(), matrix.grad[tuple(graph.edge_index)], atol=1e-4)
    assert torch.equal(graph.convolve(x, 0), x)


def test_without_grad_mode_nothing_is_recorded():
    graph = random_graph()
    with torch.no_grad():
        out = graph.with_weight(graph.weight.clone().requires_grad_()).matmul(torch.ones(12, 2))
    assert not out.requires_grad


def normalized(matrix, norm):
    matrix = np.maximum(matrix, 0)
    total = matrix.sum(1)
    inverse = np.divide(1, total, out=np.zeros_like(total), where=total > 0)
    if norm == "row":
        return inverse[:, None] * matrix
    return np.sqrt(inverse)[:, None] * matrix * np.sqrt(inverse)[None, :]


@pytest.mark.parametrize("norm", ["symmetric", "row"])
@pytest.mark.parametrize("lowest", [0.1, -0.5, -1.0])
def test_normalisation_and_its_gradient_equal_dense(norm, lowest):
    graph = random_graph(lowest=lowest)
    weight = graph.weight.clone()
    weight[graph.edge_index[0] == 4] = -0.3  # all of an item's weights are negative: its sum is 0
    weight.requires_grad_()
    found = graph.with_weight(weight).normalized(norm)
    expected = normalized(dense(graph.with_weight(weight)), norm)
    np.testing.assert_allclose(dense(found), expected, atol=1e-6)
    assert (expected[4] == 0).all()
    assert found.weight.isfinite().all()

    upstream = torch.linspace(-1, 1, graph.num_edges)
    (found.weight * upstream).sum().backward()
    step = 1e-6
    for edge in range(0, graph.num_edges, 5):
        moved = []
        for sign in (1, -1):
            matrix = np.zeros((12, 12))
            matrix[tuple(graph.edge_index.numpy())] = weight.detach().double().numpy()
            matrix[tuple(graph.edge_index[:, edge].tolist())] += sign * step
            moved.append(normalized(matrix, norm)[tuple(graph.edge_index.numpy())] @ upstream.double().numpy())
        assert float(weight.grad[edge]) == pytest.approx((moved[0] - moved[1]) / (2 * step), abs=1e-3)


def test_no_normalisation_changes_nothing():
    graph = random_graph()
    assert graph.normalized("none") is graph
    with pytest.raises(ValueError, match="'norm' must be one of symmetric, row, none"):
        graph.normalized("both")


def test_binary_and_detached_graphs():
    graph = random_graph()
    assert (dense(graph.binary()) == (dense(graph) != 0)).all()
    assert graph.detach() is graph
    learned = graph.with_weight(graph.weight.clone().requires_grad_())
    x = torch.ones(12, 2)
    for known in (learned, learned.normalized("row")):  # with its operator built, and not yet
        if known is learned:
            known.operator()
        detached = known.detach()
        assert not detached.weight.requires_grad
        assert not detached.matmul(x).requires_grad
        assert torch.allclose(detached.matmul(x), known.matmul(x).detach())


def test_operators_are_built_once_and_belong_to_the_weights():
    graph = random_graph()
    assert graph.operator() is graph.operator()
    other = graph.with_weight(2 * graph.weight)
    assert other.operator() is not graph.operator()
    np.testing.assert_allclose(other.operator().csr.to_dense().numpy(), 2 * dense(graph))
    np.testing.assert_allclose(other.operator().transposed.csr.to_dense().numpy(), 2 * dense(graph).T)
    assert graph.operator().csr.col_indices().dtype == torch.int32


def test_copies_leave_out_what_is_worked_out():
    pairs, x = torch.tensor([[0, 0, 1], [1, 2, 0]]), torch.arange(6.0).reshape(3, 2)
    scale = torch.tensor(2.0, requires_grad=True)
    computed = ItemGraph(pairs, scale * torch.tensor([1.0, 2.0, 3.0]), num_items=3)
    size = len(pickle.dumps(computed))
    product = computed.matmul(x)
    assert product.tolist() == [[20.0, 26.0], [0.0, 6.0], [0.0, 0.0]]
    assert len(pickle.dumps(computed)) == size
    for again in (copy.deepcopy(computed), pickle.loads(pickle.dumps(computed))):
        assert torch.equal(again.matmul(x), product.detach()) and not again.weight.requires_grad
    one, other = copy.deepcopy([computed, computed.binary()])  # of the same pairs, which are copied once
    assert one.edge_index is other.edge_index and one.edge_index is not pairs
    given = torch.ones(3, requires_grad=True)
    assert copy.deepcopy(ItemGraph(pairs, given, num_items=3)).weight.requires_grad


@pytest.mark.parametrize("num_items", [0, 4])
def test_graphs_without_pairs(num_items):
    weight = torch.empty(0, requires_grad=True)
    graph = ItemGraph(torch.empty(2, 0, dtype=torch.int64), weight, num_items)
    x = torch.ones(num_items, 3, requires_grad=True)
    for norm in ("none", "row", "symmetric"):
        out = graph.normalized(norm).matmul(x)
        assert not out.any()
        out.sum().backward()
    assert not x.grad.any()
    assert graph.degree.tolist() == [0] * num_items


@pytest.mark.parametrize(
    ("edge_index", "weight", "num_items", "message"),
    [
        (torch.zeros(2, 3), torch.ones(3), 5, "'edge_index' must be int64 of shape (2, E) (got torch.float32, (2, 3))"),
        (torch.zeros(3, 2, dtype=torch.int64), torch.ones(2), 5, "(got torch.int64, (3, 2))"),
        (
            torch.tensor([[0], [1]]),
            torch.ones(2),
            5,
            "'weight' must be float32 of shape (1,) (got torch.float32, (2,))",
        ),
        (torch.tensor([[0], [1]]), torch.ones(1).double(), 5, "(got torch.float64, (1,))"),
        (torch.tensor([[0], [5]]), torch.ones(1), 5, "items in 'edge_index' must lie in [0, 5) (got 0 to 5)"),
        (torch.tensor([[0], [-1]]), torch.ones(1), 5, "items in 'edge_index' must lie in [0, 5) (got -1 to 0)"),
        (torch.tensor([[1, 0], [0, 1]]), torch.ones(2), 5, "must be sorted by item, then neighbour"),
        (torch.tensor([[0, 0], [1, 1]]), torch.ones(2), 5, "without duplicates"),
        (
            torch.empty(2, 0, dtype=torch.int64),
            torch.ones(0),
            -1,
            "'num_items' must be a non-negative integer (got -1)",
        ),
    ],
)
def test_wrong_input_is_named(edge_index, weight, num_items, message):
    with pytest.raises(ValueError) as error:
        ItemGraph(edge_index, weight, num_items)
    assert message in str(error.value)


def test_wrong_weights_are_named():
    with pytest.raises(ValueError, match=r"'weight' must be float32 of shape \(\d+,\) \(got torch.float32, \(3,\)\)"):
        random_graph().with_weight(torch.ones(3))


@pytest.mark.gpu
@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a CUDA device")
def test_cuda_gives_the_same():
    graph = random_graph()
    x = torch.randn(12, 5, generator=torch.Generator().manual_seed(1))
    gradients = []
    for device in ("cpu", "cuda"):
        weight = graph.weight.to(device).requires_grad_()
        moved = graph.to(device).with_weight(weight).normalized("symmetric")
        assert moved.device.type == device
        here = x.to(device).requires_grad_()
        moved.matmul(here).square().sum().backward()
        gradients.append((weight.grad.cpu(), here.grad.cpu()))
    for one, other in zip(*gradients, strict=True):
        assert torch.allclose(one, other, atol=1e-5)
