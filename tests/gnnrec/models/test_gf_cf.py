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
)

from gnnrec.errors import ArgumentError
from gnnrec.models import GFCF
from gnnrec.models._singular_vectors import right_singular_vectors


def normalized(taken: np.ndarray) -> np.ndarray:
    return inverse_power(taken.sum(1), 0.5)[:, None] * taken * inverse_power(taken.sum(0), 0.5)


def dense_filter(taken: np.ndarray, alpha: float, rank: int) -> np.ndarray:
    matrix = normalized(taken)
    _, spectrum, vectors = np.linalg.svd(matrix)
    vectors = vectors[: len(spectrum)][spectrum > 1e-9][:rank]
    root = np.sqrt(taken.sum(0))
    ideal = inverse_power(taken.sum(0), 0.5)[:, None] * (vectors.T @ vectors) * root
    return matrix.T @ matrix + alpha * ideal


@pytest.mark.parametrize(("alpha", "rank"), [(0.3, 2), (1.0, 3), (0.3, 256), (0.0, 1)])
def test_scores_follow_the_equation(alpha: float, rank: int, tmp_path: Path) -> None:
    model = GFCF(alpha=alpha, rank=rank)
    check_scorer(model, GFCF(alpha=alpha, rank=rank), TAKEN @ dense_filter(TAKEN, alpha, rank), tmp_path)
    check_item_similarity(model)


def test_rank_is_clamped_to_the_singular_values_above_zero() -> None:
    model = GFCF(rank=256).fit(graph_of(TAKEN))
    assert model.singular_vectors.shape == (6, np.linalg.matrix_rank(TAKEN))


def test_strangers_are_filtered_like_known_users() -> None:
    model = GFCF(rank=2).fit(graph_of(TAKEN))
    torch.testing.assert_close(model.score_histories(histories_of([[0, 1, 3]])), model.score(torch.tensor([0])))


@pytest.mark.parametrize("shape", [(60, 45), (45, 60)])
def test_filtered_subspace_finds_what_a_full_decomposition_finds(
    shape: tuple[int, int], monkeypatch: pytest.MonkeyPatch
) -> None:
    graph = graph_of(random_taken(*shape, 0.15))
    whole = right_singular_vectors(graph, 4)
    monkeypatch.setattr("gnnrec.models._singular_vectors._DENSE", 0)
    monkeypatch.setattr("gnnrec.models._singular_vectors._SHARE", 1)
    part = right_singular_vectors(graph, 4)
    torch.testing.assert_close(part @ part.T, whole @ whole.T, atol=1e-5, rtol=0)
    assert torch.equal(part, right_singular_vectors(graph, 4))


def test_every_copy_of_a_repeated_singular_value_is_found(monkeypatch: pytest.MonkeyPatch) -> None:
    # 12 separate groups of 3 users who took the same 4 items, and one larger, looser group.
    taken = np.zeros((12 * 3 + 40, 12 * 4 + 40))
    for group in range(12):
        taken[3 * group : 3 * group + 3, 4 * group : 4 * group + 4] = 1
    taken[36:, 48:] = random_taken(40, 40, 0.2)
    monkeypatch.setattr("gnnrec.models._singular_vectors._DENSE", 0)
    monkeypatch.setattr("gnnrec.models._singular_vectors._SHARE", 1)
    vectors = right_singular_vectors(graph_of(taken), 13).double().numpy()
    _, spectrum, expected = np.linalg.svd(normalized(taken))
    assert spectrum[12] == pytest.approx(1.0)
    assert spectrum[13] < 0.95
    np.testing.assert_allclose(vectors @ vectors.T, expected[:13].T @ expected[:13], atol=1e-5)


def test_more_copies_than_vectors_still_converge(monkeypatch: pytest.MonkeyPatch) -> None:
    taken = np.kron(np.eye(60), np.ones((2, 3)))
    monkeypatch.setattr("gnnrec.models._singular_vectors._DENSE", 0)
    monkeypatch.setattr("gnnrec.models._singular_vectors._SHARE", 1)
    vectors = right_singular_vectors(graph_of(taken), 5).double().numpy()
    np.testing.assert_allclose(vectors.T @ vectors, np.eye(5), atol=1e-6)
    np.testing.assert_allclose(normalized(taken).T @ (normalized(taken) @ vectors), vectors, atol=1e-6)


def test_bad_arguments_are_refused() -> None:
    with pytest.raises(ArgumentError, match=r"'rank' must be a positive integer \(got 0\)"):
        GFCF(rank=0)
    with pytest.raises(ArgumentError, match="'alpha' must be"):
        GFCF(alpha=-0.3)
