"""MGCN against its equations in dense numpy."""

from collections.abc import Mapping
from typing import Any, NamedTuple

import numpy as np
import pytest
import tiny_case as tiny
import torch
from tiny_case import BATCH, GRAPH, NUM_ITEMS, NUM_USERS, Values

from gnnrec.data import ItemFeatures
from gnnrec.errors import ArgumentError, UnknownNameError
from gnnrec.models.mgcn import MGCN

DIM, K = 4, 2


class Side(NamedTuple):
    """Of users or of items: b, each modality's h, which rows have it, and s."""

    behaviour: np.ndarray
    modalities: dict[str, np.ndarray]
    masks: dict[str, np.ndarray]
    vectors: np.ndarray


def make(names: tuple[str, ...], **arguments: Any) -> MGCN:
    defaults = {"embedding_dim": DIM, "num_neighbors": K, "contrastive_weight": 0.3, "regularization": 0.2}
    return MGCN(NUM_USERS, NUM_ITEMS, tiny.dims_of(names), **(defaults | arguments))


def side_of(
    values: Values, behaviour: np.ndarray, modalities: dict[str, np.ndarray], masks: dict[str, np.ndarray], fusion: str
) -> Side:
    """The common part, and what is particular to each modality that a row has, gated by behaviour."""
    common = tiny.fused(fusion, values, modalities, masks)
    total, count = common.copy(), np.ones(len(common))
    for index, (name, vectors) in enumerate(modalities.items()):
        has = masks[name]
        count[has] += 1
        if np.array_equal(vectors[has], common[has]):  # one modality: nothing to gate
            continue
        assert f"preferences.{index}.weight" in values, f"nothing gates what is particular to {name}"
        gate = tiny.sigmoid(behaviour @ values[f"preferences.{index}.weight"].T + values[f"preferences.{index}.bias"])
        total[has] += (gate * (vectors - common))[has]
    return Side(behaviour, modalities, masks, total / count[:, None])


def views(
    model: MGCN, values: Values, features: Mapping[str, ItemFeatures], fusion: str = "attention"
) -> tuple[Side, Side]:
    """Users and items."""
    final, item = tiny.lightgcn(values["embedding"], model.num_layers), tiny.dense(values)[1]
    taken = tiny.interactions()
    mean_of_items = tiny.root_shares(taken.sum(1))[:, None] * taken * tiny.root_shares(taken.sum(0))[None, :]
    of_users, of_items, masks = {}, {}, {}
    for index, (name, rows) in enumerate(tiny.projected(values, features).items()):
        gate = tiny.sigmoid(rows @ values[f"purifiers.{index}.weight"].T + values[f"purifiers.{index}.bias"])
        x, masks[name] = tiny.content(features[name])
        graph = tiny.symmetric(tiny.nearest(x, model.num_neighbors, masks[name])[0])
        of_items[name] = np.linalg.matrix_power(graph, model.num_item_layers) @ (item * gate)
        of_users[name] = mean_of_items @ of_items[name]
    everyone = dict.fromkeys(of_users, np.ones(NUM_USERS, dtype=bool))
    return (
        side_of(values, final[:NUM_USERS], of_users, everyone, fusion),
        side_of(values, final[NUM_USERS:], of_items, masks, fusion),
    )


def info_nce(anchor: np.ndarray, positive: np.ndarray, temperature: float) -> float:
    """Each row's own positive among the step's."""
    cosine = tiny.unit(anchor) @ tiny.unit(positive).T
    return float(-np.log(np.diag(tiny.softmax(cosine / temperature, axis=1))).mean())


def terms(model: MGCN, users: Side, items: Side) -> dict[str, float]:
    rows = tiny.triples(users.behaviour + users.vectors, items.behaviour + items.vectors)
    side_user, side_positive, _ = tiny.triples(users.vectors, items.vectors)
    user, positive, _ = tiny.triples(users.behaviour, items.behaviour)
    contrast = info_nce(side_positive, positive, model.temperature) + info_nce(side_user, user, model.temperature)
    found = {
        "bpr": tiny.bpr(*rows),
        "contrastive": model.contrastive_weight * contrast,
        "regularization": model.regularization * tiny.penalty(*rows),
    }
    return {name: value for name, value in found.items() if name == "bpr" or value}


def check(model: MGCN, features: Mapping[str, ItemFeatures], fusion: str = "attention") -> None:
    users, items = views(model, tiny.randomize(model), features, fusion)
    model.begin_epoch(GRAPH, features)
    tiny.assert_terms(model.train().loss(GRAPH, features, BATCH), terms(model, users, items))
    found = model.eval()(GRAPH, features)
    tiny.assert_close(found.user, users.behaviour + users.vectors)
    tiny.assert_close(found.item, items.behaviour + items.vectors)


@pytest.mark.parametrize("num_neighbors", [2, 10])
@pytest.mark.parametrize(("num_layers", "num_item_layers"), [(1, 1), (2, 1), (3, 2)])
@pytest.mark.parametrize("names", tiny.NAMES)
def test_equals_the_equations(
    names: tuple[str, ...], num_layers: int, num_item_layers: int, num_neighbors: int
) -> None:
    arguments = {"num_layers": num_layers, "num_item_layers": num_item_layers, "num_neighbors": num_neighbors}
    check(make(names, **arguments), tiny.features_of(names))


