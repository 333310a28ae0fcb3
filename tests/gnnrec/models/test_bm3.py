"""BM3 against a dense numpy form of the paper's equations, on five users and six items."""

from collections.abc import Mapping

import numpy as np
import pytest
import torch
import torch.nn.functional as F

from gnnrec.data import ItemFeatures
from gnnrec.errors import ArgumentError
from gnnrec.models.base import Batch
from gnnrec.models.bm3 import BM3
from graphs import BipartiteGraph

EDGES = torch.tensor([[0, 0, 1, 2, 2, 3, 4], [0, 1, 1, 2, 3, 4, 0]])  # item 5 is cold
GRAPH = BipartiteGraph(EDGES, 5, 6)
BATCH = Batch(torch.tensor([0, 2, 4, 2, 1]), torch.tensor([0, 3, 0, 2, 1]), torch.tensor([5, 1, 3, 1, 4]))
USERS, ITEMS = np.unique(BATCH.users.numpy()), np.unique(BATCH.positives.numpy())
DIMS = {"image": 7, "text": 3, "audio": 2}
WEIGHTS = {"cl_weight": 1.5, "regularization": 0.3}


def make_features(*names: str) -> dict[str, ItemFeatures]:
    """Image complete, text missing for item 2, sound for items 0 and 4."""
    generator = torch.Generator().manual_seed(0)
    lacks = {"image": [], "text": [2], "audio": [0, 4]}
    features = {}
    for name, dim in DIMS.items():
        mask = torch.ones(6, dtype=torch.bool)
        mask[lacks[name]] = False
        features[name] = ItemFeatures(torch.randn(6, dim, generator=generator) * 3, mask)
    return {name: features[name] for name in names}


def make_model(features: Mapping[str, ItemFeatures], **arguments: object) -> BM3:
    torch.manual_seed(1)
    model = BM3(5, 6, {name: DIMS[name] for name in features}, embedding_dim=4, **(WEIGHTS | arguments))  # type: ignore[arg-type]
    with torch.no_grad():
        for parameter in model.parameters():  # biases start at zero and would hide
            parameter.add_(0.3 * torch.randn(parameter.shape))
    return model


def state_of(model: BM3) -> dict[str, np.ndarray]:
    return {name: value.double().numpy() for name, value in model.state_dict().items()}


def dense_vectors(state: Mapping[str, np.ndarray], num_layers: int) -> tuple[np.ndarray, np.ndarray]:
    """LightGCN's layer mean, with each item's own embedding added."""
    adjacency = np.zeros((11, 11))
    for user, item in EDGES.T.tolist():
        adjacency[user, 5 + item] = adjacency[5 + item, user] = 1
    degree = adjacency.sum(1)
    scale = np.divide(1, np.sqrt(degree), out=np.zeros_like(degree), where=degree > 0)
    layers = [state["embedding"]]
    for _ in range(num_layers):
        layers.append((scale[:, None] * adjacency * scale[None, :]) @ layers[-1])
    final = np.mean(layers, axis=0)
    return final[:5], final[5:] + state["embedding"][5:]


def dense_content(state: Mapping[str, np.ndarray], features: Mapping[str, ItemFeatures]) -> dict[str, np.ndarray]:
    projected = {}
    for index, (name, modality) in enumerate(features.items()):
        x, mask = modality.x.double().numpy().copy(), modality.mask.numpy()
        x[mask] /= np.linalg.norm(x[mask], axis=1, keepdims=True)
        x[~mask] = x[mask].mean(0)
        projected[name] = x @ state[f"projection.weights.{index}"].T + state[f"projection.biases.{index}"]
    return projected


def predict(state: Mapping[str, np.ndarray], x: np.ndarray) -> np.ndarray:
    return x @ state["predictor.weight"].T + state["predictor.bias"]


def distance(x: np.ndarray, y: np.ndarray) -> np.ndarray:
    lengths = np.linalg.norm(x, axis=1) * np.linalg.norm(y, axis=1)
    return 1 - np.divide((x * y).sum(1), lengths, out=np.zeros(len(x)), where=lengths > 0)


