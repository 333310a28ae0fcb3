"""What every model makes of its arguments, beside the conformance suite: what is kept of tensors, and sizes."""

from typing import Any

import numpy as np
import pytest
import torch

from gnnrec.data import Interactions, ItemFeatures
from gnnrec.errors import ArgumentError
from gnnrec.models import BPRMF, FREEDOM, MMGCN, VBPR, Batch, LightGCN, create_model, register_model
from gnnrec.testing import checkerboard_dataset
from gnnrec.training import run_experiment
from graphs import BipartiteGraph

EDGES = torch.tensor([[0, 0, 1, 2, 2, 3, 4], [0, 1, 1, 2, 3, 4, 0]])
BATCH = Batch(torch.tensor([0, 2, 4]), torch.tensor([0, 3, 0]), torch.tensor([5, 1, 3]))
CONTENT = torch.arange(18.0).reshape(6, 3).sin()
OTHERS = CONTENT[[0, 2, 4, 1, 3, 5]]


def test_what_tensors_stand_for_is_kept_until_others_come(monkeypatch: pytest.MonkeyPatch) -> None:
    built: list[Any] = []
    plain = ItemFeatures.item_graph
    monkeypatch.setattr(ItemFeatures, "item_graph", lambda self, *a, **k: (built.append(self), plain(self, *a, **k))[1])
    model = FREEDOM(5, 6, {"image": 3}, num_neighbors=2)
    first = model.embeddings(EDGES, {"image": CONTENT}).item
    model.loss(EDGES, {"image": CONTENT}, BATCH)
    assert len(set(map(id, built))) == 1, "item graphs belong to features, which are made of a tensor once"
    other = model.embeddings(EDGES, {"image": OTHERS}).item
    fresh = model.embeddings(BipartiteGraph(EDGES, 5, 6), {"image": ItemFeatures(OTHERS)}).item
    torch.testing.assert_close(other, fresh)
    assert not torch.allclose(first, other)


def test_tensors_that_learn_are_read_anew() -> None:
    model = VBPR(5, 6, {"image": 3}, embedding_dim=4, content_dim=4, init_std=1.0)
    content = torch.nn.Parameter(CONTENT.clone())
    for _ in range(2):
        torch.stack(list(model.loss(EDGES, {"image": content}, BATCH).values())).sum().backward()
        assert content.grad is not None and bool(content.grad.any())
        with torch.no_grad():
            content.sub_(100 * content.grad)
    fresh = model.embeddings(EDGES, {"image": content.detach().clone()}).item
    torch.testing.assert_close(model.embeddings(EDGES, {"image": content}).item, fresh)


def test_items_counted_from_the_number_of_users_are_refused() -> None:
    shifted = EDGES + torch.tensor([[0], [5]])
    with pytest.raises(ArgumentError, match=r"items of the edge_index .* \[0, 6\) \(got 5 to 9\).* counted from 0"):
        LightGCN(5, 6)(shifted, {})
    both_ways = torch.cat([shifted, shifted.flip(0)], dim=1)
    with pytest.raises(ArgumentError, match=r"users of the edge_index .* \[0, 5\) \(got 0 to 9\)"):
        LightGCN(5, 6)(both_ways, {})


def test_signatures_and_docs_are_those_of_the_class() -> None:
    assert LightGCN.loss.__doc__ == "BPR on propagated embeddings and the penalty on layer 0."
    terms = BPRMF(5, 6).loss(graph=EDGES, features={}, batch=BATCH)  # type: ignore[arg-type]
    assert set(terms) == {"bpr", "regularization"}


@pytest.mark.parametrize(
    ("name", "arguments", "message"),
    [
        ("lightgcn", {"num_users": -1}, r"'num_users' must be a positive integer \(got -1\)"),
        ("lightgcn", {"num_items": 2.5}, r"'num_items' must be a positive integer \(got 2.5\)"),
        ("lightgcn", {"num_layers": 10**9}, r"'num_layers' must be an integer in \[0, 1000\] \(got 1000000000\)"),
        ("lattice", {"num_item_layers": 0}, r"'num_item_layers' must be an integer in \[1, 1000\] \(got 0\)"),
        (
            "lightgcn",
            {"regularization": "0.1"},
            r"'regularization' must be a finite number .* \(got '0.1'\)",
        ),
        ("bm3", {"dropout": "half"}, r"'dropout' must lie in \[0, 1\) \(got 'half'\)"),
        ("lattice", {"raw_weight": 1.5}, r"'raw_weight' must lie in \[0, 1\] \(got 1.5\)"),
        (
            "mgcn",
            {"feature_dims": ["image"]},
            r"'feature_dims' must map .* \(got \['image'\]\), such as {'image'",
        ),
        ("vbpr", {"embedding_dim": -8}, r"'embedding_dim' must be a positive integer \(got -8\)"),
    ],
)
def test_sizes_that_cannot_work_are_refused(name: str, arguments: dict[str, Any], message: str) -> None:
    with pytest.raises(ArgumentError, match=message):
        create_model(name, **{"num_users": 5, "num_items": 6, "feature_dims": {"image": 3}, **arguments})


def test_integers_of_numpy_are_sizes() -> None:
    model = MMGCN(np.int64(5), np.int32(6), {"image": 3}, embedding_dim=np.int64(4))  # type: ignore[arg-type]
    assert model.embeddings(EDGES, {"image": CONTENT}).user.shape == (5, 4)


def test_only_classes_of_models_are_registered() -> None:
    for other in (lambda: LightGCN(1, 1), torch.nn.Linear):
        with pytest.raises(ArgumentError, match=r"model 'mine' must be a class derived from Recommender or History"):
            register_model("mine")(other)  # type: ignore[type-var]


def test_data_without_validation_are_told_what_makes_it(tmp_path: Any) -> None:
    dataset = checkerboard_dataset()
    nothing = torch.empty(0, dtype=torch.int64)
    dataset.valid = Interactions(nothing, nothing, dataset.num_users, dataset.num_items)
    with pytest.raises(
        ArgumentError, match=r"read_for_training, .* gnnrec.data.splits.apply_split\(dataset, 'ratio'\)"
    ):
        run_experiment("lightgcn", dataset, tmp_path / "run")
