"""LightMGCN against its equations in dense numpy."""

from collections.abc import Mapping
from typing import Any

import numpy as np
import pytest
import tiny_case as tiny
from tiny_case import BATCH, GRAPH, NUM_ITEMS, NUM_USERS, Values

from gnnrec.data import ItemFeatures
from gnnrec.errors import ArgumentError, UnknownNameError
from gnnrec.models.light_mgcn import LightMGCN

DIM, K = 4, 2


def make(names: tuple[str, ...], **arguments: Any) -> LightMGCN:
    defaults = {
        "embedding_dim": DIM,
        "num_layers": 2,
        "num_neighbors": K,
        "contrastive_weight": 0.3,
        "regularization": 0.2,
    }
    return LightMGCN(NUM_USERS, NUM_ITEMS, tiny.dims_of(names), **(defaults | arguments))


def views(
    model: LightMGCN, values: Values, features: Mapping[str, ItemFeatures], fusion: str = "mean"
) -> tuple[np.ndarray, np.ndarray]:
    """Behaviour and side vectors of users, then items. Shapes: (num_users + num_items, d)."""
    behaviour, item = tiny.lightgcn(values["embedding"], model.num_layers), tiny.dense(values)[1]
    spread, masks = {}, {}
    for name, modality in features.items():
        x, has = tiny.content(modality)
        binary = (tiny.nearest(x, model.num_neighbors, has)[1] > 0).astype(float)
        graph = tiny.symmetric(binary)
        spread[name], masks[name] = np.linalg.matrix_power(graph, model.num_item_layers) @ item, has
    side_item = tiny.fused(fusion, values, spread, masks)
    taken = tiny.interactions()
    to_users = tiny.root_shares(taken.sum(1))[:, None] * taken * tiny.root_shares(taken.sum(0))[None, :]
    return behaviour, np.concatenate([to_users @ side_item, side_item])


def info_nce(anchor: np.ndarray, positive: np.ndarray, temperature: float) -> float:
    cosine = tiny.unit(anchor) @ tiny.unit(positive).T
    return float(-np.log(np.diag(tiny.softmax(cosine / temperature, axis=1))).mean())


def terms(model: LightMGCN, behaviour: np.ndarray, side: np.ndarray) -> dict[str, float]:
    rows = tiny.triples(*np.split(behaviour + side, [NUM_USERS]))
    of_behaviour, of_side = (tiny.triples(*np.split(view, [NUM_USERS])) for view in (behaviour, side))
    contrast = sum(info_nce(of_side[place], of_behaviour[place], model.temperature) for place in (0, 1))
    return {
        "bpr": tiny.bpr(*rows),
        "contrastive": model.contrastive_weight * contrast,
        "regularization": model.regularization * tiny.penalty(*rows),
    }


@pytest.mark.parametrize("fusion", ["mean", "concat", "attention"])
@pytest.mark.parametrize(("num_layers", "num_item_layers"), [(1, 1), (4, 2)])
@pytest.mark.parametrize("names", tiny.NAMES)
def test_equals_the_equations(names: tuple[str, ...], num_layers: int, num_item_layers: int, fusion: str) -> None:
    features = tiny.features_of(names)
    model = make(names, num_layers=num_layers, num_item_layers=num_item_layers, fusion=fusion)
    behaviour, side = views(model, tiny.randomize(model), features, fusion)
    tiny.assert_terms(model.train().loss(GRAPH, features, BATCH), terms(model, behaviour, side))
    found = model.eval()(GRAPH, features)
    tiny.assert_close(found.user, (behaviour + side)[:NUM_USERS])
    tiny.assert_close(found.item, (behaviour + side)[NUM_USERS:])
    tiny.assert_close(tiny.assert_parts(model, features)["interactions"], behaviour[NUM_USERS:])


@pytest.mark.parametrize("fusion", ["mean", "concat", "attention"])
def test_gradients(fusion: str) -> None:
    model, features = make(tiny.BOTH, fusion=fusion), tiny.features_of(tiny.BOTH)
    values = tiny.randomize(model)
    tiny.backward(model.loss(GRAPH, features, BATCH))
    tiny.assert_gradients(
        model, values, lambda moved: sum(terms(model, *views(model, moved, features, fusion)).values())
    )
    for name, parameter in model.named_parameters():
        assert parameter.grad is not None and float(parameter.grad.abs().max()) > 1e-6, name


@pytest.mark.parametrize("fusion", tiny.FUSIONS)
def test_every_fusion_trains_and_leaves_out_what_is_missing(fusion: str) -> None:
    model = make(tiny.BOTH, fusion=fusion)
    tiny.assert_moderate_step(model, tiny.features_of(tiny.BOTH))
    tiny.assert_moderate_step(model, tiny.without_content(tiny.BOTH))


def test_without_content_it_is_lightgcn() -> None:
    model, features = make(tiny.BOTH), tiny.without_content(tiny.BOTH)
    behaviour = tiny.lightgcn(tiny.randomize(model)["embedding"], model.num_layers)
    tiny.assert_close(model.eval()(GRAPH, features).item, behaviour[NUM_USERS:])


def test_bad_arguments_are_named() -> None:
    for name, bad in {"num_layers": 0, "num_neighbors": -1, "temperature": 0.0, "contrastive_weight": -1.0}.items():
        with pytest.raises(ArgumentError, match=f"'{name}'"):
            make(tiny.BOTH, **{name: bad})
    with pytest.raises(ArgumentError, match="'feature_dims'"):
        make(())
    with pytest.raises(UnknownNameError, match="mean"):
        make(tiny.BOTH, fusion="meen")


def test_reset_and_repr() -> None:
    tiny.assert_reset_redraws(make(tiny.BOTH))
    assert "num_neighbors=2" in repr(make(tiny.BOTH))
