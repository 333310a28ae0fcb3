from pathlib import Path

import numpy as np
import pytest
import torch
from history_scorer_checks import TAKEN, check_item_similarity, check_scorer, graph_of, random_taken

from gnnrec.errors import ArgumentError
from gnnrec.models import EASE


def dense_weights(taken: np.ndarray, regularization: float) -> np.ndarray:
    """Each column by its own ridge regression on all other columns: what the closed form must equal."""
    num_items = taken.shape[1]
    weights = np.zeros((num_items, num_items))
    for target in range(num_items):
        others = [item for item in range(num_items) if item != target]
        x = taken[:, others]
        weights[others, target] = np.linalg.solve(
            x.T @ x + regularization * np.eye(num_items - 1), x.T @ taken[:, target]
        )
    return weights


@pytest.mark.parametrize("regularization", [0.5, 10.0])
def test_scores_follow_the_equation(regularization: float, tmp_path: Path) -> None:
    model = EASE(regularization=regularization)
    expected = TAKEN @ dense_weights(TAKEN, regularization)
    check_scorer(model, EASE(regularization=regularization), expected, tmp_path)
    check_item_similarity(model)


def test_weights_are_the_ridge_regressions_of_a_larger_case(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("gnnrec.models._neighbours._BLOCK", 35 * 8)  # five blocks
    taken = random_taken(80, 35, 0.25)
    model = EASE(regularization=3.0).fit(graph_of(taken))
    np.testing.assert_allclose(model.weight.numpy(), dense_weights(taken, 3.0), atol=1e-5)
    assert torch.count_nonzero(model.weight.diagonal()) == 0


def test_too_many_items_are_refused_before_any_memory_is_taken() -> None:
    model = EASE(max_items=5)
    with pytest.raises(ArgumentError, match=r"'max_items' of ease is 5 \(got 6 items\)"):
        model.fit(graph_of(TAKEN))


def test_bad_arguments_are_refused() -> None:
    with pytest.raises(ArgumentError, match=r"'regularization' must be a finite number above 0 \(got 0.0\)"):
        EASE(regularization=0.0)
    with pytest.raises(ArgumentError, match="'max_items' must be a positive integer"):
        EASE(max_items=0)
    with pytest.raises(ArgumentError, match=r"'regularization' of ease must be at least .* \(got 1e-30\)"):
        EASE(regularization=1e-30).fit(graph_of(TAKEN))
