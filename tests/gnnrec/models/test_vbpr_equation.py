"""VBPR with each fusion against dense numpy forms of the equations: five users, six items, two modalities."""

from collections.abc import Mapping

import numpy as np
import pytest
import torch

from gnnrec.data import ItemFeatures
from gnnrec.errors import ArgumentError, UnknownNameError
from gnnrec.models import VBPR, Batch
from gnnrec.nn import Fusion, list_fusions
from gnnrec.nn.fusion import AttentionFusion, ConcatFusion, GraphFusion, MeanFusion
from graphs import BipartiteGraph, ItemGraph

GRAPH = BipartiteGraph(torch.tensor([[0, 0, 1, 2, 2, 3, 4], [0, 1, 1, 2, 3, 4, 0]]), 5, 6)  # item 5 is cold
BATCH = Batch(torch.tensor([0, 2, 4]), torch.tensor([0, 3, 0]), torch.tensor([5, 1, 3]))
DIMS = {"image": 3, "text": 5}
CONTENT, NEIGHBORS, WEIGHT = 2, 2, 0.3
every_fusion = pytest.mark.parametrize("fusion", list_fusions())


def features(*, missing: bool = True) -> dict[str, ItemFeatures]:
    """Items 2 and 4 have no text, item 3 no picture; with positive cosines, so that each has neighbours."""
    generator = torch.Generator().manual_seed(0)
    masks = {"image": torch.tensor([1, 1, 1, 0, 1, 1]).bool(), "text": torch.tensor([1, 1, 0, 1, 0, 1]).bool()}
    return {
        name: ItemFeatures(torch.rand(6, dim, generator=generator) * 9, masks[name] | torch.tensor(not missing))
        for name, dim in DIMS.items()
    }


def vbpr(fusion: str | Fusion = "concat", **arguments: float) -> VBPR:
    torch.manual_seed(0)
    sizes = {"embedding_dim": 4, "content_dim": CONTENT, "num_neighbors": NEIGHBORS}
    model = VBPR(5, 6, DIMS, fusion=fusion, regularization=WEIGHT, init_std=1.0, **sizes | arguments)  # type: ignore[arg-type]
    for parameter in model.parameters():
        torch.nn.init.normal_(parameter)
    return model


def array(x: torch.Tensor) -> np.ndarray:
    return np.asarray(x.detach().double().numpy())


def softmax(scores: np.ndarray, mask: np.ndarray) -> np.ndarray:
    weights = np.exp(scores) * mask
    return np.asarray(weights / weights.sum(1, keepdims=True))


def units(given: Mapping[str, ItemFeatures]) -> dict[str, np.ndarray]:
    """Features at length 1; the mean of the others' where an item has none."""
    result = {}
    for name, modality in given.items():
        unit = array(modality.x) / np.maximum(np.linalg.norm(array(modality.x), axis=1, keepdims=True), 1e-12)
        mask = modality.mask.numpy()
        unit[~mask] = unit[mask].mean(0)
        result[name] = unit
    return result


def neighbour_matrix(unit: np.ndarray, mask: np.ndarray) -> np.ndarray:
    """Cosines to the nearest others among the items that have the content, normalised by row sums on both sides."""
    cosine = unit @ unit.T
    matrix = np.zeros((6, 6))
    for item in np.flatnonzero(mask):
        others = [other for other in np.flatnonzero(mask) if other != item]
        nearest = sorted(others, key=lambda other: -cosine[item, other])[:NEIGHBORS]
        matrix[item, nearest] = cosine[item, nearest]
    total = matrix.sum(1)
    root = np.divide(1, np.sqrt(total), out=np.zeros(6), where=total > 0)
    return np.asarray(root[:, None] * matrix * root[None, :])


