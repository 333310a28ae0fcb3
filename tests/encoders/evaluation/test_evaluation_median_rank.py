import math

import numpy as np
import pytest
import torch

from encoders.errors import ArgumentError
from encoders.evaluation import median_rank, recall_at, retrieval_ranks


def normal(*shape, seed=0):
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed))


def brute_force(first, second):
    """Item by item, from the definition."""
    first, second = (x / np.linalg.norm(x, axis=1, keepdims=True) for x in (first, second))
    scores = np.round(first @ second.T, 6)
    ranks = []
    for matrix in (scores, scores.T):
        higher = [sum(row > row[i]) for i, row in enumerate(matrix)]
        tied = [sum(row == row[i]) - 1 for i, row in enumerate(matrix)]
        ranks.append([1 + h + t / 2 for h, t in zip(higher, tied, strict=True)])
    return ranks


def published_median_rank(first, second):
    """The formula of the music-video paper's code: diag(argsort) is taken for ranks, and row ranks for both ways."""
    ranks = np.diag(np.argsort((first @ second.T).numpy(), axis=1))
    return float(np.median(ranks)), float(np.median(ranks))


@pytest.mark.parametrize("block_size", [1, 7, 40, 1024])
@pytest.mark.parametrize("seed", range(3))
def test_equals_brute_force_with_ties(seed, block_size):
    # Few directions for many items, in various lengths: most ranks are tied.
    random = np.random.default_rng(seed)
    first, second = (random.integers(-1, 2, (40, 3)) * random.random((40, 1)) + 0.0 for _ in range(2))
    first, second = (np.where(np.abs(x).sum(axis=1, keepdims=True) > 0, x, 1.0) for x in (first, second))
    ranks = retrieval_ranks(torch.tensor(first), torch.tensor(second), block_size=block_size)
    for ours, expected in zip(ranks, brute_force(first, second), strict=True):
        np.testing.assert_array_equal(ours.numpy(), expected)
    assert any(rank % 1 for rank in ranks.first_to_second.tolist())


def test_perfect_vectors_rank_first_in_both_directions():
    vectors = normal(300, 32)
    assert median_rank(vectors, 5 * vectors, block_size=64) == (1.0, 1.0)
    assert retrieval_ranks(vectors, vectors).first_to_second.tolist() == [1.0] * 300


@pytest.mark.parametrize("block_size", [1, 1000, 1001])
@pytest.mark.parametrize("dtype", [torch.float32, torch.float64, torch.bfloat16])
def test_collapsed_vectors_are_at_chance(dtype, block_size):
    vectors = normal(1, 256).to(dtype).expand(1001, -1)
    assert median_rank(vectors, vectors, block_size=block_size) == (501.0, 501.0)
    assert set(retrieval_ranks(vectors, vectors, block_size=block_size).second_to_first.tolist()) == {501.0}


def test_directions_are_told_apart():
    first = torch.tensor([[1.0, 0.0], [0.8, 0.6], [0.6, 0.8]])
    second = torch.tensor([[1.0, 0.1], [1.0, 0.0], [0.9, 0.1]])
    forth, back = retrieval_ranks(first, second)
    # cosines: row 0 (.995, 1, .994), row 1 (.856, .8, .861), row 2 (.677, .6, .685)
    assert forth.tolist() == [2.0, 3.0, 1.0]
    assert back.tolist() == [1.0, 2.0, 3.0]
    assert retrieval_ranks(second, first).first_to_second.tolist() == [1.0, 2.0, 3.0]


def test_median_of_an_even_number_of_ranks():
    first = torch.eye(4)
    second = torch.stack([first[0], first[2], first[1], first[3]])
    # ranks: item 0 and 3 first; items 1 and 2 have one better and two ties at cosine 0: 1 + 1 + 1 = 3
    assert retrieval_ranks(first, second).first_to_second.tolist() == [1.0, 3.0, 3.0, 1.0]
    assert median_rank(first, second) == (2.0, 2.0)


def test_the_published_formula_says_nothing_and_ours_does():
    items = 1000
    perfect, other = normal(items, 64), normal(items, 64, seed=1)
    perfect, other = (torch.nn.functional.normalize(x) for x in (perfect, other))
    for second in (perfect, other):  # about N / 2, whatever the vectors
        assert all(0.4 * items < rank < 0.6 * items for rank in published_median_rank(perfect, second))
    assert median_rank(perfect, perfect) == (1.0, 1.0)
    assert all(0.4 * items < rank < 0.6 * items for rank in median_rank(perfect, other))


def test_recall_at():
    ranks = torch.tensor([1.0, 1.5, 2.0, 5.0, 11.0])
    assert [recall_at(ranks, k) for k in (1, 2, 5, 10, 11)] == pytest.approx([0.2, 0.6, 0.8, 0.8, 1.0])


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda x: median_rank(x, x[:2]), r"one shape \(got \(3, 2\) and \(2, 2\)\)"),
        (lambda x: median_rank(x, x, block_size=0), r"'block_size' must be a positive integer \(got 0\)"),
        (lambda x: median_rank(x * math.nan, x), "'first' must be finite"),  # every comparison with NaN is false
        (lambda x: median_rank(x, x / 0), "'second' must be finite"),
        (lambda x: median_rank(x[:0], x[:0]), "N at least 1"),
        (lambda x: median_rank(x.long(), x.long()), "must be floating"),
        (lambda x: recall_at(x[0], 0), r"'k' must be a positive integer \(got 0\)"),
    ],
)
def test_bad_arguments_are_named(call, message):
    with pytest.raises(ArgumentError, match=message):
        call(torch.ones(3, 2))
