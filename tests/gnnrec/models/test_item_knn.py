from pathlib import Path

import numpy as np
import pytest
import torch
from history_scorer_checks import (
    TAKEN,
    check_item_similarity,
    check_scorer,
    graph_of,
    histories_of,
    random_taken,
    uneven_taken,
)

from gnnrec.errors import ArgumentError
from gnnrec.models import ItemKNN


def dense_similarity(taken: np.ndarray, damping: float, asymmetry: float, shrinkage: float) -> np.ndarray:
    """Rows are items taken, columns items to score."""
    num_items = taken.shape[1]
    similarity = np.zeros((num_items, num_items))
    for i in range(num_items):
        for j in range(num_items):
            both = [user for user in range(len(taken)) if taken[user, i] and taken[user, j]]
            votes = sum(taken[user].sum() ** -damping for user in both)
            if i != j and both:
                norm = taken[:, i].sum() ** asymmetry * taken[:, j].sum() ** (1 - asymmetry)
                similarity[i, j] = votes / (norm + shrinkage)
    return similarity


@pytest.mark.parametrize(("damping", "asymmetry", "shrinkage"), [(0.0, 0.5, 0.0), (1.0, 0.8, 5.0), (0.5, 0.0, 1.0)])
def test_scores_follow_the_equation(damping: float, asymmetry: float, shrinkage: float, tmp_path: Path) -> None:
    arguments = {"k": 6, "user_damping": damping, "asymmetry": asymmetry, "shrinkage": shrinkage}
    model = ItemKNN(**arguments)
    expected = TAKEN @ dense_similarity(TAKEN, damping, asymmetry, shrinkage)
    check_scorer(model, ItemKNN(**arguments), expected, tmp_path)
    check_item_similarity(model)


def test_plain_cosine_of_two_columns() -> None:
    model = ItemKNN(user_damping=0.0, asymmetry=0.5, shrinkage=0.0).fit(graph_of(TAKEN))
    # Items 0 and 1 have three users each, two of them in common.
    assert model.item_similarity(torch.tensor([0]))[0, 1].item() == pytest.approx(2 / 3)


def test_only_the_k_nearest_of_each_target_item_count() -> None:
    taken = uneven_taken(200, 30)
    similarity = dense_similarity(taken, 1.0, 0.7, 3.0)
    for target in range(30):
        column = similarity[:, target]
        column[np.argsort(-column)[4:]] = 0.0
    model = ItemKNN(k=4, user_damping=1.0, asymmetry=0.7, shrinkage=3.0).fit(graph_of(taken))
    np.testing.assert_allclose(model.item_similarity(torch.arange(30)).numpy(), similarity, atol=1e-6)
    assert model.neighbour_value.numel() <= 4 * 30


def test_blocks_and_chunks_change_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    graph = graph_of(random_taken(50, 40, 0.3, seed=1))
    whole = ItemKNN(k=7).fit(graph)
    scores = whole.score(torch.arange(50))
    monkeypatch.setattr("gnnrec.models._neighbours._BLOCK", 40 * 6)
    monkeypatch.setattr("gnnrec.models._neighbours._CHUNK", 11)
    parts = ItemKNN(k=7).fit(graph)
    torch.testing.assert_close(parts.neighbour_value, whole.neighbour_value)
    torch.testing.assert_close(parts.score(torch.arange(50)), scores)


def test_a_repeated_item_counts_twice() -> None:
    model = ItemKNN().fit(graph_of(TAKEN))
    once, twice = model.score_histories(histories_of([[1], [1, 1]]))
    torch.testing.assert_close(twice, 2 * once)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"k": 0}, r"'k' must be a positive integer \(got 0\)"),
        ({"k": 2.0}, "'k' must be a positive integer"),
        ({"shrinkage": -1.0}, "'shrinkage' must be a finite number of at least 0"),
        ({"user_damping": float("nan")}, "'user_damping' must be"),
        ({"asymmetry": 1.5}, r"'asymmetry' must lie in \[0, 1\] \(got 1.5\)"),
    ],
)
def test_bad_arguments_are_refused(arguments: dict[str, float], message: str) -> None:
    with pytest.raises(ArgumentError, match=message):
        ItemKNN(**arguments)


def test_scoring_before_fitting_says_so() -> None:
    with pytest.raises(RuntimeError, match="ItemKNN must be fitted"):
        ItemKNN().score(torch.tensor([0]))
