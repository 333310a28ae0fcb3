import pytest
import torch

from graphs import BipartiteGraph, edge_dropout, modality_edge_dropout


@pytest.fixture
def graph():
    users, items = torch.cartesian_prod(torch.arange(40), torch.arange(50)).T
    return BipartiteGraph(torch.stack([users, items]), 40, 50)


def seeded(seed):
    return torch.Generator().manual_seed(seed)


def test_each_modality_has_a_draw_of_its_own(graph):
    views = modality_edge_dropout(graph, ["image", "text", "audio"], 0.5, seeded(0))
    assert list(views) == ["image", "text", "audio"]
    assert all(view.num_edges == 1000 for view in views.values())
    keys = [set(view.keys.tolist()) for view in views.values()]
    for one in range(3):
        for other in range(one):
            # Of 2,000 edges, 500 are in both; the standard deviation is sqrt(2000) / 4 = 11.
            assert 440 < len(keys[one] & keys[other]) < 560


def test_the_draws_are_those_of_edge_dropout_in_order(graph):
    views = modality_edge_dropout(graph, ("image", "text"), 0.3, seeded(4))
    generator = seeded(4)
    for view in views.values():
        assert torch.equal(view.keys, edge_dropout(graph, 0.3, generator).keys)


def test_rates_out_of_range_are_errors(graph):
    with pytest.raises(ValueError, match=r"'rate' must lie in \[0, 1\) \(got 1"):
        modality_edge_dropout(graph, ["image"], 1.0)
