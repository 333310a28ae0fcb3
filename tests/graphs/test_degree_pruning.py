from itertools import permutations

import numpy as np
import pytest
import torch

from graphs import BipartiteGraph, degree_pruning

EDGES = torch.tensor([[0, 0, 0, 0, 1, 2], [0, 1, 2, 3, 0, 0]])


def seeded(seed):
    return torch.Generator().manual_seed(seed)


def skewed_graph():
    generator = seeded(0)
    user = (torch.rand(3000, generator=generator) ** 2 * 80).long()
    item = (torch.rand(3000, generator=generator) ** 2 * 90).long()
    return BipartiteGraph(torch.stack([user, item]), 85, 90)


def inclusion(weight, count):
    """Probability of each edge to be among ``count`` drawn one after another without replacement."""
    chance = np.zeros(len(weight))
    for order in permutations(range(len(weight)), count):
        left, probability = sum(weight), 1.0
        for edge in order:
            probability *= weight[edge] / left
            left -= weight[edge]
        chance[list(order)] += probability
    return chance


@pytest.mark.parametrize("kept", [1, 3, 5])
def test_edges_stay_with_the_probability_of_multinomial_sampling(kept):
    graph = BipartiteGraph(EDGES, 3, 4)
    degrees = np.array([3 * 4, 4, 4, 4, 3, 3])  # of user times item, in the order of the edges
    expected = inclusion(1 / np.sqrt(degrees), kept)
    generator, draws = seeded(1), 3000
    found = torch.zeros(6)
    for _ in range(draws):
        view = degree_pruning(graph, 1 - kept / 6, generator)
        assert view.num_edges == kept
        found += torch.isin(graph.keys, view.keys)
    # Standard deviation of a share: at most 0.5 / sqrt(3000) = 0.009.
    np.testing.assert_allclose(found / draws, expected, atol=0.032)
    if kept < 5:
        assert expected[0] + 0.07 < expected[1]


@pytest.mark.parametrize("rate", [0.0, 0.1, 0.5, 0.8, 0.95])
def test_the_share_is_exact_and_the_rest_is_a_sorted_subset(rate):
    graph = skewed_graph()
    view = degree_pruning(graph, rate, seeded(1))
    assert view.num_edges == graph.num_edges - round(rate * graph.num_edges)
    assert graph.has_edges(*view.edge_index).all()
    same = BipartiteGraph(view.edge_index, 85, 90)
    assert torch.equal(view.edge_index, same.edge_index)
    assert torch.equal(view.adjacency().csr.to_dense(), same.adjacency().csr.to_dense())


def test_edges_between_popular_nodes_go_first():
    graph = skewed_graph()
    user, item = graph.edge_index
    product = (graph.user_degree[user] * graph.item_degree[item]).double()
    view = degree_pruning(graph, 0.8, seeded(1))
    kept = torch.isin(graph.keys, view.keys)
    assert float(product[kept].mean()) < 0.85 * float(product.mean())


def test_seeds_decide():
    graph = skewed_graph()
    one, again, other = (degree_pruning(graph, 0.5, seeded(seed)).keys for seed in (1, 1, 2))
    assert torch.equal(one, again)
    assert not torch.equal(one, other)
    torch.manual_seed(5)
    first = degree_pruning(graph, 0.5).keys
    second = degree_pruning(graph, 0.5).keys
    torch.manual_seed(5)
    assert torch.equal(first, degree_pruning(graph, 0.5).keys)
    assert not torch.equal(first, second)


def test_graphs_without_edges():
    graph = BipartiteGraph(torch.zeros(2, 0, dtype=torch.int64), 3, 0)
    assert degree_pruning(graph, 0.5, seeded(0)).num_edges == 0


@pytest.mark.parametrize("rate", [-0.1, 1.0, float("nan")])
def test_rates_out_of_range_are_errors(rate):
    with pytest.raises(ValueError, match=r"'drop_rate' must lie in \[0, 1\) \(got "):
        degree_pruning(skewed_graph(), rate)


@pytest.mark.gpu
@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a CUDA device")
def test_a_cpu_generator_gives_the_same_view_on_cuda():
    graph = skewed_graph()
    view = degree_pruning(graph.to("cuda"), 0.3, seeded(1))
    assert torch.equal(view.keys.cpu(), degree_pruning(graph, 0.3, seeded(1)).keys)