def dense_content(model: VBPR, given: Mapping[str, ItemFeatures]) -> np.ndarray:
    """Content factors and content bias of all items. Shape: (6, CONTENT + 1)."""
    unit, mask = units(given), np.stack([modality.mask.numpy() for modality in given.values()], axis=1)
    weights = [array(weight) for weight in model.projection.weights]
    if model.content_fusion is None:
        return np.asarray(np.hstack(list(unit.values())) @ np.hstack(weights).T)
    h = np.stack([x @ weight.T for x, weight in zip(unit.values(), weights, strict=True)], axis=1)
    if isinstance(model.content_fusion, AttentionFusion):
        assert model.content_fusion.linear is not None and model.content_fusion.query is not None
        hidden = np.tanh(h @ array(model.content_fusion.linear.weight).T + array(model.content_fusion.linear.bias))
        share = softmax(hidden @ array(model.content_fusion.query)[0], mask)
    elif isinstance(model.content_fusion, GraphFusion):
        assert model.content_fusion.weight is not None
        share = softmax(np.tile(array(model.content_fusion.weight), (6, 1)), mask)
    else:
        assert isinstance(model.content_fusion, MeanFusion)
        share = mask / mask.sum(1, keepdims=True)
    content = (h * share[:, :, None]).sum(1)
    if isinstance(model.content_fusion, GraphFusion):
        alpha = softmax(array(model.content_fusion.weight)[None], np.ones((1, 2)))[0]
        matrices = [neighbour_matrix(x, mask[:, column]) for column, x in enumerate(unit.values())]
        content = content + sum(a * matrix for a, matrix in zip(alpha, matrices, strict=True)) @ content
    return np.asarray(content)


def dense_loss(gamma_theta: np.ndarray, item: np.ndarray) -> float:
    user = np.hstack([gamma_theta, np.ones((5, 1))])
    u, i, j = (column.numpy() for column in BATCH)
    difference = (user[u] * (item[i] - item[j])).sum(1)
    penalised = sum((rows**2).sum() for rows in (gamma_theta[u], item[i], item[j]))
    return float(np.log1p(np.exp(-difference)).mean() + WEIGHT * penalised / (2 * len(u)))


def total(model: VBPR, given: Mapping[str, ItemFeatures]) -> torch.Tensor:
    return torch.stack(list(model.loss(GRAPH, given, BATCH).values())).sum()


@pytest.mark.parametrize("fusion", ["concat", "mean", "attention", "graph"])
@pytest.mark.parametrize("missing", [True, False])
def test_forward_and_loss_equal_the_equation(fusion: str, missing: bool) -> None:
    model, given = vbpr(fusion), features(missing=missing)
    content = dense_content(model, given)
    gamma_theta, gamma_item, beta = map(array, (model.user_embedding, model.item_embedding, model.item_bias))
    score = gamma_theta[:, :4] @ gamma_item.T + gamma_theta[:, 4:] @ content[:, :CONTENT].T
    score += beta.T + content[:, CONTENT:].T
    user, item = model(GRAPH, given)
    np.testing.assert_allclose(array(user @ item.T), score, atol=1e-5)
    whole = np.hstack([gamma_item, content[:, :CONTENT], beta + content[:, CONTENT:]])
    assert total(model, given).item() == pytest.approx(dense_loss(gamma_theta, whole), abs=1e-5)


@pytest.mark.parametrize("fusion", [*list_fusions(), ConcatFusion(dict.fromkeys(DIMS, CONTENT + 1), CONTENT + 1)])
def test_a_step_sees_the_vectors_of_the_evaluation(fusion: str | Fusion) -> None:
    model, given = vbpr(fusion), features()
    expected = dense_loss(array(model.user_embedding), array(model(GRAPH, given).item))
    assert total(model, given).item() == pytest.approx(expected, rel=1e-5)


@every_fusion
@pytest.mark.parametrize("missing", [True, False])
def test_gradients_reach_every_parameter(fusion: str, missing: bool) -> None:
    model = vbpr(fusion)
    total(model, features(missing=missing)).backward()
    for name, parameter in model.named_parameters():
        assert parameter.grad is not None and bool(parameter.grad.abs().sum() > 1e-6), name


