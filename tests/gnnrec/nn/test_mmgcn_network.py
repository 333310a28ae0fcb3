"""The network of one modality: which rows are asked for must not matter, nor which side is larger."""

import pytest
import torch

from gnnrec.nn.mmgcn_network import MMGCNNetwork
from graphs import BipartiteGraph


def make_graph(num_users: int, num_items: int) -> BipartiteGraph:
    generator = torch.Generator().manual_seed(0)
    users = torch.randint(num_users - 1, (20,), generator=generator)  # the last user and item stay alone
    items = torch.randint(num_items - 1, (20,), generator=generator)
    return BipartiteGraph(torch.stack([users, items]), num_users, num_items)


@pytest.mark.parametrize(("num_users", "num_items"), [(9, 5), (5, 9)])
def test_means_are_the_blocks_of_the_row_normalised_adjacency(num_users: int, num_items: int) -> None:
    graph = make_graph(num_users, num_items)
    whole = graph.adjacency("row").csr.to_dense()
    of_users, of_items = graph.user_item_matrix("row"), graph.item_user_matrix("row")
    for found, expected in ((of_users, whole[:num_users, num_users:]), (of_items, whole[num_users:, :num_users])):
        torch.testing.assert_close(found.csr.to_dense(), expected)
        torch.testing.assert_close(found.transposed.csr.to_dense(), expected.T)
    assert not bool(whole[:num_users, :num_users].any()), "there are no self-loops"


@pytest.mark.parametrize(("num_users", "num_items"), [(9, 5), (5, 9)])
@pytest.mark.parametrize("num_layers", [1, 3])
def test_rows_asked_for_equal_those_of_all(num_users: int, num_items: int, num_layers: int) -> None:
    torch.manual_seed(0)
    graph = make_graph(num_users, num_items)
    means = graph.user_item_matrix("row"), graph.item_user_matrix("row")
    network = MMGCNNetwork(6, 4, num_layers)
    vectors = [torch.randn(size, 6, requires_grad=True) for size in (num_users, num_items)]
    identities = [torch.randn(size, 4, requires_grad=True) for size in (num_users, num_items)]
    rows = torch.tensor([0, 3]), torch.tensor([1, 2, 4])
    inputs = [*vectors, *identities, *network.parameters()]
    every = network(vectors, identities, means)
    some = network(vectors, identities, means, rows)
    chosen = [side[picked] for side, picked in zip(every, rows, strict=True)]
    for found, expected in zip(some, chosen, strict=True):
        torch.testing.assert_close(found, expected)
    gradients = [torch.autograd.grad(sum(side.square().sum() for side in sides), inputs) for sides in (some, chosen)]
    for found, expected in zip(*gradients, strict=True):
        torch.testing.assert_close(found, expected)
