"""SLMRec against its equations in dense numpy."""

from collections.abc import Mapping
from typing import Any

import channel_reference as reference
import numpy as np
import pytest
import tiny_case as tiny
import torch
from tiny_case import BATCH, GRAPH, NUM_ITEMS, NUM_USERS, Values

from gnnrec.data import ItemFeatures
from gnnrec.errors import ArgumentError, UnknownNameError
from gnnrec.models.slmrec import SLMRec
from gnnrec.nn.fusion import MeanFusion

DIM = 4
USERS, POSITIVES = BATCH.users.numpy(), BATCH.positives.numpy()


def make(names: tuple[str, ...], **arguments: Any) -> SLMRec:
    defaults = {
        "embedding_dim": DIM,
        "num_neighbors": reference.NUM_NEIGHBORS,
        "ssl_weight": 0.3,
        "temperature": 0.5,
        "ssl_temperature": 0.7,
        "dropout": 0.4,
        "regularization": 0.2,
    }
    return SLMRec(NUM_USERS, NUM_ITEMS, tiny.dims_of(names), **(defaults | arguments))


def chain_loss(values: Values, items: reference.Side, ids: np.ndarray | None = None) -> float:
    """What the modalities so far have in common is aligned with the next one."""
    names = list(items)
    common, total = items[names[0]][POSITIVES], 0.0
    for step, name in enumerate(names[1:]):
        common = common @ values[f"chain.common.{step}.weight"].T + values[f"chain.common.{step}.bias"]
        own = items[name][POSITIVES] @ values[f"chain.own.{step}.weight"].T
        total += reference.info_nce(common, own, 0.7, scaled=False, ids=ids)
    return total


def view_loss(values: Values, views: list[tuple[reference.Side, reference.Side]], same: bool = False) -> float:
    """The step's users and its items, each against itself in the other view."""
    total = 0.0
    for place, (side, rows) in enumerate((("user", USERS), ("item", POSITIVES))):
        first, second = (reference.fuse(values, side, view[place])[rows] for view in views)
        total += reference.info_nce(first, second, 0.7, ids=rows if same else None)
    return total


def terms(
    model: SLMRec,
    values: Values,
    features: Mapping[str, ItemFeatures],
    views: list[tuple[reference.Side, reference.Side]] | None = None,
) -> dict[str, float]:
    users, items = reference.channels(values, reference.inputs(values, features), 3)
    user, item = (reference.fuse(values, side, view) for side, view in (("user", users), ("item", items)))
    ids = POSITIVES if model.mask_duplicates else None
    expected = {"info_nce": reference.info_nce(user[USERS], item[POSITIVES], 0.5, ids=ids)}
    if views is not None:
        expected["ssl"] = 0.3 * view_loss(values, views, model.mask_duplicates)
    elif model.task == "fac":
        expected["ssl"] = 0.3 * chain_loss(values, items, ids)
    rows = values["user_embedding"][USERS], values["item_embedding"][POSITIVES]
    return expected | {"regularization": 0.2 * tiny.penalty(*rows)}


def masked_views(
    values: Values, features: Mapping[str, ItemFeatures], masked: tuple[str, str]
) -> list[tuple[reference.Side, reference.Side]]:
    starts = reference.inputs(values, features)
    return [reference.channels(values, starts | {name: np.zeros((NUM_ITEMS, DIM))}, 3) for name in masked]


def drop(monkeypatch: pytest.MonkeyPatch) -> list[np.ndarray]:
    """Let uniform draws be recorded, to know which entries are dropped."""
    drawn: list[np.ndarray] = []
    generator = torch.Generator().manual_seed(5)

    def rand_like(x: torch.Tensor) -> torch.Tensor:
        draws = torch.rand(x.shape, generator=generator)
        drawn.append(draws.numpy())
        return draws

    monkeypatch.setattr(torch, "rand_like", rand_like)
    return drawn


def dropped_view(
    values: Values, starts: reference.Side, draws: list[np.ndarray]
) -> tuple[reference.Side, reference.Side]:
    """Dropout at rate .4 after each of three layers over all nodes.

    Draws are those of layers 1 to 3 of what starts at the users, then of what starts at the items; in odd layers that
    is on the other side.
    """
    items_drawn = {1: draws[0], 2: draws[4], 3: draws[2]}
    users_drawn = {1: draws[3], 2: draws[1], 3: draws[5]}
    taken = tiny.interactions()
    share = tiny.root_shares(np.concatenate([taken.sum(1), taken.sum(0)]))
    adjacency = np.block([[np.zeros((NUM_USERS, NUM_USERS)), taken], [taken.T, np.zeros((NUM_ITEMS, NUM_ITEMS))]])
    adjacency = share[:, None] * adjacency * share
    users, items = {}, {}
    for place, (name, rows) in enumerate(starts.items()):
        columns = slice(place * DIM, (place + 1) * DIM)
        layer = np.vstack([values["user_embedding"], rows])
        total = layer.copy()
        for number in (1, 2, 3):
            kept = np.vstack([users_drawn[number][:, columns], items_drawn[number][:, columns]]) >= 0.4
            layer = (adjacency @ layer) * kept / 0.6
            total += layer
        users[name], items[name] = total[:NUM_USERS] / 4, total[NUM_USERS:] / 4
    return users, items


