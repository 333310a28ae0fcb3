"""MMGCL against its equations in dense numpy."""

from collections.abc import Mapping
from typing import Any

import channel_reference as reference
import numpy as np
import pytest
import tiny_case as tiny
import torch
from tiny_case import BATCH, GRAPH, NUM_ITEMS, NUM_USERS, Values

from gnnrec.data import ItemFeatures
from gnnrec.errors import ArgumentError
from gnnrec.models.mmgcl import MMGCL
from gnnrec.nn.fusion import Fusion, GraphFusion
from graphs import BipartiteGraph

DIM = 4
USERS, POSITIVES, NEGATIVES = (column.numpy() for column in BATCH)
KEPT = tiny.EDGES[:3] + tiny.EDGES[4:9]
NOISE = torch.randn(NUM_ITEMS, DIM, generator=torch.Generator().manual_seed(9))


def make(names: tuple[str, ...], **arguments: Any) -> MMGCL:
    defaults = {
        "embedding_dim": DIM,
        "num_neighbors": reference.NUM_NEIGHBORS,
        "ssl_weight": 0.3,
        "temperature": 0.5,
        "regularization": 0.2,
    }
    return MMGCL(NUM_USERS, NUM_ITEMS, tiny.dims_of(names), **(defaults | arguments))


