"""Figures of several seeds as text of a Markdown table."""

import statistics
import textwrap
from collections.abc import Sequence
from typing import Any

from records import Record
from spaces import Point

__all__ = [
    "COST_HEADER",
    "cost_cells",
    "mean_of",
    "missing_seeds",
    "paragraph",
    "settings_text",
    "spread_of",
    "spread_text",
    "table_lines",
]

COST_HEADER = ["parameters", "s an epoch", "s a validation", "peak MiB (above data)", "best epoch"]
"""Columns of :func:`cost_cells`."""


def paragraph(text: str) -> list[str]:
    """Lines of a paragraph, and an empty line after it."""
    return [*textwrap.wrap(" ".join(text.split()), 120, break_on_hyphens=False, break_long_words=False), ""]


def table_lines(header: Sequence[str], rows: Sequence[Sequence[str]]) -> list[str]:
    """A Markdown table, and an empty line after it."""
    lines = [f"| {' | '.join(row)} |" for row in (header, *rows)]
    return [lines[0], "|" + "---|" * len(header), *lines[1:], ""]


def settings_text(point: Point) -> str:
    """What a point sets differently from the defaults."""
    shown = {name: f"{value:g}" if isinstance(value, float) else str(value) for name, value in point.items()}
    return ", ".join(f"{name} {value}" for name, value in shown.items())


def mean_of(runs: Sequence[Record], part: str, metric: str = "recall@20") -> float:
    """Mean over seeds."""
    return statistics.mean(run[part][metric] for run in runs)


def spread_text(runs: Sequence[Record], part: str, metric: str = "recall@20") -> str:
    """Mean and standard deviation over seeds."""
    return spread_of([run[part][metric] for run in runs])


def spread_of(values: Sequence[float]) -> str:
    """Mean and standard deviation; of a single value there is none."""
    deviation = f" ± {statistics.stdev(values):.4f}" if len(values) > 1 else ""
    return f"{statistics.mean(values):.4f}{deviation}"


def missing_seeds(runs: Sequence[Record], wanted: Sequence[int]) -> str:
    """What a row says where not all of its runs are there."""
    return "" if len(runs) == len(wanted) else f" ({len(runs)} of {len(wanted)} seeds)"


def cost_cells(runs: Sequence[Record]) -> list[str]:
    """Parameters, seconds, memory and epochs; a dash for what runs without epochs, or early ones, do not tell."""

    def average(name: str, form: str) -> str:
        values: list[Any] = [run.get(name) for run in runs]
        return "-" if None in values else format(statistics.mean(values), form)

    memory = average("peak_mib", ",.0f")
    if memory != "-":
        memory += f" ({statistics.mean(run['peak_mib'] - run['data_mib'] for run in runs):,.0f})"
    where = "" if all(run["device"] == "cpu" for run in runs) else f" on {runs[0]['device']}"
    epochs = average("best_epoch", ".0f") if runs[0]["epochs"] else "-"
    return [
        average("parameters", ",.0f"),
        average("epoch_seconds", ".2f") + where,
        average("evaluation_seconds", ".2f") + where,
        memory,
        epochs,
    ]