@pytest.mark.parametrize("names", tiny.NAMES)
@pytest.mark.parametrize("num_layers", [0, 1, 2, 3])
def test_forward_equals_the_equations(names: tuple[str, ...], num_layers: int) -> None:
    model, features = make(names, num_layers=num_layers), tiny.features_of(names)
    values = reference.prepared(model)
    users, items = reference.channels(values, reference.inputs(values, features), num_layers)
    found = model.embeddings(GRAPH, features)
    tiny.assert_close(found.user, reference.fuse(values, "user", users))
    tiny.assert_close(found.item, reference.fuse(values, "item", items))


@pytest.mark.parametrize("kind", ["mean", "attention", "graph"])
def test_other_fusions(kind: str) -> None:
    model, features = make(tiny.BOTH, fusion=kind, task="none"), tiny.features_of(tiny.BOTH)
    values = reference.prepared(model)
    users, items = reference.channels(values, reference.inputs(values, features), 3)
    graph = reference.item_graph(values, features) if kind == "graph" else None
    user, item = reference.fuse(values, "user", users, kind), reference.fuse(values, "item", items, kind, graph)
    found = model.embeddings(GRAPH, features)
    tiny.assert_close(found.user, user)
    tiny.assert_close(found.item, item)
    loss = model.loss(GRAPH, features, BATCH)["info_nce"]
    assert float(loss.detach()) == pytest.approx(reference.info_nce(user[USERS], item[POSITIVES], 0.5), abs=1e-5)


@pytest.mark.parametrize("masks_duplicates", [False, True])
@pytest.mark.parametrize("names", tiny.NAMES)
@pytest.mark.parametrize("task", ["fac", "none"])
def test_loss_and_gradients_equal_the_equations(task: Any, names: tuple[str, ...], masks_duplicates: bool) -> None:
    model, features = make(names, task=task, mask_duplicates=masks_duplicates), tiny.features_of(names)
    values = reference.prepared(model)
    found = model.loss(GRAPH, features, BATCH)
    tiny.assert_terms(found, terms(model, values, features))
    if names == tiny.ALL:
        tiny.backward(found)
        raw = tiny.values_of(model)
        tiny.assert_gradients(model, raw, lambda v: sum(terms(model, reference.renamed(v), features).values()))


