"""Whether one run is better than another: paired tests over users."""

import warnings
from collections.abc import Mapping
from dataclasses import dataclass
from itertools import combinations
from typing import Any

import numpy as np
import numpy.typing as npt

from gnnrec.errors import ArgumentError, UnknownNameError

__all__ = ["Comparison", "bootstrap_means", "compare", "holm_correction", "paired_t_test", "wilcoxon_test"]

_BLOCK_DRAWS = 2_000_000
"""Resampled users held at a time: 16 MB."""

Values = npt.NDArray[np.float64]


@dataclass(frozen=True)
class Comparison:
    """Two runs compared on the same users.

    Args:
        a: Name of the first run.
        b: Name of the second; the baseline if there is one.
        mean_a: Mean of the first.
        mean_b: Mean of the second.
        difference: ``mean_a - mean_b``.
        relative: ``difference`` as a share of ``mean_b``'s size; None where that is 0.
        t_p: Two-sided p value of the paired t-test.
        wilcoxon_p: Two-sided p value of Wilcoxon's signed-rank test.
        t_p_corrected: ``t_p`` after Holm's correction over all comparisons made together.
        wilcoxon_p_corrected: ``wilcoxon_p`` after the same correction.
        ci_low: Lower end of the bootstrap interval of ``difference``.
        ci_high: Upper end.
        num_users: Users compared.
    """

    a: str
    b: str
    mean_a: float
    mean_b: float
    difference: float
    relative: float | None
    t_p: float
    wilcoxon_p: float
    t_p_corrected: float
    wilcoxon_p_corrected: float
    ci_low: float
    ci_high: float
    num_users: int


def compare(
    values: Mapping[str, npt.ArrayLike],
    baseline: str | None = None,
    *,
    confidence: float = 0.95,
    num_resamples: int = 10_000,
    seed: int = 0,
) -> list[Comparison]:
    """Compare runs by what each user got.

    Users are the sample: the p values and intervals say how sure the difference is for other users of the
    same kind, not for other seeds or other data. All intervals come from the same resamples.

    Args:
        values: Values of the same users in the same order, by name of the run. Each of shape (U,).
        baseline: Compare all others with this one; by default every pair.
        confidence: Share of bootstrap means inside the interval.
        num_resamples: Bootstrap resamples.
        seed: Seed of the bootstrap.

    Returns:
        The comparisons, in the order of ``values``.

    Raises:
        ArgumentError: If there are fewer than two runs or users, shapes differ or a value is not finite.
        UnknownNameError: If the baseline is not among the runs.
    """
    if not 0 < confidence < 1:
        raise ArgumentError(f"'confidence' must lie in (0, 1) (got {confidence})")
    matrix = _matrix(values)
    names = list(values)
    if baseline is None:
        pairs = list(combinations(range(len(names)), 2))
    elif baseline in values:
        pairs = [(index, names.index(baseline)) for index, name in enumerate(names) if name != baseline]
    else:
        raise UnknownNameError("baseline", baseline, names)
    resampled = bootstrap_means(matrix, num_resamples=num_resamples, seed=seed)
    ends = [(1 - confidence) / 2, (1 + confidence) / 2]
    intervals = [np.quantile(resampled[:, a] - resampled[:, b], ends) for a, b in pairs]
    t_p = [paired_t_test(matrix[:, a], matrix[:, b]) for a, b in pairs]
    wilcoxon_p = [wilcoxon_test(matrix[:, a], matrix[:, b]) for a, b in pairs]
    t_corrected, wilcoxon_corrected = holm_correction(t_p), holm_correction(wilcoxon_p)
    means = matrix.mean(axis=0)
    return [
        Comparison(
            a=names[a],
            b=names[b],
            mean_a=float(means[a]),
            mean_b=float(means[b]),
            difference=float(means[a] - means[b]),
            relative=float((means[a] - means[b]) / abs(means[b])) if means[b] else None,
            t_p=t_p[index],
            wilcoxon_p=wilcoxon_p[index],
            t_p_corrected=float(t_corrected[index]),
            wilcoxon_p_corrected=float(wilcoxon_corrected[index]),
            ci_low=float(intervals[index][0]),
            ci_high=float(intervals[index][1]),
            num_users=matrix.shape[0],
        )
        for index, (a, b) in enumerate(pairs)
    ]


