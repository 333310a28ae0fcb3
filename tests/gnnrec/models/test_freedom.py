"""FREEDOM against its equations in dense numpy."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pytest
import tiny_case as tiny
import torch
from tiny_case import BATCH, EDGES, GRAPH, NUM_ITEMS, NUM_USERS, Values

from gnnrec.data import ItemFeatures
from gnnrec.errors import ArgumentError, UnknownNameError
from gnnrec.models.freedom import FREEDOM

DIM, K = 4, 2
Edges = Sequence[tuple[int, int]]


def make(names: tuple[str, ...], **arguments: Any) -> FREEDOM:
    defaults = {"embedding_dim": DIM, "num_neighbors": K, "content_weight": 0.3, "regularization": 0.2}
    return FREEDOM(NUM_USERS, NUM_ITEMS, tiny.dims_of(names), **(defaults | arguments))


def shares_of(names: tuple[str, ...], weights: Mapping[str, float] | None) -> dict[str, float]:
    chosen = dict.fromkeys(names, 1.0) if weights is None else {name: weights.get(name, 0.0) for name in names}
    return {name: weight / sum(chosen.values()) for name, weight in chosen.items()}


def item_graphs(features: Mapping[str, ItemFeatures], k: int) -> dict[str, np.ndarray]:
    """Every neighbour weighs 1 whatever its cosine, then row sums on both sides."""
    found = {}
    for name, modality in features.items():
        x, mask = tiny.content(modality)
        kept = tiny.nearest(x, k, mask)[1].astype(float)
        share = tiny.root_shares(kept.sum(1))
        found[name] = share[:, None] * kept * share[None, :]
    return found


def content_of(
    model: FREEDOM,
    values: Values,
    features: Mapping[str, ItemFeatures],
    fusion: str = "graph",
    weights: Mapping[str, float] | None = None,
) -> np.ndarray:
    """What the item graphs add, h."""
    graphs, item = item_graphs(features, model.num_neighbors), tiny.dense(values)[1]
    if fusion == "graph":
        share = shares_of(tuple(features), weights)
        whole = np.sum([share[name] * graph for name, graph in graphs.items()], axis=0)
        return np.asarray(np.linalg.matrix_power(whole, model.num_item_layers) @ item)
    views = {name: np.linalg.matrix_power(graph, model.num_item_layers) @ item for name, graph in graphs.items()}
    return tiny.fused(fusion, values, views, {name: modality.mask.numpy() for name, modality in features.items()})


def tables(model: FREEDOM, values: Values, content: np.ndarray, edges: Edges = EDGES) -> tuple[np.ndarray, np.ndarray]:
    final = tiny.lightgcn(values["embedding"], model.num_layers, edges)
    return final[:NUM_USERS], final[NUM_USERS:] + content


def terms(
    model: FREEDOM, values: Values, features: Mapping[str, ItemFeatures], content: np.ndarray, edges: Edges = EDGES
) -> dict[str, float]:
    """BPR on the epoch's edges, BPR of the same user vectors with projected content, penalty on layer 0."""
    user, item = tables(model, values, content, edges)
    found = {"bpr": tiny.bpr(*tiny.triples(user, item))}
    if model.content_weight:
        vectors = tiny.projected(values, features).values()
        found["content"] = model.content_weight * sum(tiny.bpr(*tiny.triples(user, rows)) for rows in vectors)
    if model.regularization:
        found["regularization"] = model.regularization * tiny.penalty(*tiny.triples(*tiny.dense(values)))
    return found


def pruned_edges(model: FREEDOM) -> list[tuple[int, int]]:
    assert model.prepared is not None
    return [(user, item) for user, item in model.prepared[1].edge_index.T.tolist()]


def check(
    model: FREEDOM,
    features: Mapping[str, ItemFeatures],
    fusion: str = "graph",
    weights: Mapping[str, float] | None = None,
) -> None:
    """Forward, and the loss terms on the whole graph and on an epoch's edges."""
    values = tiny.randomize(model)
    content = content_of(model, values, features, fusion, weights)
    expected = tables(model, values, content)
    tiny.assert_terms(model.loss(GRAPH, features, BATCH), terms(model, values, features, content))
    torch.manual_seed(0)
    for _ in range(2):
        model.begin_epoch(GRAPH, features)
        edges = pruned_edges(model)
        tiny.assert_terms(model.loss(GRAPH, features, BATCH), terms(model, values, features, content, edges))
        # Evaluation is on the whole graph, in whatever mode.
        for found in (model.train()(GRAPH, features), model.eval()(GRAPH, features)):
            tiny.assert_close(found.user, expected[0])
            tiny.assert_close(found.item, expected[1])
        model.train()