@pytest.mark.parametrize("temperature", [0.2, 1.0])
def test_temperature(temperature: float) -> None:
    check(make(tiny.BOTH, temperature=temperature), tiny.features_of(tiny.BOTH))


@pytest.mark.parametrize("fusion", ["concat", "mean"])
@pytest.mark.parametrize("names", tiny.NAMES)
def test_other_fusions_equal_the_equations(names: tuple[str, ...], fusion: str) -> None:
    check(make(names, fusion=fusion, num_item_layers=2), tiny.features_of(names), fusion)


def test_half_open_gates() -> None:
    """Figures that need no program: items 2 and 3 are each other's only neighbour, of weight 1 after normalisation."""
    model, features = make(tiny.IMAGE, num_neighbors=1), tiny.opposites()
    tiny.randomize(model)
    with torch.no_grad():
        for layer in model.purifiers:
            assert isinstance(layer, torch.nn.Linear)
            layer.weight.zero_()
            layer.bias.zero_()
    item = tiny.dense(tiny.values_of(model))[1]
    found = tiny.assert_parts(model, features)["image"]
    # h is half of the neighbour's vector; with one modality c = h, so that s = h / 2.
    tiny.assert_close(found[[2, 3]], item[[3, 2]] / 4)
    assert not found[4].any()


@pytest.mark.parametrize("fusion", ["concat", "mean", "attention"])
@pytest.mark.parametrize("names", tiny.NAMES)
def test_gradients(names: tuple[str, ...], fusion: str) -> None:
    model, features = make(names, fusion=fusion, num_item_layers=2), tiny.features_of(names)
    values = tiny.randomize(model)
    model.begin_epoch(GRAPH, features)
    tiny.backward(model.loss(GRAPH, features, BATCH))
    tiny.assert_gradients(
        model, values, lambda moved: sum(terms(model, *views(model, moved, features, fusion)).values())
    )
    for name, parameter in model.named_parameters():
        assert parameter.grad is not None and float(parameter.grad.abs().max()) > 1e-6, name


def test_terms_of_weight_zero_are_left_out() -> None:
    model, features = make(tiny.BOTH, contrastive_weight=0.0, regularization=0.0), tiny.features_of(tiny.BOTH)
    found = model.loss(GRAPH, features, BATCH)
    assert set(found) == {"bpr"}
    check(model, features)


def test_negative_cosines_count_as_zero() -> None:
    features = tiny.opposites()
    for num_neighbors in (3, 5):
        model = make(tiny.IMAGE, num_neighbors=num_neighbors)
        x, mask = tiny.content(features["image"])
        assert (tiny.nearest(x, num_neighbors, mask)[0][4] < 0).sum() == num_neighbors
        check(model, features)
        assert not tiny.assert_parts(model, features)["image"][4].any()


def test_divisor_counts_what_an_item_has() -> None:
    """The item without text has a side vector of image and audio alone: as if the catalog had no text."""
    features = tiny.features_of(tiny.ALL)
    model = make(tiny.ALL, fusion="mean")
    values = tiny.randomize(model)
    items = views(model, values, features, "mean")[1]
    row = tiny.LACKS_TEXT
    others = {name: items.modalities[name][row : row + 1] for name in ("audio", "image")}
    kept = {"preferences.0": "preferences.0", "preferences.1": "preferences.2"}
    chosen = {f"{new}.{part}": values[f"{old}.{part}"] for new, old in kept.items() for part in ("weight", "bias")}
    has = dict.fromkeys(others, np.ones(1, dtype=bool))
    expected = side_of(chosen, items.behaviour[row : row + 1], others, has, "mean").vectors
    parts = tiny.assert_parts(model, features)
    tiny.assert_close(parts["audio"][[row]] + parts["image"][[row]], expected)
    assert not parts["text"][row].any()


@pytest.mark.parametrize("fusion", tiny.FUSIONS)
@pytest.mark.parametrize("names", tiny.NAMES)
def test_parts_add_up(names: tuple[str, ...], fusion: str) -> None:
    features = tiny.features_of(names)
    model = make(names, fusion=fusion, num_item_layers=2)
    values = tiny.randomize(model)
    parts = tiny.assert_parts(model, features)
    tiny.assert_close(parts["interactions"], tiny.lightgcn(values["embedding"], 2)[NUM_USERS:])
    if "text" in names and fusion in tiny.ROW_WISE:
        assert not parts["text"][tiny.LACKS_TEXT].any()
    found = model.loss(GRAPH, features, BATCH)
    assert set(found) == {"bpr", "contrastive", "regularization"}
    tiny.backward(found)
    assert all(parameter.grad is not None for parameter in model.parameters())


