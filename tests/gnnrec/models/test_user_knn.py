from pathlib import Path

import numpy as np
import pytest
import torch
from history_scorer_checks import (
    TAKEN,
    check_scorer,
    graph_of,
    histories_of,
    inverse_power,
    random_taken,
    uneven_taken,
)

from gnnrec.errors import ArgumentError
from gnnrec.models import UserKNN


def dense_scores(taken: np.ndarray, k: int, damping: float, amplification: float) -> np.ndarray:
    scores = np.zeros_like(taken)
    for user in range(len(taken)):
        common = taken @ (taken[user] * inverse_power(taken.sum(0), damping))
        similarity = common / np.sqrt(np.maximum(taken.sum(1) * taken[user].sum(), 1))
        similarity[user] = 0.0
        nearest = np.argsort(-similarity, kind="stable")[:k]
        scores[user] = similarity[nearest] ** amplification @ taken[nearest]
    return scores


@pytest.mark.parametrize(("k", "damping", "amplification"), [(5, 0.0, 1.0), (100, 0.5, 2.0), (2, 1.0, 1.5)])
def test_scores_follow_the_equation(k: int, damping: float, amplification: float, tmp_path: Path) -> None:
    arguments = {"k": k, "item_damping": damping, "amplification": amplification}
    expected = dense_scores(TAKEN, k, damping, amplification)
    check_scorer(UserKNN(**arguments), UserKNN(**arguments), expected, tmp_path)


def test_neighbours_are_the_nearest() -> None:
    taken = uneven_taken(30, 200)
    scores = UserKNN(k=5, item_damping=0.5, amplification=2.0).fit(graph_of(taken)).score(torch.arange(30))
    np.testing.assert_allclose(scores.numpy(), dense_scores(taken, 5, 0.5, 2.0), atol=1e-5)


def test_a_user_is_no_neighbour_of_himself_but_a_stranger_with_the_same_history_has_him() -> None:
    model = UserKNN(k=1, item_damping=0.0).fit(graph_of(TAKEN))
    stranger = model.score_histories(histories_of([[1, 2, 3, 4]]))[0]
    torch.testing.assert_close(stranger, torch.from_numpy(TAKEN[2]).float())
    assert model.score(torch.tensor([2]))[0, 4] == 0


def test_histories_of_strangers() -> None:
    taken = random_taken(20, 15, 0.3)
    model = UserKNN(k=20, item_damping=0.0, amplification=1.0).fit(graph_of(taken))
    stranger = np.zeros(15)
    stranger[[2, 7, 9]] = 1
    similarity = taken @ stranger / np.sqrt(np.maximum(taken.sum(1), 1) * 3)
    scores = model.score_histories(histories_of([[2, 7, 9]]))[0]
    np.testing.assert_allclose(scores.numpy(), similarity @ taken, atol=1e-5)


def test_it_defines_no_item_similarity() -> None:
    assert not hasattr(UserKNN(), "item_similarity")


def test_bad_arguments_are_refused() -> None:
    with pytest.raises(ArgumentError, match=r"'k' must be a positive integer \(got -1\)"):
        UserKNN(k=-1)
    with pytest.raises(ArgumentError, match="'item_damping' must be"):
        UserKNN(item_damping=-2.0)
    with pytest.raises(ArgumentError, match="'amplification' must be a finite number above 0"):
        UserKNN(amplification=0.0)


def test_histories_need_the_graph() -> None:
    with pytest.raises(RuntimeError, match="UserKNN must be fitted"):
        UserKNN().score_histories(histories_of([[0]]))
