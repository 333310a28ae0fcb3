"""Metrics of a cross-validation."""

import math
import statistics
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from encoders.errors import ArgumentError

__all__ = ["FoldResults"]


@dataclass(frozen=True)
class FoldResults:
    """Metrics fold by fold.

    Args:
        folds: Metrics by name, by the fold's number; every fold has the same ones.

    Raises:
        ArgumentError: If there is no fold, names differ or a number is not finite.
    """

    folds: Mapping[int, Mapping[str, float]]

    def __post_init__(self) -> None:
        if not self.folds:
            raise ArgumentError("'folds' must hold one fold at least (got none)")
        (one, names), *_ = self.folds.items()
        for fold, metrics in self.folds.items():
            if metrics.keys() != names.keys():
                raise ArgumentError(
                    f"'folds' must have the same metrics (got {', '.join(sorted(names)) or 'none'} in fold {one} and "
                    f"{', '.join(sorted(metrics)) or 'none'} in fold {fold})"
                )
            for name, value in metrics.items():
                if not math.isfinite(value):
                    raise ArgumentError(f"'folds' must hold finite numbers (got {value} for '{name}' in fold {fold})")

    @property
    def values(self) -> dict[str, tuple[float, ...]]:
        """A number a fold, by metric."""
        names = next(iter(self.folds.values()))
        return {name: tuple(float(metrics[name]) for metrics in self.folds.values()) for name in names}

    @property
    def mean(self) -> dict[str, float]:
        """Mean over the folds, by metric."""
        return {name: statistics.fmean(values) for name, values in self.values.items()}

    @property
    def standard_deviation(self) -> dict[str, float | None]:
        """That of a sample, over n - 1, by metric; None with a single fold."""
        return {name: statistics.stdev(values) if len(values) > 1 else None for name, values in self.values.items()}

    def to_dict(self) -> dict[str, Any]:
        """The folds' numbers, and values, mean and standard deviation by metric, as JSON has them."""
        mean, spread = self.mean, self.standard_deviation
        return {
            "folds": list(self.folds),
            "metrics": {
                name: {"values": list(values), "mean": mean[name], "standard_deviation": spread[name]}
                for name, values in self.values.items()
            },
        }