def dense_loss(
    state: Mapping[str, np.ndarray],
    contents: list[tuple[np.ndarray, np.ndarray]],
    num_layers: int = 1,
    symmetric: bool = False,
    drops: list[np.ndarray] | None = None,
) -> dict[str, float]:
    """The terms, pair by pair; ``drops`` are what users, items and each content are multiplied with as targets."""
    user, item = dense_vectors(state, num_layers)
    drops = drops or [np.ones(1)] * (2 + len(contents))
    user_target, item_target = user * drops[0], item * drops[1]
    u, i = BATCH.users.numpy(), BATCH.positives.numpy()
    bootstrap = distance(predict(state, user)[u], item_target[i]) + distance(predict(state, item)[i], user_target[u])
    alignment = itself = 0.0
    for (content, mask), drop in zip(contents, drops[2:], strict=True):
        rows = [place for place in i if mask[place]]
        if rows:
            predicted, target = predict(state, content)[rows], (content * drop)[rows]
            alignment += distance(predicted, item_target[rows]).mean()
            itself += distance(predicted, target).mean()
            if symmetric:
                alignment += distance(predict(state, item)[rows], target).mean()
    return {
        "bootstrap": bootstrap.mean(),
        "alignment": 1.5 * alignment,
        "content": 1.5 * itself,
        "regularization": 0.3 * 0.5 * ((user[u] ** 2).sum() + (item[i] ** 2).sum()) / len(u),
    }


def check(terms: Mapping[str, torch.Tensor], expected: Mapping[str, float]) -> None:
    assert set(terms) == set(expected)
    for name, value in expected.items():
        assert terms[name].item() == pytest.approx(value, abs=1e-5), name


@pytest.mark.parametrize("num_layers", [0, 1, 2])
@pytest.mark.parametrize("symmetric", [False, True])
@pytest.mark.parametrize("names", [("image", "text"), ("text", "audio", "image")])
def test_equals_the_dense_equations(num_layers: int, symmetric: bool, names: tuple[str, ...]) -> None:
    features = make_features(*names)
    model = make_model(features, num_layers=num_layers, dropout=0.0, symmetric_alignment=symmetric)
    state = state_of(model)
    user, item = model.eval()(GRAPH, features)
    for found, vectors in zip((user, item), dense_vectors(state, num_layers), strict=True):
        np.testing.assert_allclose(found.detach().numpy(), predict(state, vectors), atol=1e-5)
    contents = [(rows, features[name].mask.numpy()) for name, rows in dense_content(state, features).items()]
    terms = model.train().loss(GRAPH, features, BATCH)
    check(terms, dense_loss(state, contents, num_layers, symmetric))


def test_targets_have_dropout_in_training_only() -> None:
    features = make_features("image", "text")
    model = make_model(features, dropout=0.5, symmetric_alignment=True)
    state = state_of(model)
    contents = [(rows, features[name].mask.numpy()) for name, rows in dense_content(state, features).items()]
    torch.manual_seed(3)
    drops = []
    for size, rows in ((5, USERS), (6, ITEMS), (6, ITEMS), (6, ITEMS)):
        whole = np.ones((size, 4))
        whole[rows] = F.dropout(torch.ones(len(rows), 4), 0.5).numpy()
        drops.append(whole)
    torch.manual_seed(3)
    check(model.train().loss(GRAPH, features, BATCH), dense_loss(state, contents, symmetric=True, drops=drops))
    check(model.eval().loss(GRAPH, features, BATCH), dense_loss(state, contents, symmetric=True))


def test_targets_get_no_gradient() -> None:
    """Finite differences of the loss with targets held fixed."""
    features = make_features("image", "text")
    model = make_model(features, dropout=0.0)
    terms = model.loss(GRAPH, features, BATCH)
    terms["alignment"].backward(retain_graph=True)  # type: ignore[no-untyped-call]
    assert model.embedding.grad is None, "content teaches no embedding in the paper's loss"
    terms["bootstrap"].backward()  # type: ignore[no-untyped-call]
    assert model.embedding.grad is not None
    state, step = state_of(model), 1e-6
    user_target, item_target = dense_vectors(state, 1)
    u, i = BATCH.users.numpy(), BATCH.positives.numpy()
    for place in np.ndindex(11, 4):
        values = []
        for sign in (1, -1):
            moved = {**state, "embedding": state["embedding"].copy()}
            moved["embedding"][place] += sign * step
            user, item = (predict(moved, rows) for rows in dense_vectors(moved, 1))
            values.append((distance(user[u], item_target[i]) + distance(item[i], user_target[u])).mean())
        assert float(model.embedding.grad[place]) == pytest.approx((values[0] - values[1]) / (2 * step), abs=1e-5)


