"""BPR-MF, LightGCN and VBPR against dense numpy forms of their papers' equations, on five users and six items."""

import numpy as np
import pytest
import torch

from gnnrec.data import ItemFeatures
from gnnrec.errors import ArgumentError
from gnnrec.models import BPRMF, VBPR, Batch, LightGCN
from graphs import BipartiteGraph

EDGES = torch.tensor([[0, 0, 1, 2, 2, 3, 4], [0, 1, 1, 2, 3, 4, 0]])  # item 5 is cold
GRAPH = BipartiteGraph(EDGES, 5, 6)
BATCH = Batch(torch.tensor([0, 2, 4]), torch.tensor([0, 3, 0]), torch.tensor([5, 1, 3]))


def softplus(x: np.ndarray) -> np.ndarray:
    return np.log1p(np.exp(x))


def expected_loss(
    user: np.ndarray, item: np.ndarray, penalised_user: np.ndarray, penalised_item: np.ndarray, weight: float
) -> float:
    u, i, j = (column.numpy() for column in BATCH)
    positive, negative = (user[u] * item[i]).sum(1), (user[u] * item[j]).sum(1)
    rows = (penalised_user[u], penalised_item[i], penalised_item[j])
    return float(softplus(negative - positive).mean() + weight * sum((row**2).sum() for row in rows) / (2 * len(u)))


def total(terms: dict[str, torch.Tensor]) -> float:
    return float(torch.stack(list(terms.values())).sum().detach())


def dense_lightgcn(table: np.ndarray, num_layers: int) -> np.ndarray:
    adjacency = np.zeros((11, 11))
    for user, item in EDGES.T.tolist():
        adjacency[user, 5 + item] = adjacency[5 + item, user] = 1
    degree = adjacency.sum(1)
    scale = np.divide(1, np.sqrt(degree), out=np.zeros_like(degree), where=degree > 0)
    normalised = scale[:, None] * adjacency * scale[None, :]
    layers = [table]
    for _ in range(num_layers):
        layers.append(normalised @ layers[-1])
    return np.asarray(np.mean(layers, axis=0))


@pytest.mark.parametrize("num_layers", [0, 1, 3])
def test_lightgcn_equals_the_dense_equation(num_layers: int) -> None:
    model = LightGCN(5, 6, embedding_dim=4, num_layers=num_layers, regularization=0.3, init_std=1.0)
    table = model.embedding.detach().double().numpy()
    final = dense_lightgcn(table, num_layers)
    user, item = model(GRAPH, {})
    np.testing.assert_allclose(torch.cat([user, item]).detach().numpy(), final, atol=1e-5)
    expected = expected_loss(final[:5], final[5:], table[:5], table[5:], 0.3)
    assert total(model.loss(GRAPH, {}, BATCH)) == pytest.approx(expected, abs=1e-5)


def test_lightgcn_gradient_equals_finite_differences() -> None:
    model = LightGCN(5, 6, embedding_dim=2, num_layers=2, regularization=0.3, init_std=1.0)
    torch.stack(list(model.loss(GRAPH, {}, BATCH).values())).sum().backward()
    table, step = model.embedding.detach().double().numpy(), 1e-6
    assert model.embedding.grad is not None
    for place in np.ndindex(*table.shape):
        values = []
        for sign in (1, -1):
            moved = table.copy()
            moved[place] += sign * step
            final = dense_lightgcn(moved, 2)
            values.append(expected_loss(final[:5], final[5:], moved[:5], moved[5:], 0.3))
        assert float(model.embedding.grad[place]) == pytest.approx((values[0] - values[1]) / (2 * step), abs=1e-5)


def test_bpr_mf_equals_the_equation() -> None:
    model = BPRMF(5, 6, embedding_dim=4, regularization=0.2, init_std=1.0)
    user, item = (table.detach().double().numpy() for table in (model.user_embedding, model.item_embedding))
    assert total(model.loss(GRAPH, {}, BATCH)) == pytest.approx(expected_loss(user, item, user, item, 0.2), abs=1e-5)


def vbpr_features() -> dict[str, ItemFeatures]:
    generator = torch.Generator().manual_seed(0)
    image = ItemFeatures(torch.randn(6, 3, generator=generator) * 50, torch.ones(6, dtype=torch.bool))
    mask = torch.tensor([True, True, False, True, False, True])
    text = ItemFeatures(torch.randn(6, 5, generator=generator), mask)
    return {"image": image, "text": text}


def test_vbpr_equals_the_equation_with_missing_content() -> None:
    features = vbpr_features()
    model = VBPR(5, 6, {"image": 3, "text": 5}, embedding_dim=4, content_dim=2, regularization=0.2, init_std=1.0)
    torch.nn.init.normal_(model.item_bias)
    gamma_user, theta = np.split(model.user_embedding.detach().double().numpy(), [4], axis=1)
    gamma_item, beta = (table.detach().double().numpy() for table in (model.item_embedding, model.item_bias))
    projected = np.zeros((6, 3))
    for weight, modality in zip(model.projection.weights, features.values(), strict=True):
        unit = modality.x.double().numpy()
        unit /= np.maximum(np.linalg.norm(unit, axis=1, keepdims=True), 1e-12)
        unit[~modality.mask.numpy()] = unit[modality.mask.numpy()].mean(0)
        projected += unit @ weight.detach().double().numpy().T
    score = gamma_user @ gamma_item.T + theta @ projected[:, :2].T + beta.T + projected[:, 2]
    user, item = model(GRAPH, features)
    np.testing.assert_allclose((user @ item.T).detach().numpy(), score, atol=1e-5)
    whole = np.hstack([gamma_item, projected[:, :2], beta + projected[:, 2:]])
    users = np.hstack([gamma_user, theta, np.ones((5, 1))])
    penalised = np.hstack([gamma_user, theta])
    expected = expected_loss(users, whole, penalised, whole, 0.2)
    assert total(model.loss(GRAPH, features, BATCH)) == pytest.approx(expected, abs=1e-5)


def test_vbpr_without_any_content_is_the_same_for_all_items() -> None:
    nothing = {"image": ItemFeatures(torch.randn(6, 3), torch.zeros(6, dtype=torch.bool))}
    model = VBPR(5, 6, {"image": 3}, embedding_dim=4, content_dim=2)
    item = model(GRAPH, nothing).item
    assert not bool(item[:, 4:6].any())


def test_vbpr_needs_content() -> None:
    with pytest.raises(ArgumentError, match="'feature_dims' must name at least one modality"):
        VBPR(5, 6, {})


@pytest.mark.parametrize(
    ("model", "text"),
    [
        (LightGCN(5, 6, num_layers=2), "LightGCN(num_users=5, num_items=6, embedding_dim=64, num_layers=2)"),
        (BPRMF(5, 6, embedding_dim=8), "BPRMF(num_users=5, num_items=6, embedding_dim=8)"),
    ],
)
def test_repr(model: torch.nn.Module, text: str) -> None:
    assert repr(model) == text
