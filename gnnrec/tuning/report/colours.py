"""Colours that are read on white and on black."""

from collections.abc import Sequence

__all__ = ["BAR", "BEST", "QUIET", "SCALE", "STATE_COLOURS", "colours_of"]

BAR = "#3f86c6"
BEST = "#c9504f"
QUIET = "#8b9099"
SCALE = "Viridis"
STATE_COLOURS = {"complete": "#3f86c6", "pruned": "#d2862c", "failed": "#c9504f"}
_PALETTE = ("#3f86c6", "#d2862c", "#2d9c78", "#a56cc0", "#8f7d35", "#3aa3b5", "#c4648f", "#7d8794")


def colours_of(names: Sequence[str]) -> dict[str, str]:
    """A colour for each name; more than eight share colours."""
    return {name: _PALETTE[place % len(_PALETTE)] for place, name in enumerate(names)}