@pytest.mark.parametrize("num_neighbors", [2, 10])
@pytest.mark.parametrize(("num_layers", "num_item_layers"), [(1, 1), (2, 1), (3, 2)])
@pytest.mark.parametrize("names", tiny.NAMES)
def test_equals_the_equations(
    names: tuple[str, ...], num_layers: int, num_item_layers: int, num_neighbors: int
) -> None:
    arguments = {"num_layers": num_layers, "num_item_layers": num_item_layers, "num_neighbors": num_neighbors}
    check(make(names, drop_rate=0.4, **arguments), tiny.features_of(names))


@pytest.mark.parametrize(
    "weights", [{"image": 0.1, "text": 0.9, "audio": 0.0}, {"text": 3.0, "image": 1.0, "audio": 4.0}, {}]
)
def test_modality_weights(weights: dict[str, float]) -> None:
    model = make(tiny.ALL, modality_weights=weights, num_item_layers=2, drop_rate=0.4)
    assert model.shares == pytest.approx(shares_of(tiny.ALL, weights or None))
    check(model, tiny.features_of(tiny.ALL), weights=weights or None)


@pytest.mark.parametrize("fusion", ["concat", "mean", "attention"])
@pytest.mark.parametrize("names", tiny.NAMES)
def test_other_fusions_equal_the_equations(names: tuple[str, ...], fusion: str) -> None:
    check(make(names, fusion=fusion, num_item_layers=2, drop_rate=0.4), tiny.features_of(names), fusion)


def test_frozen_graph_weighs_all_neighbours_alike() -> None:
    """Each modality's matrix is 1/k where there is an edge, for close neighbours and for opposite ones."""
    model, features = make(tiny.IMAGE, num_neighbors=3, num_layers=1), tiny.opposites()
    x, mask = tiny.content(features["image"])
    cosines, kept = tiny.nearest(x, 3, mask)
    assert (cosines[kept] < -0.2).any() and not np.array_equal(kept, kept.T)
    for column in range(0, NUM_ITEMS, DIM):  # the graph's columns, as many at a time as there are dimensions
        width = min(DIM, NUM_ITEMS - column)
        with torch.no_grad():
            model.embedding[NUM_USERS:] = torch.eye(NUM_ITEMS)[:, column : column + DIM] @ torch.eye(width, DIM)
        parts = tiny.assert_parts(model, features)
        tiny.assert_close(parts["image"][:, :width], kept[:, column : column + width] / 3)


def test_item_without_content_gets_and_gives_nothing() -> None:
    model, features = make(tiny.TEXT), tiny.features_of(tiny.TEXT)
    tiny.randomize(model)
    parts = tiny.assert_parts(model, features)
    assert not parts["text"][tiny.LACKS_TEXT].any() and bool((parts["text"].abs().sum(1) > 0).sum() == NUM_ITEMS - 1)
    with torch.no_grad():
        model.embedding[NUM_USERS + tiny.LACKS_TEXT] += 5
    moved = tiny.assert_parts(model, features)
    torch.testing.assert_close(moved["text"], parts["text"])


@pytest.mark.parametrize(("drop_rate", "kept"), [(0.8, 2), (0.5, 5), (0.1, 9)])
def test_pruned_edges(drop_rate: float, kept: int) -> None:
    model, features = make(tiny.BOTH, drop_rate=drop_rate), tiny.features_of(tiny.BOTH)
    assert model.prepared is None
    drawn = []
    for seed in (1, None, 1):  # a second epoch goes on with torch's generator; the seed starts it anew
        if seed is not None:
            torch.manual_seed(seed)
        model.begin_epoch(GRAPH, features)
        edges = pruned_edges(model)
        assert len(edges) == len(set(edges)) == kept and set(edges) < set(EDGES)
        drawn.append(edges)
    assert drawn[0] == drawn[2] and drawn[0] != drawn[1]


