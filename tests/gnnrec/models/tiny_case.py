"""Five users and six items, and the pieces of the papers' equations in dense float64 numpy.

Nothing here calls ``graphs`` or ``gnnrec.nn``: what the tests expect is worked out from the parameters alone.
"""

from collections.abc import Callable, Iterable, Mapping

import numpy as np
import torch
from numpy.typing import ArrayLike

from gnnrec.data import ItemFeatures
from gnnrec.models import Batch, Recommender
from gnnrec.nn.fusion import Fusion, GraphFusion, MeanFusion
from graphs import BipartiteGraph, ItemGraph

NUM_USERS, NUM_ITEMS = 5, 6
# User 4 took nothing, nobody took item 5.
EDGES = [(0, 0), (0, 1), (0, 2), (1, 1), (1, 3), (1, 4), (2, 2), (2, 4), (3, 0), (3, 4)]
GRAPH = BipartiteGraph(torch.tensor(EDGES).T, NUM_USERS, NUM_ITEMS)
# Users 0 and 2 come twice, and so does the positive 2.
BATCH = Batch(torch.tensor([0, 2, 3, 0, 2]), torch.tensor([1, 2, 0, 2, 4]), torch.tensor([5, 1, 3, 3, 0]))

IMAGE, TEXT, BOTH, ALL = ("image",), ("text",), ("image", "text"), ("audio", "text", "image")
NAMES = [IMAGE, TEXT, BOTH, ALL]
DIMS = {"image": 3, "text": 5, "audio": 2}
LACKS_TEXT = 2
FUSIONS = ["concat", "mean", "attention", "self-attention", "cross-attention", "graph"]
ROW_WISE = ["mean", "attention", "self-attention", "cross-attention"]

Values = dict[str, np.ndarray]


def features_of(names: Iterable[str], seed: int = 0) -> dict[str, ItemFeatures]:
    """Random features; item ``LACKS_TEXT`` has no text, and the image features are long."""
    found = {}
    for name in names:
        generator = torch.Generator().manual_seed(seed + sorted(DIMS).index(name))
        x = torch.randn(NUM_ITEMS, DIMS[name], generator=generator) * (50 if name == "image" else 1)
        mask = torch.ones(NUM_ITEMS, dtype=torch.bool)
        mask[LACKS_TEXT] = name != "text"
        found[name] = ItemFeatures(x, mask)
    return found


def dims_of(names: Iterable[str]) -> dict[str, int]:
    return {name: DIMS[name] for name in names}


def randomize(model: torch.nn.Module, seed: int = 0) -> Values:
    """Draw all parameters anew, those that start at zero too, and give them as :func:`values_of` does."""
    generator = torch.Generator().manual_seed(seed)
    with torch.no_grad():
        for parameter in model.parameters():
            parameter.copy_(torch.randn(parameter.shape, generator=generator) * 0.7)
    return values_of(model)


def values_of(model: torch.nn.Module) -> Values:
    return {name: value.double().numpy().copy() for name, value in model.state_dict().items()}


def dense(values: Values) -> tuple[np.ndarray, np.ndarray]:
    """The user and item tables of layer 0."""
    return values["embedding"][:NUM_USERS], values["embedding"][NUM_USERS:]


def interactions(edges: Iterable[tuple[int, int]] = EDGES) -> np.ndarray:
    matrix = np.zeros((NUM_USERS, NUM_ITEMS))
    for user, item in edges:
        matrix[user, item] = 1
    return matrix


def root_shares(total: np.ndarray) -> np.ndarray:
    """One over the root, and 0 of 0."""
    return np.where(total > 0, 1 / np.sqrt(np.where(total > 0, total, 1)), 0)


def lightgcn(table: np.ndarray, num_layers: int, edges: Iterable[tuple[int, int]] = EDGES) -> np.ndarray:
    """Mean of the layers over the symmetrically normalised graph of users, then items."""
    taken = interactions(edges)
    adjacency = np.block([[np.zeros((NUM_USERS, NUM_USERS)), taken], [taken.T, np.zeros((NUM_ITEMS, NUM_ITEMS))]])
    share = root_shares(adjacency.sum(1))
    adjacency = share[:, None] * adjacency * share[None, :]
    layers = [np.linalg.matrix_power(adjacency, layer) @ table for layer in range(num_layers + 1)]
    return np.asarray(np.mean(layers, axis=0))


def unit(x: np.ndarray) -> np.ndarray:
    """Rows at length 1; zero rows stay."""
    length = np.linalg.norm(x, axis=1, keepdims=True)
    return np.asarray(x / np.where(length > 0, length, 1))


