"""LATTICE against its equations in dense numpy."""

from collections.abc import Mapping
from typing import Any

import numpy as np
import pytest
import tiny_case as tiny
import torch
from tiny_case import BATCH, GRAPH, NUM_ITEMS, NUM_USERS, Values

from gnnrec.data import ItemFeatures
from gnnrec.errors import ArgumentError, UnknownNameError
from gnnrec.models.lattice import LATTICE
from graphs import BipartiteGraph

DIM, K = 4, 2


def make(names: tuple[str, ...], **arguments: Any) -> LATTICE:
    defaults = {"embedding_dim": DIM, "num_neighbors": K, "projection_dim": 3, "raw_weight": 0.4, "regularization": 0.2}
    return LATTICE(NUM_USERS, NUM_ITEMS, tiny.dims_of(names), **(defaults | arguments))


def raw_and_learned(
    model: LATTICE, values: Values, features: Mapping[str, ItemFeatures]
) -> tuple[dict[str, np.ndarray], dict[str, np.ndarray]]:
    """The cosines of each modality's nearest items: of features as given, and projected."""
    masks = {name: modality.mask.numpy() for name, modality in features.items()}
    raw = {
        name: tiny.nearest(tiny.content(modality)[0], model.num_neighbors, masks[name])[0]
        for name, modality in features.items()
    }
    if model.raw_weight == 1:
        return raw, {name: np.zeros((NUM_ITEMS, NUM_ITEMS)) for name in raw}
    vectors = tiny.projected(values, features)
    return raw, {name: tiny.nearest(x, model.num_neighbors, masks[name])[0] for name, x in vectors.items()}


def item_graph(model: LATTICE, values: Values, features: Mapping[str, ItemFeatures]) -> np.ndarray:
    """The paper's A: the learned graphs are weighted, then normalised; the raw ones normalised, then weighted."""
    raw, learned = raw_and_learned(model, values, features)
    alpha = tiny.softmax(values.get("modality_logits", np.zeros(1)))
    of_learned = sum(a * np.maximum(graph, 0) for a, graph in zip(alpha, learned.values(), strict=True))
    of_raw = sum(a * tiny.symmetric(graph) for a, graph in zip(alpha, raw.values(), strict=True))
    return np.asarray((1 - model.raw_weight) * tiny.symmetric(np.asarray(of_learned)) + model.raw_weight * of_raw)


def content_of(model: LATTICE, values: Values, features: Mapping[str, ItemFeatures], fusion: str) -> np.ndarray:
    """h before it is scaled to length 1."""
    item = tiny.dense(values)[1]
    if fusion == "graph":
        whole = item_graph(model, values, features)
        return np.asarray(np.linalg.matrix_power(whole, model.num_item_layers) @ item)
    raw, learned = raw_and_learned(model, values, features)
    views = {}
    for name in features:
        own = (1 - model.raw_weight) * tiny.symmetric(learned[name]) + model.raw_weight * tiny.symmetric(raw[name])
        views[name] = np.linalg.matrix_power(own, model.num_item_layers) @ item
    return tiny.fused(fusion, values, views, {name: modality.mask.numpy() for name, modality in features.items()})


