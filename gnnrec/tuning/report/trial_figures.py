"""Plots of the course of a study, by plotly."""

from typing import TYPE_CHECKING, Any

import plotly.graph_objects as go  # type: ignore[import-untyped]

from gnnrec.tuning.options import COSTS
from gnnrec.tuning.report.colours import BEST, QUIET, STATE_COLOURS, colours_of
from gnnrec.tuning.report.plot import Plot, hover_text, log_axis
from gnnrec.tuning.report.scales import is_logarithmic
from gnnrec.tuning.report.snapshot import StudySnapshot

if TYPE_CHECKING:
    from optuna.trial import FrozenTrial

__all__ = ["best_so_far", "curves", "history", "pareto", "timeline"]

_MAX_POINTS = 30_000
"""Of all learning curves together; a page with more is slow on a phone."""


def best_so_far(values: list[float], objective: str) -> list[float]:
    """The best of the first values, for each number of them."""
    better = min if objective in COSTS else max
    found: list[float] = []
    for value in values:
        found.append(better(found[-1], value) if found else value)
    return found


def history(snapshot: StudySnapshot) -> list[Plot]:
    """Values by number of trial, a plot for each objective."""
    complete = snapshot.complete
    if not complete:
        return [Plot("Values by trial", None, "No trial is complete.")]
    plots = []
    for place, objective in enumerate(snapshot.reader.objectives):
        figure = go.Figure()
        _add_models(figure, snapshot, complete, lambda trial: trial.number, lambda trial, at=place: trial.values[at])
        values = snapshot.values(place)
        best = best_so_far(values, objective)
        numbers = [trial.number for trial in complete]
        line = {"color": QUIET, "shape": "hv", "width": 1.5}
        figure.add_scatter(x=numbers, y=best, mode="lines", name="best so far", line=line, hoverinfo="skip")
        figure.update_layout(xaxis_title="trial", yaxis_title=objective)
        if objective in COSTS and is_logarithmic(values):
            figure.update_yaxes(**log_axis(values))
        plots.append(Plot(f"{objective} by trial", figure))
    return plots


