"""MMGCN against a dense numpy form of the paper's equations, on five users and six items."""

from collections.abc import Mapping
from typing import Literal

import numpy as np
import pytest
import torch

from gnnrec.data import ItemFeatures
from gnnrec.errors import ArgumentError
from gnnrec.models.base import Batch
from gnnrec.models.mmgcn import MMGCN
from graphs import BipartiteGraph

Arrays = Mapping[str, np.ndarray]

EDGES = torch.tensor([[0, 0, 1, 2, 2, 3, 4], [0, 1, 1, 2, 3, 4, 0]])  # item 5 is cold
GRAPH = BipartiteGraph(EDGES, 5, 6)
BATCH = Batch(torch.tensor([0, 2, 4, 2]), torch.tensor([0, 3, 0, 2]), torch.tensor([5, 1, 3, 1]))
DIMS = {"image": 7, "text": 3, "audio": 2}
HIDDEN = 4  # images are projected, text and sound are not
REGULARIZATION = 0.3


def make_features(*names: str) -> dict[str, ItemFeatures]:
    """Image complete, text missing for item 2, sound for item 4."""
    generator = torch.Generator().manual_seed(0)
    lacks = {"image": [], "text": [2], "audio": [4]}
    features = {}
    for name, dim in DIMS.items():
        mask = torch.ones(6, dtype=torch.bool)
        mask[lacks[name]] = False
        features[name] = ItemFeatures(torch.randn(6, dim, generator=generator) * 3, mask)
    return {name: features[name] for name in names}


def make_model(features: Mapping[str, ItemFeatures], **arguments: object) -> MMGCN:
    torch.manual_seed(1)
    dims = {name: DIMS[name] for name in features}
    defaults: dict[str, object] = {"embedding_dim": 4, "hidden_dim": HIDDEN, "regularization": REGULARIZATION}
    model = MMGCN(5, 6, dims, **(defaults | arguments))  # type: ignore[arg-type]
    with torch.no_grad():
        for parameter in model.parameters():  # biases start at zero and would hide
            parameter.add_(0.3 * torch.randn(parameter.shape))
    return model


def state_of(model: MMGCN) -> dict[str, np.ndarray]:
    return {name: value.double().numpy() for name, value in model.state_dict().items()}


def leaky(x: np.ndarray) -> np.ndarray:
    return np.where(x > 0, x, 0.01 * x)


def dense_vectors(
    state: Arrays, features: Mapping[str, ItemFeatures], combination: str, num_layers: int
) -> dict[str, np.ndarray]:
    """The last layer of all users, then items, for each modality."""
    adjacency = np.zeros((11, 11))
    for user, item in EDGES.T.tolist():
        adjacency[user, 5 + item] = adjacency[5 + item, user] = 1
    mean = adjacency / np.maximum(adjacency.sum(1, keepdims=True), 1)
    identity = np.vstack([state["user_embedding"], state["item_embedding"]])
    projected = [name for name in features if DIMS[name] > HIDDEN]
    vectors = {}
    for index, (name, modality) in enumerate(features.items()):
        content, mask = modality.x.double().numpy().copy(), modality.mask.numpy()
        content[mask] /= np.linalg.norm(content[mask], axis=1, keepdims=True)
        content[~mask] = content[mask].mean(0)
        if name in projected:
            place = projected.index(name)
            content = content @ state[f"projection.weights.{place}"].T + state[f"projection.biases.{place}"]
        x = np.vstack([state[f"preference_{index}"], content])
        x = x / np.linalg.norm(x, axis=1, keepdims=True)
        for layer in range(num_layers):
            start = f"networks.{index}.layers.{layer}."
            of = {key.removeprefix(start): value for key, value in state.items() if key.startswith(start)}
            neighbours = leaky(mean @ (x @ of["aggregation"]))
            itself = leaky(x @ of["own.weight"].T + of["own.bias"]) + identity
            if combination == "concat":
                x = leaky(np.hstack([neighbours, itself]) @ of["combine.weight"].T + of["combine.bias"])
            else:
                x = leaky(neighbours @ of["combine.weight"].T + of["combine.bias"] + itself)
        vectors[name] = x
    return vectors


def dense_loss(state: Arrays, vectors: Mapping[str, np.ndarray]) -> tuple[float, float]:
    """BPR and the penalty of the batch."""
    final = np.mean(list(vectors.values()), axis=0)
    user, item = final[:5], final[5:]
    u, i, j = (column.numpy() for column in BATCH)
    margin = (user[u] * item[i]).sum(1) - (user[u] * item[j]).sum(1)
    pairs = np.repeat(u, 2), np.stack([i, j], axis=1).flatten()  # each user beside the positive and the negative
    penalty = (state["user_embedding"][pairs[0]] ** 2 + state["item_embedding"][pairs[1]] ** 2).mean()
    penalty += sum((state[f"preference_{index}"] ** 2).mean() for index in range(len(vectors)))
    return float(np.log1p(np.exp(-margin)).mean()), float(REGULARIZATION * penalty)


@pytest.mark.parametrize("combination", ["concat", "element-wise"])
@pytest.mark.parametrize(
    ("names", "num_layers"), [(("image", "text"), 3), (("text", "audio", "image"), 2), (("image",), 1)]
)
def test_equals_the_dense_equations(
    combination: Literal["concat", "element-wise"], names: tuple[str, ...], num_layers: int
) -> None:
    features = make_features(*names)
    model = make_model(features, combination=combination, num_layers=num_layers)
    state = state_of(model)
    vectors = dense_vectors(state, features, combination, num_layers)
    user, item = model.eval()(GRAPH, features)
    np.testing.assert_allclose(
        torch.cat([user, item]).detach().numpy(), np.mean(list(vectors.values()), axis=0), atol=1e-5
    )
    terms = model.train().loss(GRAPH, features, BATCH)
    bpr, penalty = dense_loss(state, vectors)
    assert terms["bpr"].item() == pytest.approx(bpr, abs=1e-5)
    assert terms["regularization"].item() == pytest.approx(penalty, abs=1e-5)