def nearest(x: np.ndarray, k: int, mask: ArrayLike) -> tuple[np.ndarray, np.ndarray]:
    """Cosines of each item with the k nearest others that have content, and which those are. Shapes: (n, n)."""
    mask = np.asarray(mask)
    similarity = unit(x) @ unit(x).T
    allowed = np.outer(mask, mask) & ~np.eye(len(x), dtype=bool)
    kept = np.zeros_like(allowed)
    for item, row in enumerate(np.where(allowed, similarity, -np.inf)):
        best = np.argsort(-row)[: min(k, allowed[item].sum())]
        kept[item, best] = True
    return np.where(kept, similarity, 0.0), kept


def symmetric(weights: np.ndarray) -> np.ndarray:
    """Row sums on both sides, negative weights counted as 0."""
    weights = np.maximum(weights, 0)
    share = root_shares(weights.sum(1))
    return np.asarray(share[:, None] * weights * share[None, :])


def content(features: ItemFeatures) -> tuple[np.ndarray, np.ndarray]:
    """Features as given, and which items have them."""
    return features.x.double().numpy(), features.mask.numpy()


def projected(values: Values, features: Mapping[str, ItemFeatures]) -> dict[str, np.ndarray]:
    """Unit rows through each modality's linear map; an item without content is the mean of the others' unit rows."""
    found = {}
    for index, (name, modality) in enumerate(features.items()):
        x, mask = content(modality)
        rows = unit(x)
        if mask.any():
            rows[~mask] = rows[mask].mean(0)
        bias = values.get(f"projection.biases.{index}", 0.0)  # freedom's projections have none
        found[name] = rows @ values[f"projection.weights.{index}"].T + bias
    return found


def softmax(x: np.ndarray, axis: int = -1) -> np.ndarray:
    x = np.exp(x - x.max(axis, keepdims=True))
    return np.asarray(x / x.sum(axis, keepdims=True))


def sigmoid(x: np.ndarray) -> np.ndarray:
    return np.asarray(1 / (1 + np.exp(-x)))


def fused(kind: str, values: Values, views: Mapping[str, np.ndarray], masks: Mapping[str, np.ndarray]) -> np.ndarray:
    """``"mean"``, ``"concat"`` or ``"attention"`` of the modalities that each row has."""
    stacked = np.stack(list(views.values()), 1)  # (n, M, d)
    present = np.stack([masks[name] for name in views], 1)
    if kind == "concat":
        filled = stacked.copy()
        for column, has in enumerate(present.T):
            filled[~has, column] = stacked[has, column].mean(0) if has.any() else 0
        return np.asarray(
            filled.reshape(len(filled), -1) @ values["content_fusion.weight"].T + values["content_fusion.bias"]
        )
    scores = np.zeros(present.shape)
    if kind == "attention" and len(views) > 1:
        hidden = np.tanh(stacked @ values["content_fusion.linear.weight"].T + values["content_fusion.linear.bias"])
        scores = hidden @ values["content_fusion.query"][0]
    weights = np.zeros(present.shape)
    for row, has in enumerate(present):
        if has.any():
            weights[row, has] = softmax(scores[row, has])
    return np.asarray((weights[:, :, None] * stacked).sum(1))


def bpr(user: np.ndarray, positive: np.ndarray, negative: np.ndarray) -> float:
    difference = (user * positive).sum(1) - (user * negative).sum(1)
    return float(-np.log(sigmoid(difference)).mean())


def penalty(*rows: np.ndarray) -> float:
    """Half the squared length over the batch size."""
    return float(sum((row**2).sum() for row in rows) / (2 * len(rows[0])))


