"""The metric over the one or two parameters that matter most."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from gnnrec.tuning.report.category_names import wrapped
from gnnrec.tuning.report.importance import Importance

if TYPE_CHECKING:
    from optuna.trial import FrozenTrial

__all__ = ["Axis", "Landscape", "landscapes"]

_FEWEST_PAIRS = 3
"""Trials that must have both parameters."""
_FEW_INTEGERS = 6
"""Integers up to this number are categories: there is nothing between one layer and two."""
_STEPS = 100

Array = npt.NDArray[np.float64]


@dataclass(frozen=True)
class Axis:
    """A parameter.

    Args:
        label: Its name.
        values: Its value in each trial; the place in ``categories`` if there are any.
        categories: Names of its values, for a parameter that is no number.
        logarithmic: Whether it was drawn on a logarithmic scale.
    """

    label: str
    values: tuple[float, ...]
    categories: tuple[str, ...] = ()
    logarithmic: bool = False

    @property
    def scaled(self) -> Array:
        """Values from 0 to 1 along the axis."""
        values = np.log(self.values) if self.logarithmic else np.asarray(self.values, dtype=np.float64)
        return np.asarray((values - values.min()) / (values.max() - values.min()))

    @property
    def steps(self) -> Array:
        """Values from the least to the largest, evenly along the axis."""
        low, high = min(self.values), max(self.values)
        return np.geomspace(low, high, _STEPS) if self.logarithmic else np.linspace(low, high, _STEPS)


@dataclass(frozen=True)
class Landscape:
    """Values of trials over one parameter or two.

    Args:
        title: What it shows.
        x: The parameter across.
        y: The parameter upwards; None with one parameter, and values go upwards.
        values: The deciding metric of each trial.
        trials: The trials.
        parameters: Optuna's names of the parameters.
    """

    title: str
    x: Axis
    y: Axis | None
    values: tuple[float, ...]
    trials: "tuple[FrozenTrial, ...]"
    parameters: frozenset[str]

    @property
    def kind(self) -> str:
        """``slice``, ``cells`` of two categories, ``strips`` of one, or a ``surface`` over numbers."""
        if self.y is None:
            return "slice"
        if self.x.categories:
            return "cells"
        return "strips" if self.y.categories else "surface"

    def cells(self) -> tuple[Array, npt.NDArray[np.int64]]:
        """The best value and the number of trials of each pair of categories.

        Returns:
            Both of shape (Y, X); not a number where there is no trial.
        """
        assert self.y is not None
        shape = (len(self.y.categories), len(self.x.categories))
        best, counts = np.full(shape, np.nan), np.zeros(shape, dtype=np.int64)
        for x, y, value in zip(self.x.values, self.y.values, self.values, strict=True):
            cell = int(y), int(x)
            best[cell] = np.fmax(best[cell], value)
            counts[cell] += 1
        return best, counts

    def surface(self) -> Array | None:
        """Values between trials, not a number outside of them; None where trials lie on a line.

        Returns:
            At ``y.steps`` and ``x.steps``. Shape: (steps, steps).
        """
        from scipy.interpolate import griddata
        from scipy.spatial import QhullError

        assert self.y is not None
        points = np.stack([self.x.scaled, self.y.scaled], axis=1)
        if len(np.unique(points, axis=0)) < 4:
            return None
        grid = np.meshgrid(np.linspace(0, 1, _STEPS), np.linspace(0, 1, _STEPS))
        try:
            return np.asarray(griddata(points, np.asarray(self.values), tuple(grid), method="linear"))
        except QhullError:
            return None


def landscapes(importances: Sequence[Importance]) -> list[Landscape]:
    """For each importance one over its two most important parameters, less those that an earlier one shows.

    Over one parameter where there are no two that some trials have both; none where no parameter varies.
    """
    found: list[Landscape] = []
    shown: set[str] = set()
    for importance in importances:
        left = [name for name in importance.parameters if name not in shown]
        if left:
            found.append(_over_first(importance, left))
            shown |= found[-1].parameters
    return found


def _over_first(importance: Importance, parameters: Sequence[str]) -> Landscape:
    first, *others = parameters
    for second in others:
        trials = [trial for trial in importance.trials if first in trial.params and second in trial.params]
        if len(trials) >= _FEWEST_PAIRS and all(_varies(trials, name) for name in (first, second)):
            return _over_two(importance, trials, first, second)
    trials = [trial for trial in importance.trials if first in trial.params]
    return Landscape(
        f"Value by {importance.label(first)}{_of(importance)}",
        _axis(importance, trials, first),
        None,
        _values(trials),
        tuple(trials),
        frozenset({first}),
    )


def _of(importance: Importance) -> str:
    return f" of {importance.model}" if importance.model else ""


def _over_two(importance: Importance, trials: "Sequence[FrozenTrial]", first: str, second: str) -> Landscape:
    x, y = _axis(importance, trials, first), _axis(importance, trials, second)
    # Names stand better at the side; of two axes with names, that with the longer ones or with more of them.
    if _room(x) > _room(y):
        x, y = y, x
    value = "Best value" if x.categories and y.categories else "Value"
    title = f"{value} by {importance.label(first)} and {importance.label(second)}{_of(importance)}"
    return Landscape(title, x, y, _values(trials), tuple(trials), frozenset({first, second}))


def _axis(importance: Importance, trials: "Sequence[FrozenTrial]", name: str) -> Axis:
    from optuna.distributions import CategoricalDistribution, IntDistribution

    distribution = trials[0].distributions[name]
    found = [trial.params[name] for trial in trials]
    label = importance.label(name)
    if isinstance(distribution, CategoricalDistribution):
        categories = [choice for choice in distribution.choices if choice in found]
    elif isinstance(distribution, IntDistribution) and len(set(found)) <= _FEW_INTEGERS:
        categories = sorted(set(found))
    else:
        return Axis(label, tuple(map(float, found)), logarithmic=bool(getattr(distribution, "log", False)))
    return Axis(label, tuple(float(categories.index(value)) for value in found), tuple(map(str, categories)))


def _room(axis: Axis) -> tuple[int, int]:
    longest = max((max(map(len, wrapped(name))) for name in axis.categories), default=0)
    return longest, len(axis.categories)


def _varies(trials: "Sequence[FrozenTrial]", name: str) -> bool:
    return len({trial.params[name] for trial in trials}) > 1


def _values(trials: "Sequence[FrozenTrial]") -> tuple[float, ...]:
    return tuple(trial.values[0] for trial in trials)