@every_fusion
def test_item_parts_add_up(fusion: str) -> None:
    model, given = vbpr(fusion), features()
    parts = model.item_parts(GRAPH, given)
    assert parts is not None and set(parts) == {"interactions", "image", "text"}
    torch.testing.assert_close(torch.stack(list(parts.values())).sum(0), model(GRAPH, given).item)
    own = torch.cat([model.item_embedding, torch.zeros(6, CONTENT), model.item_bias], dim=1)
    assert torch.equal(parts["interactions"], own)
    assert fusion in ("concat", "graph") or not parts["text"][2].any(), "item 2 has no text"


class MaximumFusion(Fusion):
    """A fusion of one's own that is no sum."""

    def forward(
        self,
        vectors: Mapping[str, torch.Tensor],
        masks: Mapping[str, torch.Tensor] | None = None,
        graphs: Mapping[str, ItemGraph] | None = None,
    ) -> torch.Tensor:
        return torch.stack([vectors[name] for name in self.in_dims]).amax(0)

    def usage(
        self,
        vectors: Mapping[str, torch.Tensor],
        masks: Mapping[str, torch.Tensor] | None = None,
        graphs: Mapping[str, ItemGraph] | None = None,
    ) -> torch.Tensor:
        raise NotImplementedError

    def reset_parameters(self) -> None:
        pass


def test_a_module_of_ones_own() -> None:
    model, given = vbpr(MaximumFusion(dict.fromkeys(DIMS, CONTENT + 1), CONTENT + 1)), features(missing=False)
    content = np.max(
        [x @ array(weight).T for x, weight in zip(units(given).values(), model.projection.weights, strict=True)], axis=0
    )
    np.testing.assert_allclose(array(model(GRAPH, given).item)[:, 4:6], content[:, :CONTENT], atol=1e-5)
    assert model.item_parts(GRAPH, given) is None
    assert model.fusion == "MaximumFusion"


@every_fusion
def test_without_any_content_all_items_have_the_same(fusion: str) -> None:
    nothing = {name: ItemFeatures(torch.randn(6, dim), torch.zeros(6, dtype=torch.bool)) for name, dim in DIMS.items()}
    model = vbpr(fusion)
    assert not model(GRAPH, nothing).item[:, 4:6].any()
    assert torch.isfinite(total(model, nothing))


@every_fusion
def test_one_modality_is_enough(fusion: str) -> None:
    torch.manual_seed(0)
    model, given = VBPR(5, 6, {"text": 5}, embedding_dim=4, content_dim=CONTENT, fusion=fusion), features()
    total(model, given).backward()
    for name, parameter in model.named_parameters():
        assert parameter.grad is not None and bool(parameter.grad.any()), name


def test_the_number_of_neighbours_counts_where_the_fusion_convolves() -> None:
    given = features()
    one, three = (vbpr("graph", num_neighbors=number)(GRAPH, given).item for number in (1, 3))
    assert not torch.allclose(one, three)


def test_concatenation_needs_no_module_beside_the_projection() -> None:
    assert [name for name, _ in vbpr().named_parameters()] == [
        "user_embedding",
        "item_embedding",
        "item_bias",
        "projection.weights.0",
        "projection.weights.1",
    ]


def test_bad_arguments() -> None:
    with pytest.raises(UnknownNameError, match="unknown fusion 'grap'; did you mean 'graph'"):
        VBPR(5, 6, DIMS, fusion="grap")
    with pytest.raises(ArgumentError, match=r"must be made with in_dims=\{'image': 65, 'text': 65\} and out_dim=65"):
        VBPR(5, 6, DIMS, fusion=MeanFusion({"image": 64, "text": 64}, 64))
    with pytest.raises(ArgumentError, match=r"'num_neighbors' must be a positive integer \(got 0\)"):
        VBPR(5, 6, DIMS, num_neighbors=0)
    with pytest.raises(ArgumentError, match="'feature_dims' must name at least one modality: vbpr"):
        VBPR(5, 6, {})
    with pytest.raises(ArgumentError, match=r"'feature_dims\[text\]' must be a positive integer \(got 0\)"):
        VBPR(5, 6, {"text": 0})
