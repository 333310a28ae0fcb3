"""A small case and the checks that the tests of all models without training epochs share."""

from collections.abc import Mapping
from pathlib import Path

import numpy as np
import torch
from safetensors.torch import load_file, save_file

from gnnrec.data import ItemFeatures
from gnnrec.models import HistoryScorer, ItemBasedScorer
from graphs import BipartiteGraph

# 5 users, 6 items; user 4 took nothing, nobody took item 5.
TAKEN = np.array(
    [
        [1, 1, 0, 1, 0, 0],
        [1, 0, 1, 0, 0, 0],
        [0, 1, 1, 1, 1, 0],
        [1, 1, 1, 0, 0, 0],
        [0, 0, 0, 0, 0, 0],
    ],
    dtype=np.float64,
)


def graph_of(taken: np.ndarray) -> BipartiteGraph:
    edges = np.stack(np.nonzero(taken)).astype(np.int64)
    return BipartiteGraph(torch.from_numpy(edges), taken.shape[0], taken.shape[1])


def histories_of(rows: list[list[int]]) -> tuple[torch.Tensor, torch.Tensor]:
    pointer = torch.tensor([0, *np.cumsum([len(row) for row in rows])])
    return pointer, torch.tensor([item for row in rows for item in row], dtype=torch.int64)


def inverse_power(degree: np.ndarray, exponent: float) -> np.ndarray:
    """``degree ** -exponent`` with 0 for 0."""
    return np.where(degree > 0, np.maximum(degree, 1.0) ** -exponent, 0.0)


def uneven_taken(num_users: int, num_items: int, seed: int = 0) -> np.ndarray:
    """Users and items of very different degree, so that similarities hardly tie."""
    rng = np.random.default_rng(seed)
    chance = rng.uniform(0.05, 0.7, (num_users, 1)) * rng.uniform(0.3, 1.0, (1, num_items))
    return (rng.random((num_users, num_items)) < chance).astype(np.float64)


def random_taken(num_users: int, num_items: int, density: float, seed: int = 0) -> np.ndarray:
    return (np.random.default_rng(seed).random((num_users, num_items)) < density).astype(np.float64)


def check_scorer(
    model: HistoryScorer,
    fresh: HistoryScorer,
    expected: np.ndarray,
    folder: Path,
    features: Mapping[str, ItemFeatures] | None = None,
) -> None:
    """Fit on ``TAKEN`` and compare with ``expected``: a block, single users, empty histories, state."""
    graph = graph_of(TAKEN)
    users = torch.arange(5)
    scores = model.fit(graph, features).score(users)
    assert scores.dtype == torch.float32
    assert scores.is_contiguous()
    np.testing.assert_allclose(scores.numpy(), expected, atol=1e-5)
    assert torch.count_nonzero(scores[4]) == 0, "an empty history must give zero scores"

    order = torch.tensor([3, 0, 4, 3])
    torch.testing.assert_close(model.score(order), scores[order], atol=1e-6, rtol=0)
    for user in range(5):
        torch.testing.assert_close(model.score(torch.tensor([user]))[0], scores[user], atol=1e-6, rtol=0)
    assert model.score(users[:0]).shape == (0, 6)
    empty = model.score_histories(histories_of([[], []]))
    assert empty.shape == (2, 6)
    assert torch.count_nonzero(empty) == 0
    first, second = model.score(users), model.score(users)
    assert first.data_ptr() != second.data_ptr()

    assert all(buffer.is_contiguous() for buffer in model.buffers())
    path = folder / "model.safetensors"
    save_file(model.state_dict(), path)
    fresh.load_state_dict(load_file(path))
    torch.testing.assert_close(fresh.attach(graph).score(users), scores, atol=0, rtol=0)


def check_item_similarity(model: ItemBasedScorer) -> None:
    """Rows of the similarity are the scores of users who took one item."""
    items = torch.tensor([2, 0, 2])
    rows = model.item_similarity(items)
    assert rows.shape == (3, 6)
    torch.testing.assert_close(rows, model.score_histories(histories_of([[2], [0], [2]])), atol=1e-6, rtol=0)
    assert torch.count_nonzero(rows[0]) > 0
