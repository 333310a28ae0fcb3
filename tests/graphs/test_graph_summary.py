import json
from itertools import combinations

import networkx
import numpy as np
import pytest
import torch

from graphs import BipartiteGraph, Homophily, summary


def random_graph(seed=2, num_users=40, num_items=30, num_edges=60):
    generator = torch.Generator().manual_seed(seed)
    user = torch.randint(0, num_users, (num_edges,), generator=generator)
    item = (torch.rand(num_edges, generator=generator) ** 2 * num_items).long()
    return BipartiteGraph(torch.stack([user, item]), num_users, num_items)


def brute_force_homophily(graph, x, mask):
    unit = x.double() / torch.linalg.vector_norm(x.double(), dim=1, keepdim=True)
    usable = set(mask.nonzero().flatten().tolist())
    taken = {}
    for user, item in graph.edge_index.T.tolist():
        if item in usable:
            taken.setdefault(user, []).append(item)

    def mean_cosine(items):
        return np.mean([float(unit[one] @ unit[other]) for one, other in combinations(items, 2)])

    users = [mean_cosine(items) for items in taken.values() if len(items) > 1]
    return np.mean(users), mean_cosine(sorted(usable)), len(users), len(usable)


def test_sizes_degrees_and_components_equal_networkx():
    graph = random_graph()
    told = summary(graph)
    other = graph.to_networkx()
    users = {node for node in other if node[0] == "user"}
    components = [len(nodes) for nodes in networkx.connected_components(other)]
    assert told.num_components == len(components) > 3
    assert told.largest_component == max(components)
    assert told.density == pytest.approx(networkx.bipartite.density(other, users))
    assert (told.num_users, told.num_items, told.num_edges) == (40, 30, other.number_of_edges())
    for side, degree in (
        (told.user_degree, [other.degree[node] for node in users]),
        (told.item_degree, [other.degree[node] for node in set(other) - users]),
    ):
        difference = np.abs(np.subtract.outer(degree, degree)).mean()
        assert side.minimum == min(degree)
        assert side.maximum == max(degree)
        assert side.mean == pytest.approx(np.mean(degree))
        assert side.median == pytest.approx(np.median(degree))
        assert side.isolated_share == pytest.approx(degree.count(0) / len(degree))
        assert 0 in degree
        assert side.gini == pytest.approx(difference / (2 * np.mean(degree)))


def test_known_degrees():
    graph = BipartiteGraph(torch.tensor([[0, 1, 2, 3], [0, 0, 0, 1]]), num_users=4, num_items=4)
    told = summary(graph)
    assert told.user_degree.gini == 0
    assert told.item_degree.gini == pytest.approx(0.625)  # 0, 0, 1, 3
    assert told.item_degree.median == 0.5
    assert told.item_degree.isolated_share == 0.5
    assert (told.num_components, told.largest_component) == (4, 4)


@pytest.mark.parametrize("gathered", [2**24, 100, 1])
def test_homophily_equals_brute_force(gathered, monkeypatch):
    monkeypatch.setattr("graphs.homophily._GATHERED_VALUES", gathered)  # blocks of columns change nothing
    graph = random_graph(num_edges=200)
    generator = torch.Generator().manual_seed(4)
    x = torch.randn(30, 6, generator=generator) + 0.5
    mask = torch.rand(30, generator=generator) < 0.6
    within, random_pair, num_users, num_items = brute_force_homophily(graph, x, mask)
    x[~mask] = torch.nan  # rows outside the mask are not read
    found = summary(graph, {"audio": (x, mask)}).homophily["audio"]
    assert found.within_user == pytest.approx(within, abs=1e-6)
    assert found.random_pair == pytest.approx(random_pair, abs=1e-6)
    assert (found.num_users, found.num_items) == (num_users, num_items)


def test_planted_taste_shows():
    # Even users take even items, odd users odd ones; the feature tells them apart, up to its length.
    user, item = torch.cartesian_prod(torch.arange(10), torch.arange(20)).T
    same = (user - item) % 2 == 0
    graph = BipartiteGraph(torch.stack([user[same], item[same]]), 10, 20)
    sign = 1 - 2 * (torch.arange(20) % 2)
    length = torch.linspace(0.1, 3, 20)
    x = torch.outer(sign * length, torch.ones(3))
    found = summary(graph, {"text": (x.half(), torch.ones(20, dtype=torch.bool))}).homophily["text"]
    assert found.within_user == pytest.approx(1, abs=1e-5)
    assert found.random_pair == pytest.approx(-1 / 19, abs=1e-5)


def test_items_without_direction_and_users_without_pairs():
    graph = BipartiteGraph(torch.tensor([[0, 0, 0, 1], [0, 1, 2, 0]]), num_users=2, num_items=3)
    x = torch.tensor([[1.0, 0.0], [0.0, 0.0], [1.0, 1.0]])
    everything, nothing = torch.ones(3, dtype=torch.bool), torch.zeros(3, dtype=torch.bool)
    found = summary(graph, {"all": (x, everything), "none": (x, nothing)}).homophily
    assert found["all"].within_user == pytest.approx(0.5**0.5)
    assert (found["all"].num_users, found["all"].num_items) == (1, 2)
    assert found["none"] == Homophily(within_user=None, random_pair=None, num_users=0, num_items=0)


@pytest.mark.parametrize(("num_users", "num_items"), [(0, 0), (3, 0), (0, 2), (3, 2)])
def test_graphs_without_edges(num_users, num_items):
    graph = BipartiteGraph(torch.zeros(2, 0, dtype=torch.int64), num_users, num_items)
    told = summary(graph, {"text": (torch.ones(num_items, 2), torch.ones(num_items, dtype=torch.bool))})
    assert told.num_components == graph.num_nodes
    assert told.largest_component == min(1, graph.num_nodes)
    assert told.density == 0
    assert told.item_degree.gini == 0
    assert told.user_degree.isolated_share == (1 if num_users else 0)
    assert told.homophily["text"].within_user is None


def test_to_dict_is_ready_for_json():
    graph = random_graph()
    told = summary(graph, {"text": (torch.ones(30, 2), torch.ones(30, dtype=torch.bool))}).to_dict()
    assert json.loads(json.dumps(told, allow_nan=False)) == told
    assert told["homophily"]["text"]["within_user"] == pytest.approx(1)
    assert told["item_degree"]["maximum"] == int(graph.item_degree.max())


@pytest.mark.parametrize(
    ("x", "mask", "message"),
    [
        (torch.zeros(29, 2), torch.ones(30, dtype=torch.bool), r"'text' must be a floating \(30, d\) matrix"),
        (torch.zeros(30), torch.ones(30, dtype=torch.bool), r"\(got torch.float32, \(30,\)\)"),
        (torch.zeros(30, 2, dtype=torch.int64), torch.ones(30, dtype=torch.bool), "got torch.int64"),
        (torch.zeros(30, 2), torch.ones(30), r"mask of features 'text' must be bool of shape \(30,\)"),
        (torch.zeros(30, 2), torch.ones(3, dtype=torch.bool), r"\(got torch.bool, \(3,\)\)"),
    ],
)
def test_wrong_features_are_named(x, mask, message):
    with pytest.raises(ValueError, match=message):
        summary(random_graph(), {"text": (x, mask)})
