"""What random numbers are drawn from."""

from typing import Protocol

__all__ = ["RandomSource"]


class RandomSource(Protocol):
    """A source of random numbers, such as ``numpy.random.default_rng(seed)``."""

    def uniform(self, low: float, high: float, /) -> float:
        """A number from ``low`` up to and without ``high``."""

    def integers(self, low: int, high: int, /) -> int:
        """A whole number from ``low`` up to and without ``high``, all equally likely."""