@pytest.mark.parametrize("combination", ["concat", "element-wise"])
def test_gradient_equals_finite_differences(combination: Literal["concat", "element-wise"]) -> None:
    features = make_features("image", "text")
    model = make_model(features, combination=combination)
    torch.stack(list(model.loss(GRAPH, features, BATCH).values())).sum().backward()  # type: ignore[no-untyped-call]
    state, random, step = state_of(model), np.random.default_rng(0), 1e-6
    for name, parameter in model.named_parameters():
        assert parameter.grad is not None and bool(parameter.grad.any()), f"no gradient reaches {name}"
        direction = random.standard_normal(parameter.shape)
        values = []
        for sign in (1, -1):
            moved = state | {name: state[name] + sign * step * direction}
            values.append(sum(dense_loss(moved, dense_vectors(moved, features, combination, 3))))
        expected = (values[0] - values[1]) / (2 * step)
        found = float((parameter.grad.double().numpy() * direction).sum())
        assert found == pytest.approx(expected, rel=1e-3, abs=1e-5), name


def test_wide_content_is_projected_once_a_step() -> None:
    features = make_features("image", "text")
    model, calls = make_model(features), []
    model.projection.register_forward_hook(lambda *_: calls.append(1))
    model.loss(GRAPH, features, BATCH)
    assert len(calls) == 1
    assert {name: tuple(table.shape) for name, table in model.preferences.items()} == {"image": (5, 4), "text": (5, 3)}


def test_preferences_are_trained_unless_frozen() -> None:
    features = make_features("image", "text")
    names = {"preference_0", "preference_1", "user_embedding", "item_embedding"}
    trained, frozen = make_model(features), make_model(features, frozen_preference=True)
    assert names <= {name for name, _ in trained.named_parameters()}
    assert not names & {name for name, _ in frozen.named_parameters()} and names <= set(frozen.state_dict())
    before = state_of(frozen)
    optimizer = torch.optim.Adam(frozen.parameters(), lr=0.1)
    torch.stack(list(frozen.loss(GRAPH, features, BATCH).values())).sum().backward()  # type: ignore[no-untyped-call]
    assert all(parameter.grad is not None for parameter in frozen.parameters())
    optimizer.step()
    after = state_of(frozen)
    assert all((before[name] == after[name]).all() for name in names)
    assert not (before["networks.0.layers.0.aggregation"] == after["networks.0.layers.0.aggregation"]).all()
    assert all(table.std() > 0.05 for table in frozen.preferences.values()), "preferences must be drawn at random"


@pytest.mark.parametrize("fusion", ["mean", "concat", "graph"])
def test_item_parts_add_up_to_the_items(fusion: str) -> None:
    features = make_features("image", "text", "audio")
    model = make_model(features, fusion=fusion, num_neighbors=2).eval()
    parts = model.item_parts(GRAPH, features)
    assert parts is not None and set(parts) == {"image", "text", "audio"}
    total = torch.stack(list(parts.values())).sum(0)
    torch.testing.assert_close(total, model(GRAPH, features).item, atol=1e-5, rtol=1e-5)


@pytest.mark.parametrize("fusion", ["concat", "attention", "self-attention", "cross-attention", "graph"])
def test_a_step_sees_the_vectors_of_evaluation(fusion: str) -> None:
    features = make_features("image", "text")
    model = make_model(features, fusion=fusion, num_neighbors=2)
    user, item = model.eval()(GRAPH, features)
    positive, negative = ((user[BATCH.users] * item[place]).sum(1) for place in BATCH[1:])
    expected = torch.nn.functional.softplus(negative - positive).mean()
    terms = model.train().loss(GRAPH, features, BATCH)
    torch.testing.assert_close(terms["bpr"], expected, atol=1e-5, rtol=1e-5)
    torch.stack(list(terms.values())).sum().backward()  # type: ignore[no-untyped-call]
    for name, parameter in model.named_parameters():
        assert parameter.grad is not None and bool(parameter.grad.any()), f"no gradient reaches {name}"


def test_without_any_content_items_are_told_apart_by_ids_and_gradients_stay_small() -> None:
    nothing = {
        name: ItemFeatures(modality.x, torch.zeros(6, dtype=torch.bool))
        for name, modality in make_features("image", "text").items()
    }
    model = MMGCN(5, 6, {"image": 7, "text": 3}, embedding_dim=4, hidden_dim=HIDDEN)
    torch.stack(list(model.loss(GRAPH, nothing, BATCH).values())).sum().backward()  # type: ignore[no-untyped-call]
    gradients = [parameter.grad for parameter in model.parameters()]
    assert all(gradient is None or float(gradient.abs().max()) < 10 for gradient in gradients)
    assert torch.unique(model(GRAPH, nothing).item, dim=0).shape[0] == 6


def test_bad_arguments() -> None:
    with pytest.raises(ArgumentError, match="'feature_dims' must name at least one modality"):
        MMGCN(5, 6, {})
    with pytest.raises(ArgumentError, match="'combination' must be one of concat, element-wise"):
        MMGCN(5, 6, {"image": 3}, combination="sum")  # type: ignore[arg-type]
    with pytest.raises(ArgumentError, match=r"'num_layers' must be an integer in \[1, 1000\]"):
        MMGCN(5, 6, {"image": 3}, num_layers=0)
