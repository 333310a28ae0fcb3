import warnings

import numpy as np
import pytest
from scipy import stats

from gnnrec.errors import ArgumentError, UnknownNameError
from gnnrec.evaluation.significance import (
    bootstrap_means,
    compare,
    holm_correction,
    paired_t_test,
    wilcoxon_test,
)


def recalls(num_users: int, lift: float, seed: int) -> np.ndarray:
    """Values as recall has them: few different ones, many zeros."""
    generator = np.random.default_rng(seed)
    positives = generator.integers(1, 6, num_users)
    return generator.binomial(positives, 0.2 + lift) / positives


def test_p_values_are_scipys() -> None:
    a, b = recalls(400, 0.05, 1), recalls(400, 0.0, 2)
    (result,) = compare({"a": a, "b": b})
    assert result.t_p == pytest.approx(stats.ttest_rel(a, b).pvalue)
    # Recalls are fractions, so rounding is taken off before ranking, here as there.
    assert result.wilcoxon_p == pytest.approx(stats.wilcoxon(np.round(a - b, 12), zero_method="pratt").pvalue)
    assert result.t_p < 0.05
    assert (result.mean_a, result.mean_b) == pytest.approx((a.mean(), b.mean()))
    assert result.difference == pytest.approx(a.mean() - b.mean())
    assert result.relative == pytest.approx(a.mean() / b.mean() - 1)
    assert result.num_users == 400


def test_scale_does_not_matter() -> None:
    a, b = recalls(300, 0.05, 1), recalls(300, 0.0, 2)
    assert wilcoxon_test(a * 1e-9, b * 1e-9) == pytest.approx(wilcoxon_test(a, b))
    assert paired_t_test(a * 1e6, b * 1e6) == pytest.approx(paired_t_test(a, b))


def test_equal_differences_tie_in_spite_of_rounding() -> None:
    a = np.array([0.1, 0.3, 0.2, 0.9, 1.0, 0.6])
    b = np.array([0.0, 0.2, 0.3, 0.8, 0.9, 0.5])  # differences +-0.1, unequal in the last digit
    assert len(set(np.abs(a - b))) > 1
    exact = np.array([1.0, 1.0, -1.0, 1.0, 1.0, 1.0])
    assert wilcoxon_test(a, b) == stats.wilcoxon(exact, zero_method="pratt").pvalue


def test_no_difference_and_constant_difference_do_not_warn() -> None:
    values = recalls(50, 0.0, 3)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        (same,) = compare({"a": values, "b": values.copy()})
        (shifted,) = compare({"a": values + 0.1, "b": values})
        (zero,) = compare({"a": np.zeros(3), "b": np.zeros(3)})
    assert (same.t_p, same.wilcoxon_p, same.t_p_corrected) == (1.0, 1.0, 1.0)
    assert (same.ci_low, same.ci_high) == (0.0, 0.0)
    assert shifted.t_p == 0.0
    assert shifted.wilcoxon_p < 1e-8
    assert (shifted.ci_low, shifted.ci_high) == pytest.approx((0.1, 0.1))
    assert zero.relative is None


def test_holm_by_hand() -> None:
    # 4 x .005, 3 x .01, 2 x .03, 1 x .04 raised to the one before; in the given order again.
    np.testing.assert_allclose(holm_correction([0.01, 0.04, 0.03, 0.005]), [0.03, 0.06, 0.06, 0.02])
    np.testing.assert_allclose(holm_correction([0.5, 0.9]), [1.0, 1.0])


def test_pairs_and_baseline() -> None:
    values = {name: recalls(80, lift, seed) for seed, (name, lift) in enumerate([("x", 0), ("y", 0.1), ("z", 0.2)])}
    every = compare(values)
    assert [(pair.a, pair.b) for pair in every] == [("x", "y"), ("x", "z"), ("y", "z")]
    np.testing.assert_allclose([pair.t_p_corrected for pair in every], holm_correction([pair.t_p for pair in every]))
    against = compare(values, baseline="y")
    assert [(pair.a, pair.b) for pair in against] == [("x", "y"), ("z", "y")]
    assert against[0].difference == every[0].difference
    assert max(pair.t_p_corrected / pair.t_p for pair in against) <= 2  # a family of two, not of three


def test_bootstrap_is_seeded_and_bounded_by_blocks(monkeypatch: pytest.MonkeyPatch) -> None:
    values = np.stack([recalls(60, 0, 1), recalls(60, 0, 2)], axis=1)
    means = bootstrap_means(values, num_resamples=500, seed=5)
    np.testing.assert_array_equal(means, bootstrap_means(values, num_resamples=500, seed=5))
    assert not np.array_equal(means, bootstrap_means(values, num_resamples=500, seed=6))
    assert len(np.unique(means[:, 0])) > 50
    monkeypatch.setattr("gnnrec.evaluation.significance._BLOCK_DRAWS", 60 * 7)
    np.testing.assert_allclose(bootstrap_means(values, num_resamples=500, seed=5), means)
    # Every column sees the same users: the spread of a difference is that of the paired differences.
    paired = bootstrap_means(values, num_resamples=4000) @ [1, -1]
    assert paired.std() == pytest.approx((values @ [1, -1]).std() / np.sqrt(60), rel=0.05)


def test_interval_is_that_of_scipys_percentile_bootstrap() -> None:
    a, b = recalls(300, 0.1, 1), recalls(300, 0.0, 2)
    (result,) = compare({"a": a, "b": b}, confidence=0.9)
    reference = stats.bootstrap(
        (a - b,), np.mean, method="percentile", confidence_level=0.9, n_resamples=10_000, rng=0
    ).confidence_interval
    assert result.ci_low == pytest.approx(reference.low, abs=0.002)
    assert result.ci_high == pytest.approx(reference.high, abs=0.002)


def test_error_rate_and_coverage_without_a_difference() -> None:
    generator = np.random.default_rng(0)
    trials = 300
    covered = rejected = 0
    for _ in range(trials):
        noise = generator.exponential(size=(60, 2))
        (result,) = compare({"a": noise[:, 0], "b": noise[:, 1]}, num_resamples=500)
        covered += result.ci_low <= 0 <= result.ci_high
        rejected += result.wilcoxon_p < 0.05
    assert 0.90 <= covered / trials <= 0.98
    assert 0.02 <= rejected / trials <= 0.09


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ({"a": [1.0, 2.0]}, "at least two runs"),
        ({"a": [1.0, 2.0], "b": [1.0, 2.0, 3.0]}, "same two or more users"),
        ({"a": [1.0], "b": [1.0]}, "same two or more users"),
        ({"a": [1.0, np.nan], "b": [1.0, 2.0]}, r"'values' of 'a' must be finite \(got 1"),
    ],
)
def test_wrong_values(values: dict, message: str) -> None:
    with pytest.raises(ArgumentError, match=message):
        compare(values)


def test_wrong_settings() -> None:
    values = {"lightgcn": [1.0, 2.0], "vbpr": [2.0, 1.0]}
    with pytest.raises(UnknownNameError, match="unknown baseline 'lightgnc'; did you mean 'lightgcn'"):
        compare(values, baseline="lightgnc")
    with pytest.raises(ArgumentError, match="'confidence' must lie in"):
        compare(values, confidence=95)
    with pytest.raises(ArgumentError, match="'num_resamples' must be a positive integer"):
        compare(values, num_resamples=0)
