import pytest
import torch

from graphs import BipartiteGraph, node_dropout


@pytest.fixture
def graph():
    """Every user takes every item but one; one user and two items more have no edges."""
    users, items = torch.cartesian_prod(torch.arange(20), torch.arange(30)).T
    kept = users != items
    return BipartiteGraph(torch.stack([users[kept], items[kept]]), num_users=21, num_items=32)


def seeded(seed):
    return torch.Generator().manual_seed(seed)


@pytest.mark.parametrize("rate", [0.0, 0.1, 0.5, 0.9])
def test_dropped_nodes_lose_all_edges_and_the_others_none_between_them(graph, rate):
    view = node_dropout(graph, rate, seeded(1))
    users, items = view.user_degree > 0, view.item_degree > 0
    # Isolated nodes are among those drawn, so that some fewer of the others may go.
    assert round(rate * 21) - 1 <= 20 - int(users.sum()) <= round(rate * 21)
    assert round(rate * 32) - 2 <= 30 - int(items.sum()) <= round(rate * 32)
    user, item = graph.edge_index
    expected = graph.edge_index[:, users[user] & items[item]]
    same = BipartiteGraph(expected, 21, 32)
    assert torch.equal(view.edge_index, same.edge_index)
    assert torch.equal(view.adjacency().csr.to_dense(), same.adjacency().csr.to_dense())


def test_every_user_and_item_is_as_likely_to_go(graph):
    generator, draws = seeded(3), 600
    users, items = torch.zeros(21), torch.zeros(32)
    for _ in range(draws):
        view = node_dropout(graph, 0.25, generator)
        users += view.user_degree > 0
        items += view.item_degree > 0
    # Standard deviation of one node's share: sqrt(0.25 * 0.75 / 600) = 0.018.
    assert torch.allclose(users[:20] / draws, torch.tensor(1 - 5 / 21), atol=0.07)
    assert torch.allclose(items[:30] / draws, torch.tensor(1 - 8 / 32), atol=0.07)


def test_users_and_items_are_drawn_apart(graph):
    square = BipartiteGraph(graph.edge_index[:, graph.edge_index[1] < 20], 20, 20)
    view = node_dropout(square, 0.5, seeded(0))
    assert not torch.equal(view.user_degree > 0, view.item_degree > 0)


def test_seeds_decide(graph):
    one, again, other = (node_dropout(graph, 0.3, seeded(seed)).keys for seed in (1, 1, 2))
    assert torch.equal(one, again)
    assert not torch.equal(one, other)
    torch.manual_seed(5)
    first = node_dropout(graph, 0.3).keys
    torch.manual_seed(5)
    assert torch.equal(first, node_dropout(graph, 0.3).keys)


def test_graphs_without_edges():
    graph = BipartiteGraph(torch.zeros(2, 0, dtype=torch.int64), 3, 0)
    assert node_dropout(graph, 0.5, seeded(0)).num_edges == 0


@pytest.mark.parametrize("rate", [-0.1, 1.0, float("nan")])
def test_rates_out_of_range_are_errors(graph, rate):
    with pytest.raises(ValueError, match=r"'rate' must lie in \[0, 1\) \(got "):
        node_dropout(graph, rate, seeded(0))
