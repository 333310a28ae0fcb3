"""k-cores against networkx and by hand."""

import networkx as nx
import pandas as pd
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from gnnrec.data import Dataset, IdMap, Interactions, ItemFeatures
from gnnrec.data.k_core import filter_k_core, k_core_mask
from gnnrec.errors import ArgumentError, DataError


@settings(max_examples=40, deadline=None)
@given(st.sets(st.tuples(st.integers(0, 12), st.integers(0, 12)), min_size=1), st.integers(0, 6))
def test_same_as_networkx(pairs, k):
    user, item = torch.tensor(sorted(pairs)).T
    core = nx.k_core(nx.Graph([(("u", a), ("i", b)) for a, b in pairs]), k)
    expected = [core.has_edge(("u", a), ("i", b)) for a, b in sorted(pairs)]
    assert k_core_mask(user, item, k).tolist() == expected


def test_a_chain_unravels():
    # Each removal takes the next one along: two passes are not enough.
    user = torch.arange(50).repeat_interleave(2)[1:]
    item = torch.arange(50).repeat_interleave(2)[:-1]
    assert not k_core_mask(user, item, 2).any()
    with pytest.raises(ArgumentError, match=r"'k' must be an integer of at least 0 \(got -1\)"):
        k_core_mask(user, item, -1)


def make_dataset() -> Dataset:
    def part(*pairs):
        user, item = torch.tensor(pairs, dtype=torch.int64).reshape(-1, 2).T
        return Interactions(user, item, 4, 4, weight=user * 10.0 + item)

    return Dataset(
        train=part((0, 0), (0, 2), (3, 2), (1, 1)),
        valid=part((3, 0)),
        test=part((2, 0), (0, 0)),
        users=IdMap(["a", "b", "c", "d"], "user"),
        items=IdMap([10, 11, 12, 13], "item"),
        features={"x": ItemFeatures(torch.arange(4.0)[:, None], torch.tensor([True, True, True, False]))},
        catalog=pd.DataFrame({"item_id": [10, 11, 12, 13], "title": list("wxyz")}),
    )


def test_everything_is_renumbered_alike():
    dataset = filter_k_core(make_dataset(), 2)
    assert dataset.users.array.tolist() == ["a", "d"]
    assert dataset.items.array.tolist() == [10, 12]
    assert dataset.train.edge_index.tolist() == [[0, 0, 1], [0, 1, 1]]
    assert dataset.train.weight.tolist() == [0.0, 2.0, 32.0]
    assert dataset.valid.edge_index.tolist() == [[1], [0]]
    assert dataset.test.edge_index.tolist() == [[0], [0]]
    assert dataset.features["x"].x.flatten().tolist() == [0.0, 2.0]
    assert dataset.catalog["title"].tolist() == ["w", "y"]
    assert dataset.notes == ["2-core: kept 2 of 4 users, 2 of 4 items, 4 of 6 interactions"]


def test_nothing_left():
    with pytest.raises(DataError, match="'k_core' of 3 leaves no interactions \\(of 6\\)"):
        filter_k_core(make_dataset(), 3)