def tables(model: LATTICE, values: Values, content: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    final = tiny.lightgcn(values["embedding"], model.num_layers)
    return final[:NUM_USERS], final[NUM_USERS:] + tiny.unit(content)


def terms(model: LATTICE, values: Values, content: np.ndarray) -> dict[str, float]:
    rows = tiny.triples(*tables(model, values, content))
    return {"bpr": tiny.bpr(*rows), "regularization": model.regularization * tiny.penalty(*rows)}


def check(model: LATTICE, values: Values, features: Mapping[str, ItemFeatures], fusion: str = "graph") -> None:
    """Forward and both loss terms, in an epoch and outside."""
    content = content_of(model, values, features, fusion)
    user, item = tables(model, values, content)
    found = model.eval()(GRAPH, features)
    tiny.assert_close(found.user, user)
    tiny.assert_close(found.item, item)
    model.train()
    expected = terms(model, values, content)
    tiny.assert_terms(model.loss(GRAPH, features, BATCH), expected)
    model.begin_epoch(GRAPH, features)
    for _ in range(2):  # the step that builds the graph, and one that uses it
        tiny.assert_terms(model.loss(GRAPH, features, BATCH), expected)


@pytest.mark.parametrize("num_neighbors", [2, 10])
@pytest.mark.parametrize(("num_layers", "num_item_layers"), [(1, 1), (2, 1), (3, 2)])
@pytest.mark.parametrize("names", tiny.NAMES)
def test_equals_the_equations(
    names: tuple[str, ...], num_layers: int, num_item_layers: int, num_neighbors: int
) -> None:
    model = make(names, num_layers=num_layers, num_item_layers=num_item_layers, num_neighbors=num_neighbors)
    check(model, tiny.randomize(model), tiny.features_of(names))


@pytest.mark.parametrize("raw_weight", [0.0, 0.9, 1.0])
@pytest.mark.parametrize("names", [tiny.TEXT, tiny.ALL])
def test_raw_weight(names: tuple[str, ...], raw_weight: float) -> None:
    model = make(names, raw_weight=raw_weight, num_item_layers=2)
    values = tiny.randomize(model)
    assert any(name.startswith("projection") for name in values) == (raw_weight < 1)
    check(model, values, tiny.features_of(names))


@pytest.mark.parametrize("fusion", ["concat", "mean", "attention"])
@pytest.mark.parametrize("names", tiny.NAMES)
def test_other_fusions_equal_the_equations(names: tuple[str, ...], fusion: str) -> None:
    model = make(names, fusion=fusion, num_item_layers=2)
    check(model, tiny.randomize(model), tiny.features_of(names), fusion)


@pytest.mark.parametrize("raw_weight", [0.0, 0.6, 1.0])
@pytest.mark.parametrize("num_neighbors", [3, 5])
@pytest.mark.parametrize("fusion", ["graph", "mean"])
def test_negative_cosines_count_as_zero(raw_weight: float, num_neighbors: int, fusion: str) -> None:
    features = tiny.opposites()
    model = make(tiny.IMAGE, raw_weight=raw_weight, num_neighbors=num_neighbors, fusion=fusion)
    values = tiny.randomize(model)
    if model.projection is not None:  # the learned graph is that of the features
        with torch.no_grad():
            model.projection.weights[0].copy_(torch.eye(3))
            assert model.projection.biases is not None
            model.projection.biases[0].zero_()
        values = tiny.values_of(model)
    raw, learned = raw_and_learned(model, values, features)
    assert (raw["image"][4] < 0).sum() == num_neighbors and (raw["image"][2] < 0).any()
    assert model.projection is None or np.allclose(raw["image"], learned["image"])
    check(model, values, features, fusion)
    interactions = tiny.lightgcn(values["embedding"], model.num_layers)[NUM_USERS:]
    tiny.assert_close(model(GRAPH, features).item[4], interactions[4])
    tiny.assert_parts(model, features)
    model.zero_grad()
    model.begin_epoch(GRAPH, features)
    tiny.backward(model.loss(GRAPH, features, BATCH))
    assert all(float(parameter.grad.abs().max()) < 10 for parameter in model.parameters() if parameter.grad is not None)


def test_the_loss_in_evaluation_is_of_the_present_parameters() -> None:
    model, features = make(tiny.BOTH), tiny.features_of(tiny.BOTH)
    tiny.randomize(model)
    model.begin_epoch(GRAPH, features)
    model.loss(GRAPH, features, BATCH)
    with torch.no_grad():
        model.modality_logits.copy_(torch.tensor([3.0, -3.0]))
    kept = float(model.loss(GRAPH, features, BATCH)["bpr"].detach())
    fresh = make(tiny.BOTH)
    fresh.load_state_dict(model.state_dict())
    present = float(fresh.eval().loss(GRAPH, features, BATCH)["bpr"].detach())
    assert float(model.eval().loss(GRAPH, features, BATCH)["bpr"].detach()) == present != kept


def test_a_catalog_of_one_item() -> None:
    graph = BipartiteGraph(torch.tensor([[0, 1], [0, 0]]), 2, 1)
    features = {"image": ItemFeatures(torch.ones(1, 3), torch.tensor([True]))}
    found = LATTICE(2, 1, {"image": 3})(graph, features)
    assert bool(found.item.isfinite().all())


@pytest.mark.parametrize("raw_weight", [0.0, 0.4])
@pytest.mark.parametrize("num_item_layers", [1, 2])
@pytest.mark.parametrize("names", tiny.NAMES)
def test_gradient_of_the_step_that_builds_the_graph(
    names: tuple[str, ...], num_item_layers: int, raw_weight: float
) -> None:
    model, features = make(names, num_item_layers=num_item_layers, raw_weight=raw_weight), tiny.features_of(names)
    values = tiny.randomize(model)
    assert ("modality_logits" in values) == (len(names) > 1)
    model.begin_epoch(GRAPH, features)
    tiny.backward(model.loss(GRAPH, features, BATCH))
    tiny.assert_gradients(
        model, values, lambda moved: sum(terms(model, moved, content_of(model, moved, features, "graph")).values())
    )
    for name, parameter in model.named_parameters():  # all of it takes part
        assert parameter.grad is not None and float(parameter.grad.abs().max()) > 1e-5, name


@pytest.mark.parametrize("fusion", ["concat", "mean", "attention"])
def test_gradient_with_other_fusions(fusion: str) -> None:
    model, features = make(tiny.BOTH, fusion=fusion), tiny.features_of(tiny.BOTH)
    values = tiny.randomize(model)
    tiny.backward(model.loss(GRAPH, features, BATCH))
    tiny.assert_gradients(
        model, values, lambda moved: sum(terms(model, moved, content_of(model, moved, features, fusion)).values())
    )


def test_weights_learn_without_learned_graphs() -> None:
    model, features = make(tiny.BOTH, raw_weight=1.0), tiny.features_of(tiny.BOTH)
    values = tiny.randomize(model)
    assert set(values) == {"embedding", "modality_logits"}
    tiny.backward(model.loss(GRAPH, features, BATCH))
    tiny.assert_gradients(
        model, values, lambda moved: sum(terms(model, moved, content_of(model, moved, features, "graph")).values())
    )


def test_later_steps_of_an_epoch_use_the_graph_as_it_is() -> None:
    model, features = make(tiny.BOTH, num_item_layers=2), tiny.features_of(tiny.BOTH)
    before = tiny.randomize(model)
    model.begin_epoch(GRAPH, features)
    model.loss(GRAPH, features, BATCH)
    after = tiny.randomize(model, seed=1)
    kept = np.linalg.matrix_power(item_graph(model, before, features), 2)

    def later(values: Values) -> dict[str, float]:
        return terms(model, values, kept @ tiny.dense(values)[1])

    found = model.loss(GRAPH, features, BATCH)
    tiny.assert_terms(found, later(after))
    tiny.backward(found)
    assert [name for name, parameter in model.named_parameters() if parameter.grad is not None] == ["embedding"]
    learned = {name: parameter for name, parameter in model.named_parameters() if name != "embedding"}
    for parameter in learned.values():
        parameter.grad = torch.zeros_like(parameter)
    tiny.assert_gradients(model, after, lambda moved: sum(later(after | {"embedding": moved["embedding"]}).values()))

    # Evaluation in the middle of an epoch has a graph of its own, and leaves the epoch's as it was.
    fresh = tables(model, after, content_of(model, after, features, "graph"))
    assert not np.allclose(fresh[1], tables(model, after, kept @ tiny.dense(after)[1])[1], atol=1e-2)
    for found_table, table in zip(model.embeddings(GRAPH, features), fresh, strict=True):
        tiny.assert_close(found_table, table)
    tiny.assert_parts(model, features)
    tiny.assert_terms(model.loss(GRAPH, features, BATCH), later(after))

    model.begin_epoch(GRAPH, features)
    tiny.assert_terms(
        model.loss(GRAPH, features, BATCH), terms(model, after, content_of(model, after, features, "graph"))
    )


def test_every_step_builds_the_graph_in_a_loop_without_epochs() -> None:
    model, features = make(tiny.BOTH), tiny.features_of(tiny.BOTH)
    for seed in (0, 1):
        values = tiny.randomize(model, seed)
        model.zero_grad()
        found = model.loss(GRAPH, features, BATCH)
        tiny.assert_terms(found, terms(model, values, content_of(model, values, features, "graph")))
        tiny.backward(found)
        assert all(parameter.grad is not None for parameter in model.parameters())


@pytest.mark.parametrize("fusion", [*tiny.FUSIONS, "module"])
@pytest.mark.parametrize("names", tiny.NAMES)
def test_parts_add_up(names: tuple[str, ...], fusion: str) -> None:
    features = tiny.features_of(names)
    model = make(names, fusion=tiny.fusion_for(fusion, names, DIM), num_item_layers=2)
    values = tiny.randomize(model)
    parts = tiny.assert_parts(model, features)
    tiny.assert_close(parts["interactions"], tiny.lightgcn(values["embedding"], 2)[NUM_USERS:])
    if "text" in names and fusion in ("graph", *tiny.ROW_WISE):
        assert not parts["text"][tiny.LACKS_TEXT].any()
    tiny.backward(model.loss(GRAPH, features, BATCH))
    assert all(parameter.grad is not None for parameter in model.parameters())


@pytest.mark.parametrize("fusion", tiny.ROW_WISE)
def test_a_missing_modality_has_no_part_in_a_fusion(fusion: str) -> None:
    model = make(tiny.ALL, fusion=fusion)
    tiny.randomize(model)
    tiny.assert_missing_has_no_part(model, tiny.ALL)


def test_a_missing_modality_has_no_row_in_the_graph() -> None:
    model = make(tiny.ALL, raw_weight=1.0)
    tiny.randomize(model)
    tiny.assert_missing_has_no_part(model, tiny.ALL)


def test_what_a_fusion_module_is_given() -> None:
    fusion = tiny.RecordingFusion(tiny.BOTH, DIM)
    model, features = make(tiny.BOTH, fusion=fusion), tiny.features_of(tiny.BOTH)
    assert model.content_fusion is fusion and model.fusion == "RecordingFusion"
    values = tiny.randomize(model)
    check(model, values, features, "mean")
    raw, learned = raw_and_learned(model, values, features)
    assert len(fusion.calls) == 4
    for vectors, masks, graphs in fusion.calls:
        assert vectors.keys() == masks.keys() == set(tiny.BOTH) and graphs is not None
        for name in tiny.BOTH:
            assert torch.equal(masks[name], features[name].mask)
            both = 0.6 * tiny.symmetric(learned[name]) + 0.4 * tiny.symmetric(raw[name])
            tiny.assert_close(graphs[name].matmul(torch.eye(NUM_ITEMS)), both)


@pytest.mark.parametrize("fusion", [*tiny.FUSIONS, "module"])
def test_a_catalog_without_content_trains(fusion: str) -> None:
    model = make(tiny.BOTH, fusion=tiny.fusion_for(fusion, tiny.BOTH, DIM))
    tiny.assert_moderate_step(model, tiny.without_content(tiny.BOTH))
    assert bool(torch.isfinite(model.embeddings(GRAPH, tiny.without_content(tiny.BOTH)).item).all())


@pytest.mark.parametrize("fusion", [*tiny.FUSIONS, "module"])
def test_an_item_without_positive_cosines_trains(fusion: str) -> None:
    model = make(tiny.IMAGE, fusion=tiny.fusion_for(fusion, tiny.IMAGE, DIM), raw_weight=1.0)
    tiny.assert_moderate_step(model, tiny.opposites())


def test_reset() -> None:
    zeros = ("modality_logits", "projection.biases")
    tiny.assert_reset_redraws(make(tiny.ALL), zeros)
    tiny.assert_reset_redraws(make(tiny.ALL, fusion="attention"), (*zeros, "content_fusion.linear.bias"))
    torch.manual_seed(3)
    first = tiny.values_of(make(tiny.ALL))
    torch.manual_seed(3)
    for name, value in tiny.values_of(make(tiny.ALL)).items():
        np.testing.assert_array_equal(value, first[name])


def test_reset_forgets_the_graph_of_the_epoch() -> None:
    model, features = make(tiny.BOTH), tiny.features_of(tiny.BOTH)
    model.begin_epoch(GRAPH, features)
    model.loss(GRAPH, features, BATCH)
    model.reset_parameters()
    values = tiny.randomize(model)
    found = model.loss(GRAPH, features, BATCH)
    tiny.assert_terms(found, terms(model, values, content_of(model, values, features, "graph")))


def test_repr() -> None:
    text = "LATTICE(\n  num_users=5, num_items=6, embedding_dim=4, num_layers=2, num_neighbors=2, raw_weight=0.4\n"
    assert repr(make(tiny.BOTH)).startswith(text)


@pytest.mark.parametrize(
    ("argument", "value"),
    [
        *((name, value) for name in ("embedding_dim", "num_layers", "num_item_layers") for value in (0, -1, 2.0, True)),
        ("num_neighbors", 0),
        ("projection_dim", 0),
        ("raw_weight", -0.1),
        ("raw_weight", 1.1),
        ("raw_weight", float("nan")),
        ("regularization", -1.0),
        ("regularization", float("inf")),
        ("fusion", 3),
    ],
)
def test_bad_arguments_are_named(argument: str, value: Any) -> None:
    with pytest.raises(ArgumentError, match=f"'{argument}'"):
        make(tiny.BOTH, **{argument: value})


def test_bad_features_and_fusions_are_named() -> None:
    with pytest.raises(ArgumentError, match="'feature_dims' must name at least one modality: lattice"):
        LATTICE(5, 6, {})
    with pytest.raises(ArgumentError, match="must not name a modality 'interactions'"):
        LATTICE(5, 6, {"interactions": 3})
    with pytest.raises(ArgumentError, match=r"feature_dims\[text\]"):
        LATTICE(5, 6, {"image": 3, "text": 0})
    with pytest.raises(UnknownNameError, match="unknown fusion 'atention'"):
        make(tiny.BOTH, fusion="atention")
    with pytest.raises(ArgumentError, match="'fusion' must be made with"):
        make(tiny.BOTH, fusion=tiny.RecordingFusion(tiny.BOTH, DIM + 1))
