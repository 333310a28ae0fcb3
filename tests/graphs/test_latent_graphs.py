import numpy as np
import pytest
import torch

from graphs import ItemGraph, fuse_graphs, knn_graph, learned_graph


def vectors(n=25, d=4, seed=0):
    return torch.randn(n, d, generator=torch.Generator().manual_seed(seed))


def dense(graph):
    matrix = torch.zeros(graph.num_items, graph.num_items, dtype=torch.float64)
    matrix[tuple(graph.edge_index)] = graph.weight.detach().double()
    return matrix


def test_learned_graph_has_the_pairs_and_cosines_of_the_nearest():
    x = vectors()
    x[3] = 0
    mask = torch.arange(25) % 5 > 0
    plain = knn_graph(x, 6, mask)
    learned = learned_graph(x.clone().requires_grad_(), 6, mask)
    assert torch.equal(learned.edge_index, plain.edge_index)
    assert torch.allclose(learned.weight, plain.weight, atol=1e-6)
    assert learned.weight.requires_grad
    assert float(plain.weight.min()) < 0  # negative cosines stay
    assert not learned_graph(x, 6, mask).weight.requires_grad
    with torch.no_grad():
        assert not learned_graph(x.clone().requires_grad_(), 6).weight.requires_grad


def test_gradient_to_the_vectors_equals_dense():
    x = vectors()
    x[3] = 0
    x[5] = torch.nan  # outside the mask: neither read nor touched
    mask = torch.arange(25) % 5 > 0
    x.requires_grad_()
    graph = learned_graph(x, 6, mask)
    upstream = torch.linspace(-1, 2, graph.num_edges)
    (graph.weight * upstream).sum().backward()

    same = x.detach().double().requires_grad_()
    unit = same / same.square().sum(1, keepdim=True).sqrt()
    cosine = (unit[graph.edge_index[0]] * unit[graph.edge_index[1]]).sum(1)
    (cosine * upstream.double()).sum().backward()
    isolated = graph.degree == 0
    assert isolated[[0, 3, 5]].all()
    assert not x.grad[isolated].any()
    assert torch.allclose(x.grad[~isolated].double(), same.grad[~isolated], atol=1e-5)
    assert float(same.grad[~isolated].abs().min(1).values.max()) > 0.01


def test_gradient_by_finite_differences_through_normalisation_and_product():
    x = vectors(12, 3).requires_grad_()
    table, upstream = vectors(12, 2, seed=1), vectors(12, 2, seed=2)
    graph = learned_graph(x, 4)
    (graph.normalized("symmetric").matmul(table) * upstream).sum().backward()
    pairs = tuple(graph.edge_index.numpy())

    def value(of):
        unit = of / np.linalg.norm(of, axis=1, keepdims=True)
        matrix = np.zeros((12, 12))
        matrix[pairs] = np.maximum((unit @ unit.T)[pairs], 0)
        share = 1 / np.sqrt(matrix.sum(1))
        return float(((share[:, None] * matrix * share @ table.double().numpy()) * upstream.double().numpy()).sum())

    at = x.detach().double().numpy()
    for place in np.ndindex(at.shape):
        step = np.zeros_like(at)
        step[place] = 1e-6
        slope = (value(at + step) - value(at - step)) / 2e-6
        assert float(x.grad[place]) == pytest.approx(slope, abs=2e-4)


def test_length_does_not_count():
    x = vectors()
    scale = torch.linspace(0.1, 30, 25).unsqueeze(1)
    assert torch.allclose(dense(learned_graph((x * scale).requires_grad_(), 5)), dense(knn_graph(x, 5)), atol=1e-6)


def test_learned_graph_passes_errors_on():
    with pytest.raises(ValueError, match=r"'k' must lie in \[1, 24\] for 25 items \(got 25\)"):
        learned_graph(vectors().requires_grad_(), 25)


def three_graphs():
    graphs = [knn_graph(vectors(seed=seed), k) for seed, k in ((0, 3), (1, 6), (2, 1))]
    empty = ItemGraph(torch.empty(2, 0, dtype=torch.int64), torch.empty(0), 25)
    return [graphs[0], graphs[1], empty, graphs[2]]


