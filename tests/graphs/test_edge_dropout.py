import pytest
import torch

from graphs import BipartiteGraph, edge_dropout


@pytest.fixture
def graph():
    generator = torch.Generator().manual_seed(0)
    user = torch.randint(0, 50, (1500,), generator=generator)
    item = torch.randint(0, 70, (1500,), generator=generator)
    return BipartiteGraph(torch.stack([user, item]), num_users=55, num_items=70)


def seeded(seed):
    return torch.Generator().manual_seed(seed)


@pytest.mark.parametrize("rate", [0.0, 0.1, 0.5, 0.9])
def test_the_share_is_exact_and_the_rest_is_a_sorted_subset(graph, rate):
    view = edge_dropout(graph, rate, seeded(1))
    assert view.num_edges == graph.num_edges - round(rate * graph.num_edges)
    assert (view.num_users, view.num_items) == (55, 70)
    assert graph.has_edges(*view.edge_index).all()
    same = BipartiteGraph(view.edge_index, 55, 70)  # sorts anew: the shortcut must not be seen
    assert torch.equal(view.keys, same.keys)
    assert torch.equal(view.edge_index, same.edge_index)
    assert torch.equal(view.adjacency().csr.to_dense(), same.adjacency().csr.to_dense())


def test_the_graph_itself_is_untouched(graph):
    before, adjacency = graph.edge_index.clone(), graph.adjacency()
    view = edge_dropout(graph, 0.5, seeded(1))
    assert torch.equal(graph.edge_index, before)
    assert graph.adjacency() is adjacency
    assert view.adjacency() is not adjacency
    assert int(view.user_degree.sum()) == view.num_edges


def test_seeds_decide(graph):
    one, again, other = (edge_dropout(graph, 0.3, seeded(seed)) for seed in (1, 1, 2))
    assert torch.equal(one.keys, again.keys)
    assert not torch.equal(one.keys, other.keys)
    generator = seeded(1)
    first, second = (edge_dropout(graph, 0.3, generator) for _ in range(2))
    assert torch.equal(first.keys, one.keys)
    assert not torch.equal(second.keys, first.keys)


def test_the_global_generator_is_left_alone(graph):
    torch.manual_seed(7)
    expected = torch.rand(3)
    torch.manual_seed(7)
    edge_dropout(graph, 0.3, seeded(1))
    assert torch.equal(torch.rand(3), expected)


def test_without_a_generator_the_global_one_decides(graph):
    views = []
    for seed in (7, 7, 8):
        torch.manual_seed(seed)
        views.append(edge_dropout(graph, 0.3))
    assert torch.equal(views[0].keys, views[1].keys)
    assert not torch.equal(views[0].keys, views[2].keys)


@pytest.mark.parametrize("norm", ["symmetric", "row", "none"])
def test_operators_of_a_view_of_a_view_equal_those_of_its_edges(graph, norm):
    view = edge_dropout(edge_dropout(graph, 0.4, seeded(1)), 0.5, seeded(2))
    same = BipartiteGraph(view.edge_index, 55, 70)
    assert torch.equal(view.adjacency(norm).csr.to_dense(), same.adjacency(norm).csr.to_dense())
    assert torch.equal(view.user_item_matrix().csr.to_dense(), same.user_item_matrix().csr.to_dense())
    assert torch.equal(view.user_item_matrix().transposed.csr.to_dense(), same.user_item_matrix().csr.to_dense().T)
    assert torch.equal(view.user_pointer, same.user_pointer)
    assert torch.equal(view.item_degree, same.item_degree)


def test_every_edge_is_as_likely_to_go(graph):
    generator, draws = seeded(3), 400
    kept = torch.zeros(graph.num_edges)
    for _ in range(draws):
        kept += torch.isin(graph.keys, edge_dropout(graph, 0.25, generator).keys)
    share = kept / draws
    # Standard deviation of one edge's share: sqrt(0.25 * 0.75 / 400) = 0.022.
    assert float((share - 0.75).abs().max()) < 0.1
    assert float(share.std()) == pytest.approx(0.0217, abs=0.004)


def test_graphs_without_edges():
    graph = BipartiteGraph(torch.zeros(2, 0, dtype=torch.int64), 3, 0)
    assert edge_dropout(graph, 0.5, seeded(0)).num_edges == 0


@pytest.mark.parametrize("rate", [-0.1, 1.0, 1.5, float("nan")])
def test_rates_out_of_range_are_errors(graph, rate):
    with pytest.raises(ValueError, match=r"'rate' must lie in \[0, 1\) \(got "):
        edge_dropout(graph, rate, seeded(0))


@pytest.mark.gpu
@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a CUDA device")
def test_a_cpu_generator_gives_the_same_view_on_cuda(graph):
    view = edge_dropout(graph.to("cuda"), 0.3, seeded(1))
    assert view.device.type == "cuda"
    assert torch.equal(view.keys.cpu(), edge_dropout(graph, 0.3, seeded(1)).keys)
