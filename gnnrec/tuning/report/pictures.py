"""The report's pictures, by matplotlib.

Optuna's own functions for matplotlib set the style of the whole process, draw with pyplot, interpolate between
categories and let long names overlap. Here figures are made without pyplot, so nothing of the caller's is touched.
"""

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import matplotlib.style
import numpy as np
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from gnnrec.tuning.options import COSTS
from gnnrec.tuning.report.category_names import wrapped
from gnnrec.tuning.report.colours import BAR, BEST, QUIET, colours_of
from gnnrec.tuning.report.importance import Importance, importances
from gnnrec.tuning.report.landscape import Landscape, landscapes
from gnnrec.tuning.report.landscape_picture import NAME_WIDTH, draw_landscape, name_powers
from gnnrec.tuning.report.number_text import share_text
from gnnrec.tuning.report.scales import is_logarithmic
from gnnrec.tuning.report.snapshot import StudySnapshot
from gnnrec.tuning.report.trial_figures import best_so_far

if TYPE_CHECKING:
    from matplotlib.axes import Axes

__all__ = ["PICTURES", "write_pictures"]

PICTURES = ("report_history.png", "report_importance.png", "report_contour.png", "report_pareto.png")
_DPI = 144
_WIDTH = 8.0


def write_pictures(snapshot: StudySnapshot, folder: Path) -> list[Path]:
    """Write those pictures that show something, and remove older ones of those that do not.

    Args:
        snapshot: The study.
        folder: Where they go.

    Returns:
        The files written.
    """
    written = []
    with matplotlib.style.context("default"):
        measured = importances(snapshot)
        figures = (_history(snapshot), _importance(measured), _contour(snapshot, measured), _pareto(snapshot))
        for name, figure in zip(PICTURES, figures, strict=True):
            path = folder / name
            if figure is None:
                path.unlink(missing_ok=True)
                continue
            figure.savefig(path, dpi=_DPI, format="png")
            written.append(path)
    return written


def _new(rows: int = 1, columns: int = 1, *, height: float) -> "tuple[Figure, list[Axes]]":
    figure = Figure(figsize=(_WIDTH, height), layout="constrained")
    axes = figure.subplots(rows, columns, squeeze=False)
    for one in axes.flat:
        one.spines[["top", "right"]].set_visible(False)
        one.grid(color="#e6e6e6", linewidth=0.8)
        one.set_axisbelow(True)
    return figure, list(axes.flat)


def _history(snapshot: StudySnapshot) -> Figure | None:
    complete = snapshot.complete
    if not complete:
        return None
    objectives = snapshot.reader.objectives
    figure, axes = _new(len(objectives), height=4.0 * len(objectives))
    numbers = [trial.number for trial in complete]
    for place, (objective, one) in enumerate(zip(objectives, axes, strict=True)):
        values = snapshot.values(place)
        _scatter_models(one, snapshot, numbers, values)
        one.step(numbers, best_so_far(values, objective), where="post", color=QUIET, label="best so far", zorder=1)
        one.set(xlabel="trial", ylabel=objective)
        one.xaxis.set_major_locator(MaxNLocator(integer=True))
        if objective in COSTS and is_logarithmic(values):
            one.set_yscale("log")
            name_powers(one.yaxis, values)
    _legend(figure, axes[0])
    return figure


def _importance(measured: Sequence[Importance]) -> Figure | None:
    shown = [one for one in measured if one.shares]
    if not shown:
        return None
    rows = [0.6 + 0.34 * len(one.shares) for one in shown]
    figure = Figure(figsize=(_WIDTH, sum(rows) + 0.5), layout="constrained")
    for one, axes in zip(shown, figure.subplots(len(shown), 1, squeeze=False, height_ratios=rows).flat, strict=True):
        names = ["\n".join(wrapped(one.label(name))) for name in one.shares]
        shares = list(one.shares.values())
        bars = axes.barh(range(len(names)), shares, color=BAR, height=0.65)
        axes.bar_label(bars, list(map(share_text, shares)), padding=4)
        axes.set_yticks(range(len(names)), names)
        axes.invert_yaxis()
        axes.set_xlim(0, max(shares) * 1.12)
        axes.xaxis.set_visible(False)
        axes.spines[["top", "right", "bottom"]].set_visible(False)
        axes.set_title(f"{one.title} ({len(one.trials)} trials)", loc="left", fontsize=11)
    return figure


def _contour(snapshot: StudySnapshot, measured: Sequence[Importance]) -> Figure | None:
    found = landscapes(measured)
    if not found:
        return None
    rows = [_height(one) for one in found]
    figure = Figure(figsize=(_WIDTH, sum(rows)), layout="constrained")
    for one, axes in zip(found, figure.subplots(len(found), 1, squeeze=False, height_ratios=rows).flat, strict=True):
        draw_landscape(figure, axes, one, snapshot.reader.metric)
    return figure


def _height(landscape: Landscape) -> float:
    if landscape.y is None or not landscape.y.categories:
        return 4.2
    lines = max(len(wrapped(name, NAME_WIDTH)) for name in landscape.y.categories)
    return 1.6 + max(0.55, 0.2 * lines) * len(landscape.y.categories)


def _pareto(snapshot: StudySnapshot) -> Figure | None:
    complete = snapshot.complete
    if not snapshot.is_multi_objective or not complete:
        return None
    metric, *costs = snapshot.reader.objectives
    figure, axes = _new(len(costs), height=4.4 * len(costs))
    front = sorted((trial for trial in complete if trial.number in snapshot.front), key=lambda one: one.values[0])
    for place, (cost, one) in enumerate(zip(costs, axes, strict=True), start=1):
        values = snapshot.values(place)
        _scatter_models(one, snapshot, values, snapshot.values())
        line = {"linestyle": "-" if len(costs) == 1 else "none", "drawstyle": "steps-post", "linewidth": 1.4}
        one.plot(
            [trial.values[place] for trial in front],
            [trial.values[0] for trial in front],
            **line,  # type: ignore[arg-type]
            marker="o",
            markersize=11,
            markerfacecolor="none",
            markeredgewidth=1.6,
            color=BEST,
            label="Pareto front",
        )
        one.set(xlabel=f"{cost} ({COSTS[cost]})", ylabel=metric)
        if is_logarithmic(values):
            one.set_xscale("log")
            name_powers(one.xaxis, values)
    _legend(figure, axes[0])
    return figure


def _scatter_models(axes: "Axes", snapshot: StudySnapshot, across: Sequence[float], upwards: Sequence[float]) -> None:
    models = [snapshot.model(trial) for trial in snapshot.complete]
    x, y = np.asarray(across), np.asarray(upwards)
    for model, colour in colours_of(snapshot.models).items():
        own = np.asarray([found == model for found in models])
        if own.any():
            axes.scatter(x[own], y[own], s=30, color=colour, label=model, zorder=2)


def _legend(figure: Figure, axes: "Axes") -> None:
    handles, labels = axes.get_legend_handles_labels()
    figure.legend(handles, labels, loc="outside upper left", ncols=5, frameon=False, fontsize=9)
