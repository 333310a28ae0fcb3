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
    inverse_power,
    random_taken,
    uneven_taken,
)

from gnnrec.errors import ArgumentError
from gnnrec.models import RP3beta


def dense_transitions(taken: np.ndarray, alpha: float, beta: float) -> np.ndarray:
    """The last two steps of the walk, from an item taken (row) to an item to score (column)."""
    of_user, of_item = taken.sum(1), taken.sum(0)
    user_item = inverse_power(of_user, alpha)[:, None] * taken
    item_user = inverse_power(of_item, alpha)[:, None] * taken.T
    transitions = item_user @ user_item * inverse_power(of_item, beta)
    np.fill_diagonal(transitions, 0.0)
    return transitions


@pytest.mark.parametrize(("alpha", "beta"), [(1.0, 0.3), (0.8, 0.2), (1.0, 0.0)])
def test_scores_follow_the_equation(alpha: float, beta: float, tmp_path: Path) -> None:
    model = RP3beta(k=6, alpha=alpha, beta=beta)
    first_step = inverse_power(TAKEN.sum(1), alpha)[:, None] * TAKEN
    expected = first_step @ dense_transitions(TAKEN, alpha, beta)
    check_scorer(model, RP3beta(k=6, alpha=alpha, beta=beta), expected, tmp_path)
    check_item_similarity(model)


def test_without_penalty_scores_are_the_probability_not_to_return() -> None:
    model = RP3beta(k=6, alpha=1.0, beta=0.0).fit(graph_of(TAKEN))
    # From item 4 the walk goes to user 2 and then to one of four items, item 4 among them.
    row = model.item_similarity(torch.tensor([4]))[0]
    torch.testing.assert_close(row, torch.tensor([0.0, 0.25, 0.25, 0.25, 0.0, 0.0]))


def test_penalty_holds_popular_items_back() -> None:
    graph = graph_of(random_taken(60, 30, 0.2))
    users = torch.arange(60)
    degree = graph.item_degree.to(torch.float32)
    shares = [
        (RP3beta(k=30, beta=beta).fit(graph).score(users) * degree).sum(1).mean()
        / RP3beta(k=30, beta=beta).fit(graph).score(users).sum(1).mean()
        for beta in (0.0, 0.4, 0.8)
    ]
    assert shares[0] > shares[1] > shares[2]


def test_only_the_k_likeliest_transitions_to_each_item_count() -> None:
    taken = uneven_taken(200, 30)
    transitions = dense_transitions(taken, 0.8, 0.1)
    for target in range(30):
        column = transitions[:, target]
        column[np.argsort(-column)[3:]] = 0.0
    model = RP3beta(k=3, alpha=0.8, beta=0.1).fit(graph_of(taken))
    np.testing.assert_allclose(model.item_similarity(torch.arange(30)).numpy(), transitions, atol=1e-6)


def test_longer_history_means_shorter_first_steps() -> None:
    model = RP3beta(k=6, alpha=1.0).fit(graph_of(TAKEN))
    one, other, both = model.score_histories(histories_of([[0], [2], [0, 2]]))
    torch.testing.assert_close(both, (one + other) / 2)


def test_bad_arguments_are_refused() -> None:
    with pytest.raises(ArgumentError, match=r"'beta' must be a finite number of at least 0 \(got -0.1\)"):
        RP3beta(beta=-0.1)
    with pytest.raises(ArgumentError, match="'alpha' must be"):
        RP3beta(alpha=float("inf"))