def test_edges_of_small_degrees_stay_more_often() -> None:
    """With one edge kept, each one's chance is exactly proportional to 1 / sqrt(d_u d_i)."""
    model, features = make(tiny.IMAGE, drop_rate=0.9), tiny.features_of(tiny.IMAGE)
    degrees = tiny.interactions()
    chance = np.array([1 / np.sqrt(degrees[user].sum() * degrees[:, item].sum()) for user, item in EDGES])
    chance /= chance.sum()
    torch.manual_seed(0)
    draws, counts = 4000, dict.fromkeys(EDGES, 0)
    for _ in range(draws):
        model.begin_epoch(GRAPH, features)
        (edge,) = pruned_edges(model)
        counts[edge] += 1
    found = np.array(list(counts.values())) / draws
    assert chance.max() > 1.5 * chance.min()
    np.testing.assert_allclose(found, chance, atol=4 * np.sqrt(chance.max() / draws))


def test_without_dropping_an_epoch_has_all_edges() -> None:
    model, features = make(tiny.BOTH, drop_rate=0.0), tiny.features_of(tiny.BOTH)
    values = tiny.randomize(model)
    model.begin_epoch(GRAPH, features)
    found = model.loss(GRAPH, features, BATCH)
    tiny.assert_terms(found, terms(model, values, features, content_of(model, values, features)))


def test_terms_of_weight_zero_are_left_out() -> None:
    model, features = make(tiny.BOTH, content_weight=0.0, regularization=0.0), tiny.features_of(tiny.BOTH)
    values = tiny.randomize(model)
    assert set(values) == {"embedding"}
    found = model.loss(GRAPH, features, BATCH)
    assert set(found) == {"bpr"}
    tiny.assert_terms(found, terms(model, values, features, content_of(model, values, features)))


@pytest.mark.parametrize("fusion", ["graph", "concat", "mean", "attention"])
@pytest.mark.parametrize("names", tiny.NAMES)
def test_gradients(names: tuple[str, ...], fusion: str) -> None:
    model, features = make(names, fusion=fusion, num_item_layers=2, drop_rate=0.4), tiny.features_of(names)
    values = tiny.randomize(model)
    torch.manual_seed(0)
    model.begin_epoch(GRAPH, features)
    tiny.backward(model.loss(GRAPH, features, BATCH))
    edges = pruned_edges(model)
    tiny.assert_gradients(
        model,
        values,
        lambda moved: sum(terms(model, moved, features, content_of(model, moved, features, fusion), edges).values()),
    )
    for name, parameter in model.named_parameters():
        cancels = name == "content_fusion.bias"  # the same for both items of a triple
        assert parameter.grad is not None and (float(parameter.grad.abs().max()) > 1e-5) != cancels, name


@pytest.mark.parametrize("fusion", [*tiny.FUSIONS, "module"])
@pytest.mark.parametrize("names", tiny.NAMES)
def test_parts_add_up(names: tuple[str, ...], fusion: str) -> None:
    features = tiny.features_of(names)
    model = make(names, fusion=tiny.fusion_for(fusion, names, DIM), num_item_layers=2)
    values = tiny.randomize(model)
    model.begin_epoch(GRAPH, features)
    parts = tiny.assert_parts(model, features)  # of the whole graph, not the epoch's
    tiny.assert_close(parts["interactions"], tiny.lightgcn(values["embedding"], 2)[NUM_USERS:])
    if fusion == "graph":
        graphs = item_graphs(features, K)
        layer = np.sum(list(graphs.values()), axis=0) / len(names) @ tiny.dense(values)[1]
        for name in names:
            tiny.assert_close(parts[name], graphs[name] @ layer / len(names))
    tiny.backward(model.loss(GRAPH, features, BATCH))
    assert all(parameter.grad is not None for parameter in model.parameters())


@pytest.mark.parametrize("fusion", ["graph", *tiny.ROW_WISE])
def test_a_missing_modality_has_no_part(fusion: str) -> None:
    model = make(tiny.ALL, fusion=fusion)
    tiny.randomize(model)
    tiny.assert_missing_has_no_part(model, tiny.ALL)


def test_what_a_fusion_module_is_given() -> None:
    fusion = tiny.RecordingFusion(tiny.BOTH, DIM)
    model, features = make(tiny.BOTH, fusion=fusion, drop_rate=0.4), tiny.features_of(tiny.BOTH)
    assert model.content_fusion is fusion and model.fusion == "RecordingFusion"
    check(model, features, "mean")
    dense_graphs = item_graphs(features, K)
    assert len(fusion.calls) == 7
    for vectors, masks, graphs in fusion.calls:
        assert vectors.keys() == masks.keys() == set(tiny.BOTH) and graphs is not None
        for name in tiny.BOTH:
            assert torch.equal(masks[name], features[name].mask)
            tiny.assert_close(graphs[name].matmul(torch.eye(NUM_ITEMS)), dense_graphs[name])


