import pytest
import torch

from gnnrec.errors import ArgumentError, DataError
from gnnrec.training import TripleSampler
from graphs import BipartiteGraph


def random_graph(num_users: int = 50, num_items: int = 30, density: float = 0.3, seed: int = 0) -> BipartiteGraph:
    generator = torch.Generator().manual_seed(seed)
    taken = torch.rand(num_users, num_items, generator=generator) < density
    taken[:, -1] = False  # the last item is cold
    return BipartiteGraph(taken.nonzero().T.contiguous(), num_users, num_items)


def test_epoch_visits_every_pair_once_with_a_fresh_order() -> None:
    graph = random_graph()
    sampler = TripleSampler(graph)
    generator = torch.Generator().manual_seed(3)
    first, second = sampler.epoch(generator), sampler.epoch(generator)
    keys = first.users * graph.num_items + first.positives
    assert torch.equal(keys.sort().values, graph.keys)
    assert not torch.equal(keys, second.users * graph.num_items + second.positives)


def test_negatives_are_never_taken_and_never_cold() -> None:
    graph = random_graph(density=0.8)
    sampler = TripleSampler(graph)
    taken = set(graph.keys.tolist())
    generator = torch.Generator().manual_seed(0)
    for _ in range(5):
        triples = sampler.epoch(generator)
        assert not taken & set((triples.users * graph.num_items + triples.negatives).tolist())
        assert int(triples.negatives.max()) < graph.num_items - 1


def test_negatives_are_uniform_over_untaken_items() -> None:
    graph = BipartiteGraph(torch.tensor([[0, 0, 1, 1, 1], [0, 1, 2, 3, 4]]), 2, 5)
    sampler = TripleSampler(graph)
    drawn = sampler.negatives(torch.zeros(30_000, dtype=torch.int64), torch.Generator().manual_seed(0))
    share = torch.bincount(drawn, minlength=5) / 30_000
    torch.testing.assert_close(share, torch.tensor([0, 0, 1 / 3, 1 / 3, 1 / 3]), atol=0.015, rtol=0)


def test_users_who_took_everything_are_left_out() -> None:
    graph = BipartiteGraph(torch.tensor([[0, 0, 1], [0, 1, 1]]), 2, 2)
    triples = TripleSampler(graph).epoch(torch.Generator().manual_seed(0))
    assert triples.users.tolist() == [1] and triples.negatives.tolist() == [0]
    with pytest.raises(DataError, match="every user took every item"):
        TripleSampler(BipartiteGraph(torch.tensor([[0, 0], [0, 1]]), 1, 2))


def test_same_generator_state_gives_the_same_epoch() -> None:
    sampler = TripleSampler(random_graph())
    first = sampler.epoch(torch.Generator().manual_seed(5))
    second = sampler.epoch(torch.Generator().manual_seed(5))
    assert all(torch.equal(a, b) for a, b in zip(first, second, strict=True))


def test_plain_edges_are_refused() -> None:
    with pytest.raises(
        ArgumentError, match=r"'graph' must be a BipartiteGraph \(got Tensor\); BipartiteGraph\(edge_index"
    ):
        TripleSampler(torch.zeros(2, 1, dtype=torch.int64))  # type: ignore[arg-type]