def triples(user: np.ndarray, item: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """The rows of the batch."""
    users, positives, negatives = (column.numpy() for column in BATCH)
    return user[users], item[positives], item[negatives]


def assert_close(found: torch.Tensor, expected: np.ndarray) -> None:
    np.testing.assert_allclose(found.detach().numpy(), expected, rtol=1e-5, atol=1e-5)


def assert_terms(found: Mapping[str, torch.Tensor], expected: Mapping[str, float]) -> None:
    assert found.keys() == expected.keys()
    for name, term in found.items():
        assert term.shape == ()
        np.testing.assert_allclose(float(term.detach()), expected[name], rtol=1e-5, atol=1e-5, err_msg=name)


def backward(terms: Mapping[str, torch.Tensor]) -> None:
    torch.stack(list(terms.values())).sum().backward()  # type: ignore[no-untyped-call]


def assert_gradients(model: torch.nn.Module, values: Values, loss: Callable[[Values], float]) -> None:
    """The gradient of every parameter equals central differences of the dense loss."""
    step = 1e-6
    for name, parameter in model.named_parameters():
        assert parameter.grad is not None, name
        expected = np.zeros(parameter.shape)
        for place in np.ndindex(*parameter.shape):
            at = []
            for sign in (1, -1):
                moved = values[name].copy()
                moved[place] += sign * step
                at.append(loss(values | {name: moved}))
            expected[place] = (at[0] - at[1]) / (2 * step)
        np.testing.assert_allclose(parameter.grad.numpy(), expected, rtol=1e-4, atol=1e-5, err_msg=name)


def assert_reset_redraws(model: Recommender, constant: Iterable[str] = ()) -> None:
    """All parameters are drawn anew, apart from those that start at ``constant`` zeros, and seeds repeat them."""
    drawn = []
    for seed in (1, 1, 2):
        with torch.no_grad():
            for parameter in model.parameters():
                parameter.fill_(9.0)
        torch.manual_seed(seed)
        model.reset_parameters()
        drawn.append(values_of(model))
    zeros = tuple(constant)
    for name, value in drawn[0].items():
        assert not (value == 9).any(), name
        np.testing.assert_array_equal(value, drawn[1][name], err_msg=name)
        if name.startswith(zeros):
            assert not value.any(), name
        else:
            assert not (value == drawn[2][name]).any(), name
    for table in dense(drawn[0]):  # Xavier uniform of each table by itself
        bound = np.sqrt(6 / sum(table.shape))
        assert 0.8 * bound < np.abs(table).max() <= bound + 1e-6


class RecordingFusion(MeanFusion):
    """The mean, which keeps what a model gave it."""

    def __init__(self, names: Iterable[str], dim: int) -> None:
        super().__init__(dict.fromkeys(names, dim), dim)
        self.calls: list[tuple[dict[str, torch.Tensor], dict[str, torch.Tensor], dict[str, ItemGraph] | None]] = []

    def forward(
        self,
        vectors: Mapping[str, torch.Tensor],
        masks: Mapping[str, torch.Tensor] | None = None,
        graphs: Mapping[str, ItemGraph] | None = None,
    ) -> torch.Tensor:
        self.calls.append((dict(vectors), dict(masks or {}), None if graphs is None else dict(graphs)))
        return super().forward(vectors, masks, graphs)


def assert_parts(model: Recommender, features: Mapping[str, ItemFeatures]) -> dict[str, torch.Tensor]:
    """The parts are named as they must be and add up to the item vectors."""
    parts = model.item_parts(GRAPH, features)
    assert parts is not None
    assert parts.keys() == {"interactions", *features}
    assert not any(part.requires_grad for part in parts.values())
    assert_close(torch.stack(list(parts.values())).sum(0), model.embeddings(GRAPH, features).item.double().numpy())
    return parts


def assert_missing_has_no_part(model: Recommender, names: Iterable[str]) -> None:
    """Other texts move the items that have one, and not the item that has none."""
    names = tuple(names)
    first, second = features_of(names), features_of(names)
    second["text"] = features_of(["text"], seed=50)["text"]
    moved = (model.embeddings(GRAPH, first).item - model.embeddings(GRAPH, second).item).abs().amax(1)
    others = [item for item in range(NUM_ITEMS) if item != LACKS_TEXT]
    assert float(moved[LACKS_TEXT]) < 1e-6 and float(moved[others].min()) > 1e-4


def assert_moderate_step(model: Recommender, features: Mapping[str, ItemFeatures]) -> None:
    """A first step from fresh parameters has finite losses and gradients of ordinary size."""
    torch.manual_seed(0)
    model.reset_parameters()
    model.begin_epoch(GRAPH, features)
    terms = model.loss(GRAPH, features, BATCH)
    assert all(bool(torch.isfinite(term)) for term in terms.values())
    backward(terms)
    for name, parameter in model.named_parameters():
        if parameter.grad is not None:
            assert float(parameter.grad.abs().max()) < 1e3, f"{name}: {float(parameter.grad.abs().max()):.1e}"


def without_content(names: Iterable[str]) -> dict[str, ItemFeatures]:
    """No item has anything in any modality."""
    nothing = torch.zeros(NUM_ITEMS, dtype=torch.bool)
    return {name: ItemFeatures(torch.ones(NUM_ITEMS, DIMS[name]), nothing) for name in names}


def opposites() -> dict[str, ItemFeatures]:
    """Items 0, 1 and 5 are close, 2 and 3 too; item 4 has a negative cosine with every other."""
    angles = torch.tensor([0.0, 0.2, 2.1, 2.2, 4.0, 0.4])
    x = torch.stack([angles.cos(), angles.sin(), torch.zeros(NUM_ITEMS)], 1)
    return {"image": ItemFeatures(x, torch.ones(NUM_ITEMS, dtype=torch.bool))}


def fusion_for(kind: str, names: Iterable[str], dim: int) -> str | Fusion:
    """The name, or for "module" a graph fusion: LATTICE and FREEDOM take the name "graph" for their own way."""
    return GraphFusion(dict.fromkeys(names, dim), dim) if kind == "module" else kind
