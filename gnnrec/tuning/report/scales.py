"""Ticks of logarithmic axes."""

import math
from collections.abc import Sequence

__all__ = ["is_logarithmic", "log_ticks"]

_MAX_TICKS = 8
_WIDE = 5
"""Times that the largest value is the least, from which a cost is drawn on a logarithmic axis."""


def is_logarithmic(values: Sequence[float]) -> bool:
    """Whether costs are better drawn on a logarithmic axis; memory may be 0."""
    return min(values) > 0 and max(values) >= _WIDE * min(values)


def log_ticks(values: Sequence[float]) -> list[float]:
    """Ones, twos and fives within the values, or powers of ten where those would be many.

    Example:
        >>> log_ticks([0.003, 0.04])
        [0.005, 0.01, 0.02]
    """
    low, high = min(values), max(values)
    powers = range(math.floor(math.log10(low)), math.ceil(math.log10(high)) + 1)
    for digits in ((1, 2, 5), (1,)):
        # 1e-05 as a literal has other last digits than 10**-5 has.
        ticks = [float(f"{digit}e{power}") for power in powers for digit in digits]
        ticks = [tick for tick in ticks if low <= tick <= high]
        if len(ticks) <= _MAX_TICKS:
            break
    return ticks or [low]
