"""Ranks at which the two views of an item find each other."""

from typing import NamedTuple

import torch
from torch import Tensor

from encoders.errors import ArgumentError
from encoders.evaluation.cosine import cosines, unit_rows

__all__ = ["MedianRank", "RetrievalRanks", "median_rank", "recall_at", "retrieval_ranks"]


class RetrievalRanks(NamedTuple):
    """Ranks of the right answers, 1 for the best, whole or half.

    Args:
        first_to_second: With the first view asking. Shape: (N,), float64.
        second_to_first: With the second view asking. Shape: (N,), float64.
    """

    first_to_second: Tensor
    second_to_first: Tensor


class MedianRank(NamedTuple):
    """Medians of :class:`RetrievalRanks`.

    Args:
        first_to_second: With the first view asking.
        second_to_first: With the second view asking.
    """

    first_to_second: float
    second_to_first: float


@torch.no_grad()
def retrieval_ranks(first: Tensor, second: Tensor, *, block_size: int = 1024) -> RetrievalRanks:
    r"""Rank of the right answer among all N by cosine similarity s, in both directions.

    .. math:: r_i = 1 + \#\{j : s_{ij} > s_{ii}\} + \tfrac{1}{2} \#\{j \ne i : s_{ij} = s_{ii}\}

    The last term is the expected place among ties in random order. Without it an encoder that gives every item the same
    vector would have rank 1 throughout, the best there is; with it it has (N + 1) / 2, which is chance.

    Args:
        first: Vectors of one view, of any length. Shape: (N, d).
        second: Of the other, row by row the same items. Shape: (N, d).
        block_size: Rows of the similarity matrix at a time.

    Returns:
        The ranks.

    Raises:
        ArgumentError: If shapes differ, a value is not finite or ``block_size`` is not positive.
    """
    if first.shape != second.shape:
        raise ArgumentError(
            f"'first' and 'second' must be of one shape (got {tuple(first.shape)} and {tuple(second.shape)})"
        )
    if block_size < 1:
        raise ArgumentError(f"'block_size' must be a positive integer (got {block_size})")
    first, second = unit_rows(first, "first"), unit_rows(second, "second")
    return RetrievalRanks(_ranks(first, second, block_size), _ranks(second, first, block_size))


def median_rank(first: Tensor, second: Tensor, *, block_size: int = 1024) -> MedianRank:
    """Median of :func:`retrieval_ranks` in both directions: 1 at best, (N + 1) / 2 by chance.

    Of an even number of ranks it is the mean of the two in the middle.

    The music-video paper (Veldkamp et al.) reports about 500 of 1,000 for every variant. Its code takes the diagonal of
    one ``argsort`` for ranks, which it is not, and gives N / 2 even for perfect vectors.

    Args:
        first: As for :func:`retrieval_ranks`. Shape: (N, d).
        second: Shape: (N, d).
        block_size: As there.

    Raises:
        ArgumentError: As there.
    """
    ranks = retrieval_ranks(first, second, block_size=block_size)
    return MedianRank(_median(ranks.first_to_second), _median(ranks.second_to_first))


def recall_at(ranks: Tensor, k: int) -> float:
    """Share of items whose rank is at most k.

    Ranks of ties are halves or means, so a pair of items tied for the first place, both of rank 1.5, is not in the
    first place.

    Args:
        ranks: A direction of :func:`retrieval_ranks`. Shape: (N,).
        k: Length of the list.

    Raises:
        ArgumentError: If ``k`` is not positive.
    """
    if k < 1:
        raise ArgumentError(f"'k' must be a positive integer (got {k})")
    return float((ranks <= k).double().mean())


def _ranks(queries: Tensor, results: Tensor, block_size: int) -> Tensor:
    ranks = queries.new_empty(len(queries))
    for start in range(0, len(queries), block_size):
        similarity = cosines(queries[start : start + block_size], results)
        own = similarity.diagonal(start)[:, None]
        ties = (similarity == own).sum(dim=1) - 1  # without itself
        ranks[start : start + len(similarity)] = 1 + (similarity > own).sum(dim=1) + ties / 2
    return ranks


def _median(ranks: Tensor) -> float:
    ordered = ranks.sort().values
    return float((ordered[(len(ranks) - 1) // 2] + ordered[len(ranks) // 2]) / 2)
