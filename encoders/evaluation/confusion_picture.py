"""A picture of a confusion matrix."""

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import torch
from torch import Tensor

from encoders.errors import ArgumentError, MissingPackageError

if TYPE_CHECKING:
    from matplotlib.axes import Axes

__all__ = ["draw_confusion_matrix"]

_FEW_CLASSES = 12
"""Up to which counts fit into the cells."""

_DPI = 120
_INK, _GREY, _PALE = "#1f2933", "#7b8794", "#b8c2cc"


def draw_confusion_matrix(
    matrix: Tensor, class_names: Sequence[str], path: str | Path, *, title: str = "Confusion matrix"
) -> None:
    """Draw a confusion matrix as a PNG: colours are shares of a row, numbers are counts.

    Counts are written into the cells of up to 12 classes. A class without items has an empty row.

    Args:
        matrix: Counts, a row a true class and a column a predicted one. Shape: (C, C).
        class_names: Of the C classes.
        path: Where to write the picture.
        title: Above the picture.

    Raises:
        ArgumentError: If the shape does not fit or a count is negative.
        MissingPackageError: If matplotlib is not installed.
    """
    count = len(class_names)
    if matrix.shape != (count, count) or not count or bool((matrix < 0).any()):
        raise ArgumentError(
            f"'matrix' must hold counts in a shape of {(count, count)}, for {count} names (got {tuple(matrix.shape)})"
        )
    try:
        import matplotlib
        from matplotlib.figure import Figure
        from matplotlib.layout_engine import ConstrainedLayoutEngine
        from matplotlib.ticker import PercentFormatter
    except ImportError:
        raise MissingPackageError("matplotlib", "plot", "a picture of a confusion matrix") from None

    counts = matrix.to("cpu", torch.float64)
    shares = counts / counts.sum(dim=1, keepdim=True)  # NaN without items, which stays white
    few = count <= _FEW_CLASSES
    font, cell = (10.0, 0.62) if few else (8.0, 0.19)  # points, inches
    names_inches = 0.9 + max(map(len, class_names)) * font * 0.6 / 72
    side = max(cell * count, 2.5) + names_inches
    with matplotlib.rc_context(
        # Names may hold dollar signs, which would start a formula.
        {"font.family": "sans-serif", "font.size": font, "text.color": _INK, "text.parse_math": False}
    ):
        # The figure alone, without pyplot: no window, no state shared with the caller's plots.
        layout = ConstrainedLayoutEngine(w_pad=0.1, h_pad=0.1)
        figure = Figure(figsize=(side + 1.3, side + 0.7), dpi=_DPI, layout=layout)
        axes = figure.add_subplot()
        picture = axes.imshow(shares.numpy(), cmap="Blues", vmin=0.0, vmax=1.0)
        _write_names(axes, class_names, slanted=few, font=font)
        _write_title(axes, title, counts, font=font)
        _draw_borders(axes, count, color="white" if few else "#eef1f4", width=1.5 if few else 0.5)
        if few:
            _write_counts(axes, counts, shares)
        bar = figure.colorbar(picture, ax=axes, shrink=0.6, aspect=22, pad=0.02, format=PercentFormatter(1.0))
        bar.set_label("Share of the true class", color=_INK, fontsize=font + 1, labelpad=8)
        bar.outline.set_visible(False)
        bar.ax.tick_params(length=0, labelcolor=_INK)
        figure.savefig(path, format="png", facecolor="white")


def _write_names(axes: "Axes", class_names: Sequence[str], *, slanted: bool, font: float) -> None:
    places = range(len(class_names))
    if slanted:
        axes.set_xticks(places, class_names, rotation=40, ha="right", rotation_mode="anchor")
    else:
        axes.set_xticks(places, class_names, rotation=90)
    axes.set_yticks(places, class_names)
    axes.tick_params(length=0, labelcolor=_INK)
    axes.set_xlabel("Predicted", fontsize=font + 2, color=_INK, labelpad=8)
    axes.set_ylabel("True", fontsize=font + 2, color=_INK, labelpad=8)


def _write_title(axes: "Axes", title: str, counts: Tensor, *, font: float) -> None:
    axes.set_title(title, fontsize=font + 5, fontweight="bold", loc="left", pad=24)
    total, right = float(counts.sum()), float(counts.diagonal().sum())
    told = f"{total:,.0f} items, {right / total:.1%} right" if total else "no items"
    axes.annotate(
        told, (0, 1), (0, 5), xycoords="axes fraction", textcoords="offset points", fontsize=font + 1, color=_GREY
    )


def _draw_borders(axes: "Axes", count: int, *, color: str, width: float) -> None:
    for line in axes.spines.values():
        line.set_visible(False)
    borders = [place - 0.5 for place in range(1, count)]
    axes.set_xticks(borders, minor=True)
    axes.set_yticks(borders, minor=True)
    axes.tick_params(which="minor", length=0)
    axes.grid(which="minor", color=color, linewidth=width)


def _write_counts(axes: "Axes", counts: Tensor, shares: Tensor) -> None:
    for row, (numbers, parts) in enumerate(zip(counts.tolist(), shares.tolist(), strict=True)):
        for column, (number, share) in enumerate(zip(numbers, parts, strict=True)):
            color = "white" if share > 0.55 else (_INK if number else _PALE)
            axes.text(column, row, f"{number:,.0f}", ha="center", va="center", color=color)
