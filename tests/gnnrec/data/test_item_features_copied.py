"""Features as other people's code handles them."""

import copy
import pickle

import pytest
import torch

from gnnrec.data import ItemFeatures
from gnnrec.errors import ArgumentError


def test_copies_leave_what_was_worked_out_behind() -> None:
    features = ItemFeatures(torch.randn(6, 3))
    assert bool(features.mask.all())
    norms, graph = features.norms, features.item_graph(2)
    for again in (copy.deepcopy(features), pickle.loads(pickle.dumps(features))):
        assert set(vars(again)) == {"x", "mask"}
        assert torch.equal(again.x, features.x) and torch.equal(again.norms, norms)
        assert torch.equal(again.item_graph(2).weight, graph.weight)


@pytest.mark.parametrize("arguments", [([1.0],), (None,), (torch.ones(2, 2), [True, False]), (torch.ones(2, 2), "all")])
def test_what_is_no_tensor_is_named(arguments: tuple[object, ...]) -> None:
    with pytest.raises(ArgumentError, match="must be tensors"):
        ItemFeatures(*arguments)  # type: ignore[arg-type]