def paired_t_test(a: Values, b: Values) -> float:
    """Two-sided p value of the paired t-test.

    Differences without spread have no t statistic: the value is 1 if all are zero, else 0, its limit.

    Args:
        a: Values of the first run. Shape: (U,).
        b: Values of the second. Shape: (U,).

    Returns:
        The p value.
    """
    from scipy.stats import ttest_rel

    difference = _scaled_difference(a, b)
    if not difference.any():
        return 1.0
    return 0.0 if np.ptp(difference) == 0 else float(ttest_rel(a, b).pvalue)


def wilcoxon_test(a: Values, b: Values) -> float:
    """Two-sided p value of Wilcoxon's signed-rank test.

    Most users' differences are 0 in ranking metrics. They take part in the ranking and then drop out (Pratt,
    Remarks on zeros and ties in the Wilcoxon signed rank procedures, JASA 1959). With zeros only the value is
    1.

    Args:
        a: Values of the first run. Shape: (U,).
        b: Values of the second. Shape: (U,).

    Returns:
        The p value.
    """
    from scipy.stats import wilcoxon

    difference = _scaled_difference(a, b)
    if not difference.any():
        return 1.0
    with warnings.catch_warnings():
        # Older SciPy warns that the normal approximation is coarse for few users; their number is reported.
        warnings.filterwarnings("ignore", message="Sample size too small", category=UserWarning)
        return float(wilcoxon(difference, zero_method="pratt").pvalue)


def bootstrap_means(values: Values, *, num_resamples: int = 10_000, seed: int = 0) -> Values:
    """Means over users drawn with replacement, the same draws for every column.

    Memory does not grow with the number of resamples; a block of them is one count matrix and one product.

    Args:
        values: Values of users by run. Shape: (U, R).
        num_resamples: B, the number of resamples.
        seed: Seed of the draws.

    Returns:
        Means. Shape: (B, R).
    """
    if num_resamples < 1:
        raise ArgumentError(f"'num_resamples' must be a positive integer (got {num_resamples})")
    num_users = values.shape[0]
    generator = np.random.default_rng(seed)
    means = np.empty((num_resamples, values.shape[1]))
    block = max(_BLOCK_DRAWS // num_users, 1)
    for start in range(0, num_resamples, block):
        size = min(block, num_resamples - start)
        draws = generator.integers(num_users, size=(size, num_users))
        draws += np.arange(size)[:, None] * num_users
        counts = np.bincount(draws.ravel(), minlength=size * num_users).reshape(size, num_users)
        means[start : start + size] = counts.astype(np.float64) @ values / num_users
    return means


def holm_correction(p_values: npt.ArrayLike) -> Values:
    """Holm's step-down correction, which bounds the chance of any false finding in the family.

    The i-th smallest of m p values is multiplied by m - i + 1, made no smaller than those before it and at
    most 1. Holm, A simple sequentially rejective multiple test procedure, Scandinavian Journal of Statistics
    1979.

    Args:
        p_values: The family. Shape: (m,).

    Returns:
        Corrected p values in the same order. Shape: (m,).

    Example:
        >>> holm_correction([0.03, 0.01, 0.04]).tolist()
        [0.06, 0.03, 0.06]
    """
    family = np.asarray(p_values, dtype=np.float64)
    order = np.argsort(family, kind="stable")
    stepped = np.maximum.accumulate(family[order] * np.arange(family.size, 0, -1))
    corrected = np.empty_like(family)
    corrected[order] = np.minimum(stepped, 1.0)
    return corrected


def _scaled_difference(a: Values, b: Values) -> Values:
    """``a - b`` over their largest size, less the digits that hold rounding: equal differences then tie."""
    scale = max(np.abs(a).max(), np.abs(b).max())
    return np.round((a - b) / scale, 12) if scale else np.zeros_like(a)


def _matrix(values: Mapping[str, Any]) -> Values:
    """Runs as columns of one matrix. Shape: (U, R)."""
    if len(values) < 2:
        raise ArgumentError(f"'values' must hold at least two runs (got {len(values)})")
    columns = {name: np.asarray(column, dtype=np.float64) for name, column in values.items()}
    shapes = {name: column.shape for name, column in columns.items()}
    first = next(iter(shapes.values()))
    if len(first) != 1 or first[0] < 2 or set(shapes.values()) != {first}:
        shown = ", ".join(f"{name} {shape}" for name, shape in shapes.items())
        raise ArgumentError(f"'values' must hold a value for each of the same two or more users (got {shown})")
    for name, column in columns.items():
        if wrong := np.count_nonzero(~np.isfinite(column)):
            raise ArgumentError(f"'values' of '{name}' must be finite (got {wrong} that are not)")
    return np.stack(list(columns.values()), axis=1)