@pytest.mark.parametrize("masked", [("interactions", "text"), ("text", "image")])
@pytest.mark.parametrize("masks_duplicates", [False, True])
def test_feature_masking(masked: tuple[str, str], masks_duplicates: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    model = make(tiny.BOTH, task="fm", mask_duplicates=masks_duplicates)
    features, values = tiny.features_of(tiny.BOTH), reference.prepared(model)
    monkeypatch.setattr(model, "_draw_masked", lambda: masked)
    found = model.loss(GRAPH, features, BATCH)
    tiny.assert_terms(found, terms(model, values, features, masked_views(values, features, masked)))
    tiny.backward(found)

    def loss(values: Values) -> float:
        values = reference.renamed(values)
        return sum(terms(model, values, features, masked_views(values, features, masked)).values())

    tiny.assert_gradients(model, tiny.values_of(model), loss)


@pytest.mark.parametrize("names", [tiny.TEXT, tiny.ALL])
@pytest.mark.parametrize("task", ["fd", "fd+fm"])
def test_feature_dropout(task: Any, names: tuple[str, ...], monkeypatch: pytest.MonkeyPatch) -> None:
    model, features = make(names, task=task), tiny.features_of(names)
    values = reference.prepared(model)
    masked = ("text", "interactions")
    monkeypatch.setattr(model, "_draw_masked", lambda: masked)
    draws = drop(monkeypatch)
    found = model.loss(GRAPH, features, BATCH)
    assert len(draws) == 12
    tiny.backward(found)

    def expected(values: Values) -> dict[str, float]:
        views = []
        for number, name in enumerate(masked):
            starts = reference.inputs(values, features)
            if task == "fd+fm":
                starts[name] = np.zeros((NUM_ITEMS, DIM))
            views.append(dropped_view(values, starts, draws[6 * number : 6 * number + 6]))
        return terms(model, values, features, views)

    tiny.assert_terms(found, expected(values))
    tiny.assert_gradients(model, tiny.values_of(model), lambda v: sum(expected(reference.renamed(v)).values()))


def test_draws() -> None:
    """Masked channels differ and all occur; dropout is drawn in training only."""
    model, features = make(tiny.BOTH, task="fd+fm"), tiny.features_of(tiny.BOTH)
    drawn = {model._draw_masked() for _ in range(100)}
    assert drawn == {(a, b) for a in model.encoder.names for b in model.encoder.names if a != b}
    torch.manual_seed(0)
    first, second = (float(model.loss(GRAPH, features, BATCH)["ssl"].detach()) for _ in range(2))
    assert first != second
    model = make(tiny.BOTH, task="fd").eval()
    users, items = model.encoder.propagate(GRAPH, model.encoder.inputs(features))
    user, item = model.encoder.fuse_users(users)[USERS], model.encoder.fuse_items(items, features)[POSITIVES]
    same = sum(reference.info_nce(rows, rows, 0.7) for rows in (x.detach().double().numpy() for x in (user, item)))
    assert float(model.loss(GRAPH, features, BATCH)["ssl"].detach()) == pytest.approx(0.3 * same, abs=1e-5)


@pytest.mark.parametrize("fusion", tiny.FUSIONS)
@pytest.mark.parametrize("names", [tiny.TEXT, tiny.ALL])
@pytest.mark.parametrize("task", ["fac", "fd", "fm", "fd+fm", "none"])
def test_gradients_reach_every_parameter(task: Any, names: tuple[str, ...], fusion: str) -> None:
    model, features = make(names, task=task, fusion=fusion), tiny.features_of(names)
    tiny.randomize(model)
    torch.manual_seed(0)
    tiny.backward(model.loss(GRAPH, features, BATCH))
    for name, parameter in model.named_parameters():
        assert parameter.grad is not None and float(parameter.grad.abs().max()) > 1e-6, name


@pytest.mark.parametrize("fusion", tiny.FUSIONS)
@pytest.mark.parametrize("names", tiny.NAMES)
def test_item_parts(names: tuple[str, ...], fusion: str) -> None:
    model, features = make(names, fusion=fusion), tiny.features_of(names)
    tiny.randomize(model)
    parts = tiny.assert_parts(model, features)
    if fusion in ("concat", "mean", "graph"):
        # Without biases, nothing comes of content that no item has; what users bring counts as interactions.
        with torch.no_grad():
            for name, parameter in model.named_parameters():
                if "bias" in name:
                    parameter.zero_()
        nothing = tiny.assert_parts(model, tiny.without_content(names))
        for name in names:
            assert float(parts[name].abs().max()) > 0.01 and not bool(nothing[name].any()), name


def test_reset_redraws() -> None:
    model = make(tiny.ALL)
    drawn = []
    for seed in (1, 1, 2):
        torch.manual_seed(seed)
        model.reset_parameters()
        drawn.append(tiny.values_of(model))
    for name, value in drawn[0].items():
        np.testing.assert_array_equal(value, drawn[1][name], err_msg=name)
        assert not value.any() if "bias" in name else not (value == drawn[2][name]).any(), name


def test_module_as_fusion() -> None:
    """Users get a copy of their own; a module for other channels is refused."""
    names = dict.fromkeys(("interactions", *tiny.BOTH), DIM)
    given = MeanFusion(names, DIM)
    model = make(tiny.BOTH, fusion=given)
    assert model.encoder.item_fusion is given and model.encoder.user_fusion is not given
    with pytest.raises(ArgumentError, match="'fusion' must be made with in_dims"):
        make(tiny.BOTH, fusion=MeanFusion(dict.fromkeys(tiny.BOTH, DIM), DIM))
    with pytest.raises(UnknownNameError):
        make(tiny.BOTH, fusion="sum")


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"task": "all"}, "'task' must be one of fac, fd, fm, fd\\+fm, none \\(got 'all'\\)"),
        ({"dropout": 1.0}, "'dropout' must lie in \\[0, 1\\) \\(got 1.0\\)"),
        ({"temperature": 0.0}, "'temperature' must be a finite number above 0"),
        ({"ssl_temperature": -1.0}, "'ssl_temperature'"),
        ({"ssl_weight": -0.1}, "'ssl_weight'"),
        ({"regularization": -0.1}, "'regularization'"),
        ({"embedding_dim": 0}, "'embedding_dim'"),
        ({"num_layers": -1}, "'num_layers'"),
        ({"num_neighbors": 0}, "'num_neighbors'"),
        ({"embedding_dim": 1}, "'embedding_dim' must be at least 2"),
    ],
)
def test_refuses(arguments: dict[str, Any], message: str) -> None:
    with pytest.raises(ArgumentError, match=message):
        make(tiny.ALL, **arguments)


def test_refuses_modalities() -> None:
    with pytest.raises(ArgumentError, match="'feature_dims' must name at least one modality"):
        SLMRec(NUM_USERS, NUM_ITEMS, {})
    with pytest.raises(ArgumentError, match="must not name a modality 'interactions'"):
        SLMRec(NUM_USERS, NUM_ITEMS, {"interactions": 3})


def test_weight_zero_is_no_task() -> None:
    model = make(tiny.BOTH, ssl_weight=0.0)
    assert model.task == "none" and model.chain is None
    assert set(model.loss(GRAPH, tiny.features_of(tiny.BOTH), BATCH)) == {"info_nce", "regularization"}
    assert "task=none" in repr(model)
