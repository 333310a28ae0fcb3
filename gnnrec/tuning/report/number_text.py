"""Numbers in words."""

import math

from gnnrec.tuning.options import COSTS

__all__ = ["count_text", "mean_text", "p_text", "seconds_text", "share_text", "signed_text", "value_text"]

_MINUS = "\N{MINUS SIGN}"


def value_text(value: float, objective: str) -> str:
    """A value of an objective."""
    return f"{value:.4g}" if objective in COSTS else f"{value:.4f}"


def mean_text(mean: float | None, spread: float | None) -> str:
    """A mean over seeds with its spread, where there is one."""
    if mean is None or not math.isfinite(mean):
        return "not trained with every seed"
    return f"{mean:.4f}" + ("" if spread is None else f" ± {spread:.4f}")


def signed_text(value: float) -> str:
    """A difference, with a true minus sign."""
    return f"{value:+.4f}".replace("-", _MINUS)


def share_text(share: float) -> str:
    """A share in per cent."""
    return f"{share:.0%}" if share >= 0.01 or share == 0 else "< 1%"


def p_text(p: float) -> str:
    """A p value."""
    return f"{p:.2g}" if p >= 0.0001 else "< 0.0001"


def seconds_text(seconds: float) -> str:
    """Seconds, and what they are in minutes or hours."""
    text = f"{seconds:,.1f} s" if seconds < 100 else f"{seconds:,.0f} s"
    if seconds >= 2 * 3600:
        return f"{text} ({seconds / 3600:.1f} h)"
    return f"{text} ({seconds / 60:.1f} min)" if seconds >= 120 else text


def count_text(count: int, noun: str) -> str:
    """A number of things: ``1 trial``, ``2 trials``."""
    return f"{count:,} {noun}" + ("" if count == 1 else "s")