@pytest.mark.parametrize("fusion", tiny.FUSIONS)
def test_loss_sees_the_vectors_of_forward(fusion: str) -> None:
    """The step fuses some rows, evaluation all: BPR and the penalty are those of forward's vectors."""
    model, features = make(tiny.ALL, fusion=fusion), tiny.features_of(tiny.ALL)
    tiny.randomize(model)
    rows = tiny.triples(*(table.detach().double().numpy() for table in model(GRAPH, features)))
    found = model.loss(GRAPH, features, BATCH)
    expected = {"bpr": tiny.bpr(*rows), "regularization": model.regularization * tiny.penalty(*rows)}
    tiny.assert_terms({name: found[name] for name in expected}, expected)


@pytest.mark.parametrize("fusion", tiny.ROW_WISE)
def test_a_missing_modality_has_no_part(fusion: str) -> None:
    model = make(tiny.ALL, fusion=fusion)
    tiny.randomize(model)
    tiny.assert_missing_has_no_part(model, tiny.ALL)


def test_what_a_fusion_module_is_given() -> None:
    fusion = tiny.RecordingFusion(tiny.BOTH, DIM)
    model, features = make(tiny.BOTH, fusion=fusion), tiny.features_of(tiny.BOTH)
    assert model.content_fusion is fusion and model.fusion == "RecordingFusion"
    users, items = views(model, tiny.randomize(model), features, "mean")
    model(GRAPH, features)
    assert len(fusion.calls) == 2
    for (vectors, masks, graphs), side in zip(fusion.calls, (users, items), strict=True):
        assert vectors.keys() == masks.keys() == set(tiny.BOTH)
        assert (graphs is None) == (side is users)
        for name in tiny.BOTH:
            tiny.assert_close(vectors[name], side.modalities[name])
            np.testing.assert_array_equal(masks[name].numpy(), side.masks[name])
        if graphs is not None:
            for name in tiny.BOTH:
                x, mask = tiny.content(features[name])
                expected = tiny.symmetric(tiny.nearest(x, K, mask)[0])
                tiny.assert_close(graphs[name].matmul(torch.eye(NUM_ITEMS)), expected)


@pytest.mark.parametrize("fusion", tiny.FUSIONS)
def test_a_catalog_without_content_trains(fusion: str) -> None:
    model, features = make(tiny.BOTH, fusion=fusion), tiny.without_content(tiny.BOTH)
    tiny.assert_moderate_step(model, features)
    item = model.embeddings(GRAPH, features).item.double().numpy()
    tiny.assert_close(tiny.assert_parts(model, features)["interactions"], item)  # biases start at zero


@pytest.mark.parametrize("fusion", tiny.FUSIONS)
def test_a_user_whose_items_have_no_content_trains(fusion: str) -> None:
    """User 3 of the batch took items 0 and 4 alone, and nothing is known of them."""
    features = tiny.features_of(tiny.BOTH)
    for name, modality in features.items():
        mask = modality.mask.clone()
        mask[[0, 4]] = False
        features[name] = ItemFeatures(modality.x, mask)
    tiny.assert_moderate_step(make(tiny.BOTH, fusion=fusion), features)


def test_reset() -> None:
    zeros = [f"{name}.{index}.bias" for name in ("purifiers", "preferences") for index in range(3)]
    tiny.assert_reset_redraws(make(tiny.ALL), (*zeros, "projection.biases", "content_fusion.linear.bias"))
    torch.manual_seed(3)
    first = tiny.values_of(make(tiny.ALL))
    torch.manual_seed(3)
    for name, value in tiny.values_of(make(tiny.ALL)).items():
        np.testing.assert_array_equal(value, first[name])


def test_repr() -> None:
    text = "MGCN(\n  num_users=5, num_items=6, embedding_dim=4, num_layers=2, num_neighbors=2\n"
    assert repr(make(tiny.BOTH)).startswith(text)


@pytest.mark.parametrize(
    ("argument", "value"),
    [
        *((name, value) for name in ("embedding_dim", "num_layers", "num_item_layers") for value in (0, -1, 2.0, True)),
        ("num_neighbors", 0),
        ("contrastive_weight", -1.0),
        ("contrastive_weight", float("nan")),
        ("temperature", 0.0),
        ("temperature", float("inf")),
        ("regularization", -1.0),
        ("fusion", 3),
    ],
)
def test_bad_arguments_are_named(argument: str, value: Any) -> None:
    with pytest.raises(ArgumentError, match=f"'{argument}'"):
        make(tiny.BOTH, **{argument: value})


def test_bad_features_and_fusions_are_named() -> None:
    with pytest.raises(ArgumentError, match="'feature_dims' must name at least one modality: mgcn"):
        MGCN(5, 6, {})
    with pytest.raises(ArgumentError, match=r"feature_dims\[text\]"):
        MGCN(5, 6, {"image": 3, "text": 0})
    with pytest.raises(UnknownNameError, match="unknown fusion 'atention'"):
        make(tiny.BOTH, fusion="atention")
    with pytest.raises(ArgumentError, match="'fusion' must be made with"):
        make(tiny.BOTH, fusion=tiny.RecordingFusion(tiny.BOTH, DIM + 1))