def fixed_views(model: MMGCL, masked: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """The first view lacks two edges and the second has noise for one modality."""
    sparser = BipartiteGraph(torch.tensor(KEPT).T, NUM_USERS, NUM_ITEMS)
    monkeypatch.setattr(model, "_sparser_graph", lambda graph: sparser)
    monkeypatch.setattr(model, "_mask", lambda inputs: (masked, NOISE))


def challenging(
    values: Values, items: reference.Side, swapped: tuple[str, ...], kind: str, graph: np.ndarray | None
) -> np.ndarray:
    """Rows that mix the channels of a positive and of a negative."""
    if graph is None:
        mixed = {name: rows[NEGATIVES if name in swapped else POSITIVES] for name, rows in items.items()}
        return reference.fuse(values, "item", mixed, kind)
    weights = tiny.softmax(values["item_fusion.weight"])
    terms = [weight * (rows + graph @ rows) for weight, rows in zip(weights, items.values(), strict=True)]
    return np.asarray(
        sum(term[NEGATIVES if name in swapped else POSITIVES] for name, term in zip(items, terms, strict=True))
    )


def terms(
    model: MMGCL, values: Values, features: Mapping[str, ItemFeatures], masked: str, kind: str = "concat"
) -> dict[str, float]:
    starts, names = reference.inputs(values, features), tuple(features)
    graph = reference.item_graph(values, features) if kind == "graph" else None
    views = [
        reference.channels(values, starts, 3),
        reference.channels(values, starts, 3, KEPT),
        reference.channels(values, starts | {masked: NOISE.double().numpy()}, 3),
    ]
    user = [reference.fuse(values, "user", view[0], kind)[USERS] for view in views]
    item = [reference.fuse(values, "item", view[1], kind, graph) for view in views]
    expected = {"bpr": tiny.bpr(user[0], item[0][POSITIVES], item[0][NEGATIVES])}
    negatives = []
    if model.challenging_negatives:
        negatives.append(challenging(values, views[1][1], names[-1:], kind, graph))
        negatives.append(challenging(values, views[2][1], names, kind, graph))
    of_users = reference.info_nce(user[1], item[2][POSITIVES], 0.5, extra=negatives)
    of_items = reference.info_nce(item[1][POSITIVES], user[2], 0.5)
    ids = values["item_embedding"]
    rows = values["user_embedding"][USERS], ids[POSITIVES], ids[NEGATIVES]
    return expected | {"ssl": 0.3 * (of_users + of_items), "regularization": 0.2 * tiny.penalty(*rows)}


@pytest.mark.parametrize("names", tiny.NAMES)
def test_forward_equals_the_equations(names: tuple[str, ...]) -> None:
    model, features = make(names), tiny.features_of(names)
    values = reference.prepared(model)
    users, items = reference.channels(values, reference.inputs(values, features), 3)
    found = model.embeddings(GRAPH, features)
    tiny.assert_close(found.user, reference.fuse(values, "user", users))
    tiny.assert_close(found.item, reference.fuse(values, "item", items))


@pytest.mark.parametrize(
    ("names", "masked"),
    [(tiny.TEXT, "text"), (tiny.BOTH, "image"), (tiny.BOTH, "text"), (tiny.ALL, "audio")],
)
@pytest.mark.parametrize("with_negatives", [False, True])
def test_loss_and_gradients_equal_the_equations(
    names: tuple[str, ...], masked: str, with_negatives: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    model, features = make(names, challenging_negatives=with_negatives), tiny.features_of(names)
    values = reference.prepared(model)
    fixed_views(model, masked, monkeypatch)
    found = model.loss(GRAPH, features, BATCH)
    tiny.assert_terms(found, terms(model, values, features, masked))
    tiny.backward(found)
    raw = tiny.values_of(model)
    tiny.assert_gradients(model, raw, lambda v: sum(terms(model, reference.renamed(v), features, masked).values()))


@pytest.mark.parametrize("kind", ["mean", "attention", "graph"])
def test_loss_with_other_fusions(kind: str, monkeypatch: pytest.MonkeyPatch) -> None:
    model, features = make(tiny.BOTH, fusion=kind), tiny.features_of(tiny.BOTH)
    values = reference.prepared(model)
    fixed_views(model, "image", monkeypatch)
    tiny.assert_terms(model.loss(GRAPH, features, BATCH), terms(model, values, features, "image", kind))


def test_views_are_drawn() -> None:
    """The first view loses its share of the edges; the second masks the modality that the probabilities allow."""
    model = make(tiny.BOTH, edge_dropout=0.3, mask_probabilities={"text": 0.0, "image": 1.0})
    features = tiny.features_of(tiny.BOTH)
    tiny.randomize(model)
    graphs = [model._sparser_graph(GRAPH) for _ in range(20)]
    edges = [set(map(tuple, graph.edge_index.T.tolist())) for graph in graphs]
    assert {len(kept) for kept in edges} == {7} and all(kept < set(tiny.EDGES) for kept in edges)
    assert len(set(map(frozenset, edges))) > 10
    inputs = model.encoder.inputs(features)
    names, noises = zip(*(model._mask(inputs) for _ in range(20)), strict=True)
    assert set(names) == {"image"} and not any(noise.requires_grad for noise in noises)
    assert not torch.equal(noises[0], noises[1]) and not torch.equal(noises[0], inputs["image"])
    assert {make(tiny.BOTH)._mask(inputs)[0] for _ in range(50)} == {"image", "text"}
    first, second = (float(model.loss(GRAPH, features, BATCH)["ssl"].detach()) for _ in range(2))
    assert first != second


@pytest.mark.parametrize("fusion", tiny.FUSIONS)
@pytest.mark.parametrize("names", [tiny.TEXT, tiny.ALL])
def test_gradients_reach_every_parameter(names: tuple[str, ...], fusion: str) -> None:
    model, features = make(names, fusion=fusion), tiny.features_of(names)
    tiny.randomize(model)
    torch.manual_seed(0)
    tiny.backward(model.loss(GRAPH, features, BATCH))
    for name, parameter in model.named_parameters():
        assert parameter.grad is not None and float(parameter.grad.abs().max()) > 1e-6, name


@pytest.mark.parametrize("fusion", tiny.FUSIONS)
@pytest.mark.parametrize("names", tiny.NAMES)
def test_item_parts(names: tuple[str, ...], fusion: str) -> None:
    model = make(names, fusion=fusion)
    tiny.randomize(model)
    tiny.assert_parts(model, tiny.features_of(names))


class WholeGraphFusion(GraphFusion):
    """A fusion over graphs that is no sum of parts."""

    def parts(self, *arguments: Any, **named: Any) -> Any:
        return None


def test_fusion_without_parts() -> None:
    fusion: Fusion = WholeGraphFusion(dict.fromkeys(("interactions", *tiny.BOTH), DIM), DIM)
    features = tiny.features_of(tiny.BOTH)
    model = make(tiny.BOTH, fusion=fusion)
    assert model.item_parts(GRAPH, features) is None
    with pytest.raises(ArgumentError, match="'fusion' over item graphs must have parts"):
        model.loss(GRAPH, features, BATCH)
    assert "ssl" in make(tiny.BOTH, fusion=fusion, challenging_negatives=False).loss(GRAPH, features, BATCH)


def test_weights_of_zero_leave_bpr() -> None:
    model = make(tiny.BOTH, ssl_weight=0.0, regularization=0.0)
    assert set(model.loss(GRAPH, tiny.features_of(tiny.BOTH), BATCH)) == {"bpr"}
    assert "ssl_weight=0.0" in repr(model)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"edge_dropout": 1.0}, "'edge_dropout' must lie in \\[0, 1\\) \\(got 1.0\\)"),
        ({"mask_probabilities": {"text": 1.0}}, "must name the modalities image, text \\(got text\\)"),
        ({"mask_probabilities": {"text": 0.5, "image": 0.4}}, "'mask_probabilities' must sum to 1 \\(got 0.9\\)"),
        ({"mask_probabilities": {"text": 1.5, "image": -0.5}}, "'mask_probabilities\\[image\\]' must be"),
        ({"temperature": 0.0}, "'temperature'"),
        ({"ssl_weight": -0.1}, "'ssl_weight'"),
        ({"regularization": -0.1}, "'regularization'"),
        ({"embedding_dim": 0}, "'embedding_dim'"),
        ({"num_layers": -1}, "'num_layers'"),
        ({"num_neighbors": 0}, "'num_neighbors'"),
    ],
)
def test_refuses(arguments: dict[str, Any], message: str) -> None:
    with pytest.raises(ArgumentError, match=message):
        make(tiny.BOTH, **arguments)


def test_refuses_no_modality() -> None:
    with pytest.raises(ArgumentError, match="'feature_dims' must name at least one modality"):
        MMGCL(NUM_USERS, NUM_ITEMS, {})