@pytest.mark.parametrize("fusion", [*tiny.FUSIONS, "module"])
def test_a_catalog_without_content_trains(fusion: str) -> None:
    model, features = make(tiny.BOTH, fusion=tiny.fusion_for(fusion, tiny.BOTH, DIM)), tiny.without_content(tiny.BOTH)
    tiny.assert_moderate_step(model, features)
    item = model.embeddings(GRAPH, features).item.double().numpy()
    tiny.assert_close(tiny.assert_parts(model, features)["interactions"], item)  # biases start at zero


def test_reset() -> None:
    tiny.assert_reset_redraws(make(tiny.ALL), ())
    tiny.assert_reset_redraws(make(tiny.ALL, fusion="attention"), ("content_fusion.linear.bias",))
    torch.manual_seed(3)
    first = tiny.values_of(make(tiny.ALL))
    torch.manual_seed(3)
    for name, value in tiny.values_of(make(tiny.ALL)).items():
        np.testing.assert_array_equal(value, first[name])


def test_reset_forgets_the_edges_of_the_epoch() -> None:
    model, features = make(tiny.BOTH), tiny.features_of(tiny.BOTH)
    model.begin_epoch(GRAPH, features)
    model.reset_parameters()
    values = tiny.randomize(model)
    found = model.loss(GRAPH, features, BATCH)
    tiny.assert_terms(found, terms(model, values, features, content_of(model, values, features)))


def test_repr() -> None:
    sizes = "num_users=5, num_items=6, embedding_dim=4, num_layers=2"
    text = f"FREEDOM(\n  {sizes}, shares={{'image': 0.5, 'text': 0.5}}\n"
    assert repr(make(tiny.BOTH)).startswith(text)


@pytest.mark.parametrize(
    ("argument", "value"),
    [
        *((name, value) for name in ("embedding_dim", "num_layers", "num_item_layers") for value in (0, -1, 2.0, True)),
        ("num_neighbors", 0),
        ("drop_rate", -0.1),
        ("drop_rate", 1.0),
        ("drop_rate", float("nan")),
        ("content_weight", -1.0),
        ("regularization", float("nan")),
        ("fusion", 3),
    ],
)
def test_bad_arguments_are_named(argument: str, value: Any) -> None:
    with pytest.raises(ArgumentError, match=f"'{argument}'"):
        make(tiny.BOTH, **{argument: value})


def test_bad_modality_weights_are_named() -> None:
    for bad in (-0.1, float("inf"), float("nan")):
        with pytest.raises(ArgumentError, match=r"'modality_weights\[text\]'"):
            make(tiny.BOTH, modality_weights={"image": 1.0, "text": bad})
    with pytest.raises(ArgumentError, match="'modality_weights' belong to the fusion 'graph'"):
        make(tiny.BOTH, modality_weights={"image": 1.0}, fusion="mean")
    with pytest.raises(ArgumentError, match=r"'modality_weights' must name every modality \(missing: text\)"):
        make(tiny.BOTH, modality_weights={"image": 1.0})
    with pytest.raises(ArgumentError, match="'modality_weights' must leave at least one modality above 0"):
        make(tiny.BOTH, modality_weights={"image": 0.0, "text": 0.0})
    with pytest.raises(UnknownNameError, match="unknown modality 'txt'; did you mean 'text'"):
        make(tiny.BOTH, modality_weights={"txt": 1.0})


def test_bad_features_and_fusions_are_named() -> None:
    with pytest.raises(ArgumentError, match="'feature_dims' must name at least one modality: freedom"):
        FREEDOM(5, 6, {})
    with pytest.raises(ArgumentError, match=r"feature_dims\[text\]"):
        FREEDOM(5, 6, {"image": 3, "text": 0})
    with pytest.raises(UnknownNameError, match="unknown fusion 'atention'"):
        make(tiny.BOTH, fusion="atention")
    with pytest.raises(ArgumentError, match="'fusion' must be made with"):
        make(tiny.BOTH, fusion=tiny.RecordingFusion(tiny.BOTH, DIM + 1))
