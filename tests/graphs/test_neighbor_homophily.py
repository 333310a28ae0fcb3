import numpy as np
import pytest
import torch

from graphs import BipartiteGraph, NeighborHomophily, summary


def random_graph(num_users=60, num_items=40, num_edges=500, seed=0):
    generator = torch.Generator().manual_seed(seed)
    user = (torch.rand(num_edges, generator=generator) ** 2 * num_users).long()
    item = (torch.rand(num_edges, generator=generator) ** 2 * (num_items - 3)).long()  # the last items are cold
    return BipartiteGraph(torch.stack([user, item]), num_users, num_items)


def dense_figures(graph, x, mask, k):
    matrix = np.zeros((graph.num_users, graph.num_items))
    matrix[tuple(graph.edge_index.numpy())] = 1
    x = x.double().numpy()
    items = np.flatnonzero(mask.numpy() & (x != 0).any(1) & (matrix.sum(0) > 0))
    unit = x[items] / np.linalg.norm(x[items], axis=1, keepdims=True)
    columns = matrix[:, items] / np.linalg.norm(matrix[:, items], axis=0)
    content, users = unit @ unit.T, columns.T @ columns
    np.fill_diagonal(content, -np.inf)
    near = np.argsort(-content, axis=1)[:, :k]
    others = ~np.eye(len(items), dtype=bool)
    return np.take_along_axis(users, near, axis=1).mean(), users[others].mean(), len(items)


@pytest.mark.parametrize("lookups", [2**20, 50, 1])
@pytest.mark.parametrize("k", [1, 10, 25])
def test_figures_equal_the_dense_definition(k, lookups, monkeypatch):
    monkeypatch.setattr("graphs.neighbor_homophily._LOOKUPS", lookups)  # blocks of pairs change nothing
    graph = random_graph()
    generator = torch.Generator().manual_seed(4)
    x = torch.randn(40, 6, generator=generator)
    x[5] = 0
    mask = torch.rand(40, generator=generator) < 0.8
    near, overall, num_items = dense_figures(graph, x, mask, k)
    x[~mask] = torch.nan  # rows outside the mask are not read
    found = NeighborHomophily.of(graph, x, mask, k)
    assert found.content_neighbors == pytest.approx(near, abs=1e-9)
    assert found.random_pair == pytest.approx(overall, abs=1e-9)
    assert found.lift == pytest.approx(near / overall)
    assert (found.k, found.num_items) == (k, num_items)
    assert 25 < num_items < 37


def planted_graph():
    """Users of two camps take ten of their camp's thirty items each."""
    generator = torch.Generator().manual_seed(1)
    user = torch.arange(100).repeat_interleave(10)
    item = torch.cat([torch.randperm(30, generator=generator)[:10] + 30 * (one % 2) for one in range(100)])
    return BipartiteGraph(torch.stack([user, item]), 100, 60)


def test_planted_taste_shows_and_shuffled_features_do_not():
    graph = planted_graph()
    camp = (torch.arange(60) >= 30).float()
    noise = torch.randn(60, 4, generator=torch.Generator().manual_seed(2))
    x = 8 * torch.stack([camp, 1 - camp, camp, 1 - camp], dim=1) + noise
    everything = torch.ones(60, dtype=torch.bool)
    told = summary(graph, {"image": (x, everything), "text": (noise, everything)}).neighbor_homophily
    # Only the own camp shares users, and it is 29 of 59 others.
    assert told["image"].lift == pytest.approx(59 / 29, rel=0.03)
    assert told["text"].lift == pytest.approx(1, abs=0.1)
    assert told["image"].k == 10


def test_where_no_user_has_two_items():
    graph = BipartiteGraph(torch.tensor([[0, 1, 2], [0, 1, 2]]), 3, 4)
    found = NeighborHomophily.of(graph, torch.eye(4), torch.ones(4, dtype=torch.bool))
    assert found == NeighborHomophily(content_neighbors=0.0, random_pair=0.0, lift=None, k=2, num_items=3)


@pytest.mark.parametrize(("covered", "k"), [(0, 0), (1, 0)])
def test_without_pairs_nothing_is_told(covered, k):
    graph = random_graph()
    mask = torch.arange(40) < covered
    found = NeighborHomophily.of(graph, torch.ones(40, 2), mask)
    assert found == NeighborHomophily(content_neighbors=None, random_pair=None, lift=None, k=k, num_items=covered)
    empty = BipartiteGraph(torch.zeros(2, 0, dtype=torch.int64), 3, 4)
    assert NeighborHomophily.of(empty, torch.ones(4, 2), torch.ones(4, dtype=torch.bool)).num_items == 0


def test_large_catalogues_are_sampled(monkeypatch):
    monkeypatch.setattr("graphs.neighbor_homophily._MAX_ITEMS", 20)
    graph, everything = random_graph(), torch.ones(40, dtype=torch.bool)
    x = torch.randn(40, 6, generator=torch.Generator().manual_seed(4))
    found = NeighborHomophily.of(graph, x, everything, k=5)
    assert found.num_items == 20
    assert found == NeighborHomophily.of(graph, x, everything, k=5)
    drawn = torch.randperm(int((graph.item_degree > 0).sum()), generator=torch.Generator().manual_seed(0))[:20]
    sample = torch.zeros(40, dtype=torch.bool).index_fill_(0, graph.item_degree.nonzero().flatten()[drawn], True)
    near, overall, _ = dense_figures(graph, x, sample, 5)
    assert found.content_neighbors == pytest.approx(near, abs=1e-9)
    assert found.random_pair == pytest.approx(overall, abs=1e-9)


def test_it_is_part_of_the_summary():
    graph = random_graph()
    features = {"text": (torch.randn(40, 3).half(), torch.ones(40, dtype=torch.bool))}
    told = summary(graph, features)
    assert told.to_dict()["neighbor_homophily"]["text"] == vars(told.neighbor_homophily["text"])
