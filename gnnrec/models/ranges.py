"""Ranges of hyper-parameters that a search may try."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from gnnrec.errors import ArgumentError

__all__ = ["AllBut", "Choice", "FloatRange", "IntegerRange", "Range"]


@dataclass(frozen=True)
class AllBut:
    """Any value but these, in a condition.

    Args:
        values: Values for which the range does not matter.

    Example:
        >>> 0.5 in AllBut((1.0,)), 1.0 in AllBut((1.0,))
        (True, False)
    """

    values: tuple[Any, ...]

    def __contains__(self, value: object) -> bool:
        return value not in self.values


Condition = Mapping[str, tuple[Any, ...] | AllBut]
"""Values that other hyper-parameters of the same model must have for a range to matter, by name."""


@dataclass(frozen=True)
class IntegerRange:
    """Whole numbers from ``low`` to ``high``, both included.

    Args:
        low: Least value.
        high: Largest value.
        step: Distance of neighbouring values; 1 if ``log``.
        log: Whether values are drawn evenly on a logarithmic scale.
        when: The range matters only where other hyper-parameters have one of these values.

    Raises:
        ArgumentError: If the range is upside down, or cannot be logarithmic.

    Example:
        >>> 3 in IntegerRange(1, 4), 2.5 in IntegerRange(1, 4)
        (True, False)
    """

    low: int
    high: int
    step: int = 1
    log: bool = False
    when: Condition = field(default_factory=dict)

    def __post_init__(self) -> None:
        _check_ends(self.low, self.high, self.log)
        if self.step < 1 or (self.log and self.step != 1):
            raise ArgumentError(f"'step' must be a positive integer, 1 on a logarithmic scale (got {self.step})")

    def __contains__(self, value: object) -> bool:
        if isinstance(value, bool) or not isinstance(value, int):
            return False
        return self.low <= value <= self.high and (value - self.low) % self.step == 0

    def __str__(self) -> str:
        return f"{self.low} to {self.high}" + (f", step {self.step}" if self.step > 1 else "") + _scale(self.log)


@dataclass(frozen=True)
class FloatRange:
    """Numbers from ``low`` to ``high``, both included.

    Args:
        low: Least value.
        high: Largest value.
        log: Whether values are drawn evenly on a logarithmic scale.
        when: The range matters only where other hyper-parameters have one of these values.

    Raises:
        ArgumentError: If the range is upside down, or cannot be logarithmic.

    Example:
        >>> 1e-4 in FloatRange(1e-5, 1e-1, log=True)
        True
    """

    low: float
    high: float
    log: bool = False
    when: Condition = field(default_factory=dict)

    def __post_init__(self) -> None:
        _check_ends(self.low, self.high, self.log)

    def __contains__(self, value: object) -> bool:
        return isinstance(value, int | float) and not isinstance(value, bool) and self.low <= value <= self.high

    def __str__(self) -> str:
        return f"{self.low:g} to {self.high:g}" + _scale(self.log)


@dataclass(frozen=True)
class Choice:
    """One of some values that have no order.

    Args:
        values: Texts, numbers, truth values or None, each once.
        when: The choice matters only where other hyper-parameters have one of these values.

    Raises:
        ArgumentError: If there is none, or one of them twice.
    """

    values: tuple[str | int | float | bool | None, ...]
    when: Condition = field(default_factory=dict)

    def __post_init__(self) -> None:
        if not self.values:
            raise ArgumentError("'values' must hold at least one value (got none)")
        if len({(type(value), value) for value in self.values}) < len(self.values):
            raise ArgumentError(f"'values' must hold each value once (got {self.values})")

    def __contains__(self, value: object) -> bool:
        return any(type(one) is type(value) and one == value for one in self.values)

    def __str__(self) -> str:
        return ", ".join(map(str, self.values))


Range = IntegerRange | FloatRange | Choice


def _check_ends(low: float, high: float, log: bool) -> None:
    if not low <= high:
        raise ArgumentError(f"'low' must not be above 'high' (got {low:g} and {high:g})")
    if log and not low > 0:
        raise ArgumentError(f"'low' must be positive on a logarithmic scale (got {low:g})")


def _scale(log: bool) -> str:
    return " (logarithmic)" if log else ""