def curves(snapshot: StudySnapshot) -> Plot:
    """The deciding metric by epoch."""
    title = f"{snapshot.reader.metric} by epoch"
    trials = [trial for trial in snapshot.trials if trial.intermediate_values]
    if not trials:
        why = " With several objectives none is reported." if snapshot.is_multi_objective else ""
        return Plot(title, None, f"No trial reported epochs.{why}")
    stride = -(-sum(len(trial.intermediate_values) for trial in trials) // _MAX_POINTS)
    figure = go.Figure()
    best = snapshot.best()
    for model, colour in colours_of(snapshot.models).items():
        own = [trial for trial in trials if snapshot.model(trial) == model]
        _add_curves(figure, own, model, stride, {"color": colour, "width": 1.2}, opacity=0.6)
    pruned = [trial for trial in trials if snapshot.state(trial) == "pruned"]
    ends = [max(trial.intermediate_values) for trial in pruned]
    if pruned:
        figure.add_scatter(
            x=ends,
            y=[trial.intermediate_values[end] for trial, end in zip(pruned, ends, strict=True)],
            mode="markers",
            name="pruned",
            marker={"symbol": "x-thin", "size": 7, "line": {"width": 1.5, "color": QUIET}},
            text=[hover_text(snapshot, trial) for trial in pruned],
            hovertemplate="pruned after epoch %{x}: %{y:.4f}<br>%{text}<extra></extra>",
        )
    chosen = [trial for trial in trials if best and trial.number == best.number]
    if chosen:
        _add_curves(figure, chosen, f"best: trial {chosen[0].number}", 1, {"color": BEST, "width": 2.5}, opacity=1)
    figure.update_layout(xaxis_title="epoch", yaxis_title=snapshot.reader.metric)
    note = f"One epoch in {stride} is drawn." if stride > 1 else ""
    return Plot(title, figure, note)


def pareto(snapshot: StudySnapshot) -> list[Plot]:
    """The metric against each cost; nothing with one objective."""
    if not snapshot.is_multi_objective:
        return []
    metric, *costs = snapshot.reader.objectives
    complete = snapshot.complete
    if not complete:
        return [Plot("Pareto front", None, "No trial is complete.")]
    plots = []
    for place, cost in enumerate(costs, start=1):
        figure = go.Figure()
        _add_models(figure, snapshot, complete, lambda trial, at=place: trial.values[at], lambda trial: trial.values[0])
        front = sorted((trial for trial in complete if trial.number in snapshot.front), key=lambda one: one.values[0])
        figure.add_scatter(
            x=[trial.values[place] for trial in front],
            y=[trial.values[0] for trial in front],
            # Between trials of a front of more than two objectives there is no line in two of them.
            mode="lines+markers" if len(costs) == 1 else "markers",
            name="Pareto front",
            marker={"symbol": "circle-open", "size": 13, "line": {"width": 2}, "color": BEST},
            line={"color": BEST, "width": 1.5, "shape": "hv"},
            hoverinfo="skip",
        )
        figure.update_layout(xaxis_title=cost, yaxis_title=metric)
        values = snapshot.values(place)
        if is_logarithmic(values):
            figure.update_xaxes(**log_axis(values))
        plots.append(Plot(f"Pareto front of {metric} and {cost}", figure, f"{cost}: {COSTS[cost]}."))
    return plots


def timeline(snapshot: StudySnapshot) -> Plot:
    """When each worker ran which trial."""
    title = "When each worker ran which trial"
    drawn = [
        trial
        for trial in snapshot.trials
        if snapshot.state(trial) in STATE_COLOURS and trial.datetime_start and trial.duration
    ]
    if not drawn:
        return Plot(title, None, "No trial is finished.")
    workers = list(dict.fromkeys(trial.user_attrs.get("worker", "") for trial in drawn))
    figure = go.Figure()
    for state, colour in STATE_COLOURS.items():
        own = [trial for trial in drawn if snapshot.state(trial) == state]
        if own:
            figure.add_bar(
                base=[trial.datetime_start.isoformat() for trial in own if trial.datetime_start],
                x=[trial.duration.total_seconds() * 1000 for trial in own if trial.duration],
                y=[workers.index(trial.user_attrs.get("worker", "")) for trial in own],
                orientation="h",
                width=0.6,
                name=state,
                marker={"color": colour, "line": {"width": 0.5, "color": "#ffffff"}},
                customdata=[
                    [trial.user_attrs.get("worker", ""), trial.duration.total_seconds()]
                    for trial in own
                    if trial.duration
                ],
                text=[hover_text(snapshot, trial) for trial in own],
                textposition="none",
                hovertemplate="%{text}<br>%{customdata[1]:.1f} s on %{customdata[0]}<extra></extra>",
            )
    names = [f"worker {place}" for place, _ in enumerate(workers, start=1)]
    figure.update_layout(barmode="overlay", height=170 + 34 * len(workers), showlegend=True)
    figure.update_xaxes(type="date")
    figure.update_yaxes(tickvals=list(range(len(names))), ticktext=names, autorange="reversed")
    interrupted = snapshot.counts()["interrupted"]
    note = f"{interrupted} interrupted trials are not drawn." if interrupted > 1 else ""
    return Plot(title, figure, "One interrupted trial is not drawn." if interrupted == 1 else note)


def _add_models(figure: Any, snapshot: StudySnapshot, trials: "list[FrozenTrial]", across: Any, upwards: Any) -> None:
    """Trials as dots, a colour for each model."""
    for model, colour in colours_of(snapshot.models).items():
        own = [trial for trial in trials if snapshot.model(trial) == model]
        if own:
            figure.add_scatter(
                x=[across(trial) for trial in own],
                y=[upwards(trial) for trial in own],
                mode="markers",
                name=model,
                marker={"color": colour, "size": 7},
                text=[hover_text(snapshot, trial) for trial in own],
                hovertemplate="%{y:.4g}<br>%{text}<extra></extra>",
            )


def _add_curves(
    figure: Any, trials: "list[FrozenTrial]", name: str, stride: int, line: dict[str, Any], *, opacity: float
) -> None:
    """Curves as one line with gaps, because a thousand lines would be slow."""
    epochs: list[int | None] = []
    values: list[float | None] = []
    numbers: list[int | None] = []
    for trial in trials:
        reported = sorted(trial.intermediate_values.items())
        kept = reported[:-1:stride] + reported[-1:]
        epochs += [*(epoch for epoch, _ in kept), None]
        values += [*(round(value, 6) for _, value in kept), None]
        numbers += [*[trial.number] * len(kept), None]
    if epochs:
        figure.add_scatter(
            x=epochs,
            y=values,
            customdata=numbers,
            mode="lines",
            name=name,
            line=line,
            opacity=opacity,
            connectgaps=False,
            hovertemplate="trial %{customdata}, epoch %{x}: %{y:.4f}<extra></extra>",
        )
