"""Whether the segments of a film resemble each other."""

from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional

from encoders.errors import ArgumentError

__all__ = ["Consistency", "measure_consistency"]


@dataclass(frozen=True)
class Consistency:
    """How much more alike segments of one film are than segments of different films.

    Args:
        within: Mean cosine of all pairs of segments of one film.
        between: Mean cosine of all pairs of segments of different films.
        auc: Probability that a pair of one film has a greater cosine than a pair of different films, ties counting a
            half: 0.5 where films do not show, 1 where they always do. Unlike the difference of the means it does not
            depend on how spread out the vectors are.
    """

    within: float
    between: float
    auc: float

    @property
    def difference(self) -> float:
        """``within - between``: 0 where films do not show."""
        return self.within - self.between


def measure_consistency(vectors: Tensor, film: Tensor, *, pairs: int = 100_000, seed: int = 0) -> Consistency:
    """Compare segments within films and between them.

    Means are over all pairs, exactly, in linear time. The probability is estimated from as many random pairs.

    Args:
        vectors: Shape: (segments, dim).
        film: Film of each segment. Shape: (segments,), int64.
        pairs: Random pairs of either kind.
        seed: Of these.

    Raises:
        ArgumentError: If no film has two segments, or there is one film only.
    """
    unit = functional.normalize(vectors.double(), dim=1)
    _, number, counts = torch.unique(film, return_inverse=True, return_counts=True)
    if len(counts) < 2 or int(counts.max()) < 2:
        raise ArgumentError("'film' must have at least two films, one of them with two segments")
    sums = unit.new_zeros(len(counts), unit.shape[1]).index_add_(0, number, unit)
    # The square of a sum of vectors is the sum of all their products, each pair twice, and of their squares.
    own = unit.square().sum()
    inside, all_pairs = sums.square().sum() - own, sums.sum(dim=0).square().sum() - own
    num_inside = (counts * (counts - 1)).sum()
    num_between = len(unit) * (len(unit) - 1) - num_inside
    same = _cosines(unit, *_same_film_pairs(number, counts, pairs, seed))
    other = _cosines(unit, *_other_film_pairs(number, pairs, seed))
    return Consistency(
        within=float(inside / num_inside),
        between=float((all_pairs - inside) / num_between),
        auc=_probability_of_greater(same, other),
    )


def _same_film_pairs(number: Tensor, counts: Tensor, pairs: int, seed: int) -> tuple[Tensor, Tensor]:
    """Random pairs of different segments of one film, each pair as likely."""
    random = np.random.default_rng((seed, 0))
    order = number.argsort(stable=True)
    starts = counts.cumsum(0) - counts
    chance = (counts * (counts - 1)).double().numpy()
    films = torch.from_numpy(random.choice(len(counts), size=pairs, p=chance / chance.sum()))
    size = counts[films]
    first = (torch.from_numpy(random.random(pairs)) * size).long()
    step = 1 + (torch.from_numpy(random.random(pairs)) * (size - 1)).long()
    return order[starts[films] + first], order[starts[films] + (first + step) % size]


def _other_film_pairs(number: Tensor, pairs: int, seed: int) -> tuple[Tensor, Tensor]:
    """Random pairs of segments of different films, each pair as likely; some fewer than asked for."""
    random = np.random.default_rng((seed, 1))
    first, second = (torch.from_numpy(random.integers(len(number), size=2 * pairs)) for _ in range(2))
    differ = number[first] != number[second]
    return first[differ][:pairs], second[differ][:pairs]


def _cosines(unit: Tensor, first: Tensor, second: Tensor) -> Tensor:
    parts = zip(torch.split(first, 8192), torch.split(second, 8192), strict=True)
    return torch.cat([(unit[one] * unit[other]).sum(dim=1) for one, other in parts])


def _probability_of_greater(values: Tensor, others: Tensor) -> float:
    ordered = others.sort().values
    below = torch.searchsorted(ordered, values) + torch.searchsorted(ordered, values, right=True)
    return float(below.double().mean() / (2 * len(others)))
