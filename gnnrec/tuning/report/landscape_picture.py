"""The metric over one parameter or two, by matplotlib."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np
from matplotlib.ticker import NullLocator

from gnnrec.tuning.report.category_names import wrapped
from gnnrec.tuning.report.colours import BAR
from gnnrec.tuning.report.landscape import Axis, Landscape
from gnnrec.tuning.report.scales import log_ticks

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.axis import Axis as DrawnAxis
    from matplotlib.figure import Figure

__all__ = ["NAME_WIDTH", "draw_landscape", "name_powers"]

NAME_WIDTH = 28
"""Letters of a line of a name."""

_MAP = "viridis"
_LEVELS = 12
_MANY = 8
"""Columns above which figures in them are small."""
_ROOM = 60
"""Letters of names that stand side by side; more are slanted."""


def draw_landscape(figure: "Figure", axes: "Axes", landscape: Landscape, metric: str) -> None:
    """Draw it.

    Args:
        figure: The figure, which gets a scale of colours.
        axes: Where.
        landscape: What.
        metric: Name of the values.
    """
    axes.set_title(landscape.title, loc="left", fontsize=11)
    axes.use_sticky_edges = False  # dots at the edge of a surface would be cut
    axes.margins(0.04)
    if landscape.y is None:
        axes.scatter(landscape.x.values, landscape.values, s=30, color=BAR, alpha=0.8)
        axes.set_ylabel(metric)
        axes.grid(color="#e6e6e6", linewidth=0.8)
        axes.set_axisbelow(True)
    else:
        drawn = _cells(axes, landscape) if landscape.kind == "cells" else _points(axes, landscape)
        figure.colorbar(drawn, ax=axes, label=metric, pad=0.02)  # type: ignore[arg-type]
        if landscape.y.logarithmic:
            axes.set_yscale("log")
        _name(axes.yaxis, landscape.y)
    if landscape.x.logarithmic:
        axes.set_xscale("log")
    _name(axes.xaxis, landscape.x)
    if sum(max(map(len, wrapped(name, NAME_WIDTH))) for name in landscape.x.categories) > _ROOM:
        axes.tick_params(axis="x", labelrotation=30)


def name_powers(drawn: "DrawnAxis", values: Sequence[float]) -> None:
    """Plain numbers at the ticks of a logarithmic axis."""
    ticks = log_ticks(values)
    drawn.set_ticks(ticks, [f"{tick:g}" for tick in ticks])
    drawn.set_minor_locator(NullLocator())


def _cells(axes: "Axes", landscape: Landscape) -> object:
    best, counts = landscape.cells()
    drawn = axes.imshow(best, cmap=_MAP, aspect="auto", origin="lower")
    middle = (np.nanmin(best) + np.nanmax(best)) / 2
    size = 9 if best.shape[1] <= _MANY else 7
    for (y, x), value in np.ndenumerate(best):
        if counts[y, x]:
            colour = "black" if value > middle else "white"
            axes.text(x, y, f"{value:.4f}\nn = {counts[y, x]}", ha="center", va="center", color=colour, fontsize=size)
    return drawn


def _points(axes: "Axes", landscape: Landscape) -> object:
    assert landscape.y is not None
    surface = landscape.surface() if landscape.kind == "surface" else None
    low, high = min(landscape.values), max(landscape.values)
    if surface is not None and low < high:
        levels = np.linspace(low, high, _LEVELS)
        axes.contourf(landscape.x.steps, landscape.y.steps, surface, levels=levels, cmap=_MAP)
    else:
        axes.grid(color="#e6e6e6", linewidth=0.8)
        axes.set_axisbelow(True)
    return axes.scatter(
        landscape.x.values,
        landscape.y.values,
        c=landscape.values,
        cmap=_MAP,
        s=42,
        edgecolors="white",
        linewidths=0.9,
        vmin=low,
        vmax=high,
        zorder=3,
    )


def _name(drawn: "DrawnAxis", axis: Axis) -> None:
    drawn.set_label_text(axis.label)
    if axis.categories:
        # A dollar sign would begin a formula.
        names = ["\n".join(wrapped(name, NAME_WIDTH)).replace("$", r"\$") for name in axis.categories]
        drawn.set_ticks(range(len(names)), names)
        drawn.set_view_interval(-0.5, len(names) - 0.5, ignore=True)
    elif axis.logarithmic:
        name_powers(drawn, axis.values)