def test_fused_graph_equals_the_dense_sum():
    graphs = three_graphs()
    weights = torch.tensor([0.5, -0.2, 3.0, 0.7])
    fused = fuse_graphs(graphs, weights)
    expected = sum(weight * dense(graph) for weight, graph in zip(weights.double(), graphs, strict=True))
    assert torch.allclose(dense(fused), expected, atol=1e-6)
    pairs = {tuple(pair) for graph in graphs for pair in graph.edge_index.T.tolist()}
    assert list(map(tuple, fused.edge_index.T.tolist())) == sorted(pairs)
    assert len(pairs) < sum(graph.num_edges for graph in graphs)  # some pairs are shared
    ItemGraph(fused.edge_index, fused.weight, 25)  # sorted and different: the shortcut must not be seen


def test_gradients_to_weights_and_graphs_equal_dense():
    plain = three_graphs()
    weights = torch.tensor([0.5, -0.2, 3.0, 0.7], requires_grad=True)
    values = [graph.weight.clone().requires_grad_() for graph in plain]
    graphs = [graph.with_weight(value) for graph, value in zip(plain, values, strict=True)]
    upstream = torch.randn(25, 25, generator=torch.Generator().manual_seed(5))
    fused = fuse_graphs(graphs, weights)
    (fused.weight * upstream[tuple(fused.edge_index)]).sum().backward()
    for index, (graph, value) in enumerate(zip(graphs, values, strict=True)):
        here = upstream[tuple(graph.edge_index)]
        assert torch.allclose(value.grad, weights[index].detach() * here, atol=1e-6)
        assert float(weights.grad[index]) == pytest.approx(float((here * value.detach()).sum()), abs=1e-5)


def test_weights_that_cancel_leave_the_pair():
    graph = knn_graph(vectors(), 3)
    other = ItemGraph(graph.edge_index.clone(), graph.weight.clone(), 25)
    fused = fuse_graphs([graph, other], torch.tensor([1.0, -1.0]))
    assert torch.equal(fused.edge_index, graph.edge_index)
    assert not fused.weight.any()


def test_graphs_of_the_same_pairs_and_a_single_one():
    graph = knn_graph(vectors(), 3)
    weights = torch.tensor([2.0, 0.5], requires_grad=True)
    fused = fuse_graphs([graph, graph.binary()], weights)
    assert torch.allclose(fused.weight, 2 * graph.weight + 0.5)
    fused.weight.sum().backward()
    assert weights.grad.tolist() == pytest.approx([float(graph.weight.sum()), graph.num_edges])
    assert torch.allclose(fuse_graphs([graph], torch.tensor([3.0])).weight, 3 * graph.weight)


@pytest.mark.parametrize(
    ("graphs", "weights", "message"),
    [
        ([], torch.ones(0), "'graphs' must hold at least one graph (got none)"),
        ([knn_graph(vectors(), 2), knn_graph(vectors(9), 2)], torch.ones(2), "(got num_items: 25, 9)"),
        ([knn_graph(vectors(), 2)], torch.ones(2), "'weights' must be float32 of shape (1,) (got torch.float32, (2,))"),
        ([knn_graph(vectors(), 2)], torch.ones(1).double(), "(got torch.float64, (1,))"),
    ],
)
def test_wrong_input_is_named(graphs, weights, message):
    with pytest.raises(ValueError) as error:
        fuse_graphs(graphs, weights)
    assert message in str(error.value)


@pytest.mark.gpu
@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a CUDA device")
def test_cuda_gives_the_same():
    found = []
    for device in ("cpu", "cuda"):
        x = vectors().to(device).requires_grad_()
        fused = fuse_graphs([learned_graph(x, 4), learned_graph(x.flip(1) + x, 3)], torch.ones(2, device=device))
        (fused.weight * torch.linspace(0, 1, fused.num_edges, device=device)).sum().backward()
        found.append((fused.edge_index.cpu(), fused.weight.detach().cpu(), x.grad.cpu()))
    assert torch.equal(found[0][0], found[1][0])
    for one, other in zip(found[0][1:], found[1][1:], strict=True):
        assert torch.allclose(one, other, atol=1e-5)
