"""A plot of the page."""

from collections.abc import Sequence
from dataclasses import dataclass
from html import escape
from typing import TYPE_CHECKING, Any

from gnnrec.tuning.report.category_names import wrapped
from gnnrec.tuning.report.scales import log_ticks

if TYPE_CHECKING:
    from optuna.trial import FrozenTrial

    from gnnrec.tuning.report.snapshot import StudySnapshot

__all__ = ["Plot", "hover_text", "log_axis", "tick_names"]


@dataclass(frozen=True)
class Plot:
    """A figure of plotly with what is said around it.

    Args:
        title: What it shows.
        figure: The figure; None where there is nothing to show.
        note: How to read it, or why there is none.
    """

    title: str
    figure: Any
    note: str = ""


def hover_text(snapshot: "StudySnapshot", trial: "FrozenTrial") -> str:
    """What a pointer on a trial is told: its number and its candidate, a setting a line."""
    candidate = str(snapshot.candidate(trial) or "")
    return f"trial {trial.number}<br>" + "<br>".join(escape(part) for part in candidate.split(", "))


def log_axis(values: Sequence[float]) -> dict[str, Any]:
    """Settings of a logarithmic axis; plotly's own ticks are many, and in prefixes of units."""
    ticks = log_ticks(values)
    return {"type": "log", "tickvals": ticks, "ticktext": [f"{tick:g}" for tick in ticks]}


def tick_names(categories: tuple[str, ...]) -> dict[str, Any]:
    """Settings of an axis whose values are places in ``categories``."""
    return {
        "tickvals": list(range(len(categories))),
        "ticktext": ["<br>".join(map(escape, wrapped(name))) for name in categories],
        "range": [-0.5, len(categories) - 0.5],
    }