def test_content_teaches_embeddings_where_alignment_is_symmetric() -> None:
    features = make_features("image", "text")
    model = make_model(features, symmetric_alignment=True)
    model.loss(GRAPH, features, BATCH)["alignment"].backward()  # type: ignore[no-untyped-call]
    assert model.embedding.grad is not None and bool(model.embedding.grad[5:].any())


@pytest.mark.parametrize("fusion", ["mean", "concat", "attention", "self-attention", "cross-attention", "graph"])
def test_fused_content_takes_the_place_of_the_modalities(fusion: str) -> None:
    features = make_features("text", "audio")
    model = make_model(features, fusion=fusion, dropout=0.0, num_neighbors=2)
    state = state_of(model)
    assert model.content_fusion is not None
    vectors = {name: torch.from_numpy(rows).float() for name, rows in dense_content(state, features).items()}
    masks = {name: modality.mask for name, modality in features.items()}
    graphs = {name: modality.item_graph(2, norm="symmetric") for name, modality in features.items()}
    fused = model.content_fusion(vectors, masks, graphs if fusion == "graph" else None).detach().double().numpy()
    terms = model.loss(GRAPH, features, BATCH)
    check(terms, dense_loss(state, [(fused, (masks["text"] | masks["audio"]).numpy())]))
    torch.stack(list(terms.values())).sum().backward()  # type: ignore[no-untyped-call]
    for name, parameter in model.named_parameters():
        assert parameter.grad is not None and bool(parameter.grad.any()), f"no gradient reaches {name}"


def test_gradients_reach_every_parameter() -> None:
    features = make_features("image", "text", "audio")
    model = make_model(features)
    torch.stack(list(model.loss(GRAPH, features, BATCH).values())).sum().backward()  # type: ignore[no-untyped-call]
    for name, parameter in model.named_parameters():
        assert parameter.grad is not None and bool(parameter.grad.any()), f"no gradient reaches {name}"


def test_a_modality_that_the_step_lacks_adds_nothing() -> None:
    image, text = make_features("image", "text").values()
    seldom = torch.zeros(6, dtype=torch.bool)
    seldom[5] = True  # not in the batch
    features = {"image": image, "text": ItemFeatures(text.x, seldom)}
    model = BM3(5, 6, {"image": 7, "text": 3}, embedding_dim=4, dropout=0.0)
    terms = model.loss(GRAPH, features, BATCH)
    torch.stack(list(terms.values())).sum().backward()  # type: ignore[no-untyped-call]
    for name, parameter in model.named_parameters():
        assert parameter.grad is not None and bool(torch.isfinite(parameter.grad).all()), name
    assert not bool(model.projection.weights[1].grad.any())
    nothing = {name: ItemFeatures(m.x, torch.zeros(6, dtype=torch.bool)) for name, m in features.items()}
    terms = model.loss(GRAPH, nothing, BATCH)
    assert (terms["alignment"].item(), terms["content"].item()) == (0.0, 0.0)


def test_only_the_items_of_the_step_are_projected() -> None:
    features = make_features("image", "text")
    model, rows = make_model(features), []
    model.projection.register_forward_hook(lambda _, __, out: rows.extend(part.shape[0] for part in out.values()))
    model.loss(GRAPH, features, BATCH)
    assert rows == [len(ITEMS)] * 2


def test_scores_do_not_split() -> None:
    features = make_features("image", "text")
    assert make_model(features).item_parts(GRAPH, features) is None


def test_bad_arguments() -> None:
    with pytest.raises(ArgumentError, match="'feature_dims' must name at least one modality"):
        BM3(5, 6, {})
    with pytest.raises(ArgumentError, match=r"'dropout' must lie in \[0, 1\) \(got 1.0\)"):
        BM3(5, 6, {"image": 3}, dropout=1.0)
