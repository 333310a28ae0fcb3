"""Plots of what parameters do, by plotly."""

from collections.abc import Sequence
from html import escape
from typing import Any

import numpy as np
import plotly.graph_objects as go  # type: ignore[import-untyped]

from gnnrec.tuning.report.category_names import wrapped
from gnnrec.tuning.report.colours import BAR, SCALE
from gnnrec.tuning.report.importance import Importance
from gnnrec.tuning.report.landscape import Axis, Landscape, landscapes
from gnnrec.tuning.report.number_text import share_text
from gnnrec.tuning.report.plot import Plot, hover_text, log_axis, tick_names
from gnnrec.tuning.report.snapshot import StudySnapshot

__all__ = ["importance_plots", "landscape_plots"]


def importance_plots(importances: Sequence[Importance]) -> list[Plot]:
    """A bar for each parameter."""
    return [
        Plot(one.title, _bars(one), one.note) if one.shares else Plot(one.title, None, one.reason)
        for one in importances
    ]


def landscape_plots(snapshot: StudySnapshot, importances: Sequence[Importance]) -> list[Plot]:
    """Values over the two most important parameters, for each importance."""
    plots = []
    for landscape in landscapes(importances):
        draw = {"slice": _slice, "cells": _cells, "strips": _points, "surface": _surface}[landscape.kind]
        figure = draw(snapshot, landscape)
        notes = {
            "slice": "",
            "cells": f"The best {snapshot.reader.metric} of each pair, from n trials.",
            "strips": "",
            "surface": "Colours between trials are interpolated.",
        }
        plots.append(Plot(landscape.title, figure, notes[landscape.kind]))
    return plots


def _bars(importance: Importance) -> Any:
    shares = importance.shares
    names = ["<br>".join(map(escape, wrapped(importance.label(name)))) for name in shares]
    figure = go.Figure(
        go.Bar(
            x=list(shares.values()),
            y=list(range(len(shares))),
            orientation="h",
            marker={"color": BAR},
            text=[share_text(share) for share in shares.values()],
            textposition="outside",
            cliponaxis=False,
            hovertemplate="%{text}<extra></extra>",
        )
    )
    figure.update_layout(height=110 + 30 * len(shares))
    figure.update_xaxes(title="share", tickformat=".0%", range=[0, max(shares.values()) * 1.12])
    figure.update_yaxes(tickvals=list(range(len(names))), ticktext=names, autorange="reversed")
    return figure


def _slice(snapshot: StudySnapshot, landscape: Landscape) -> Any:
    figure = go.Figure(_dots(snapshot, landscape, landscape.values, with_scale=False))
    figure.update_xaxes(**_axis(landscape.x))
    figure.update_yaxes(title=snapshot.reader.metric)
    return figure


def _cells(_: StudySnapshot, landscape: Landscape) -> Any:
    assert landscape.y is not None
    best, counts = landscape.cells()
    text = [
        [f"{value:.4f}<br>n = {count}" if count else "" for value, count in zip(values, numbers, strict=True)]
        for values, numbers in zip(best, counts, strict=True)
    ]
    figure = go.Figure(
        go.Heatmap(
            z=[[None if np.isnan(value) else float(value) for value in row] for row in best],
            text=text,
            texttemplate="%{text}",
            colorscale=SCALE,
            showscale=False,  # the values are in the cells, and a phone has no room
            hoverinfo="skip",
            xgap=2,
            ygap=2,
        )
    )
    lines = max(len(wrapped(name)) for name in landscape.y.categories)
    figure.update_layout(height=150 + max(52, 20 * lines) * len(landscape.y.categories))
    figure.update_xaxes(**_axis(landscape.x), showgrid=False)
    figure.update_yaxes(**_axis(landscape.y), showgrid=False)
    return figure


def _points(snapshot: StudySnapshot, landscape: Landscape) -> Any:
    assert landscape.y is not None
    figure = go.Figure(_dots(snapshot, landscape, landscape.y.values, with_scale=True))
    figure.update_xaxes(**_axis(landscape.x))
    figure.update_yaxes(**_axis(landscape.y))
    if landscape.y.categories:
        lines = max(len(wrapped(name)) for name in landscape.y.categories)
        figure.update_layout(height=150 + max(60, 20 * lines) * len(landscape.y.categories))
    return figure


def _surface(snapshot: StudySnapshot, landscape: Landscape) -> Any:
    assert landscape.y is not None
    figure = _points(snapshot, landscape)
    surface = landscape.surface()
    if surface is None:
        return figure
    contour = go.Contour(
        x=landscape.x.steps.tolist(),
        y=landscape.y.steps.tolist(),
        z=[[None if np.isnan(value) else round(float(value), 5) for value in row] for row in surface],
        colorscale=SCALE,
        colorbar=_colour_bar(snapshot),
        line={"width": 0.5},
        hoverinfo="skip",
        zmin=min(landscape.values),
        zmax=max(landscape.values),
    )
    dots = figure.data[0]
    dots.marker.showscale = False
    dots.marker.line = {"width": 1.2, "color": "#ffffff"}
    return go.Figure([contour, dots], figure.layout)


def _dots(snapshot: StudySnapshot, landscape: Landscape, upwards: Sequence[float], *, with_scale: bool) -> Any:
    marker: dict[str, Any] = {"size": 9, "color": BAR, "opacity": 0.8}
    if with_scale:
        marker = {
            "size": 11,
            "color": landscape.values,
            "colorscale": SCALE,
            "showscale": True,
            "colorbar": _colour_bar(snapshot),
            "line": {"width": 0.5, "color": "#ffffff"},
        }
    return go.Scatter(
        x=landscape.x.values,
        y=upwards,
        mode="markers",
        marker=marker,
        text=[hover_text(snapshot, trial) for trial in landscape.trials],
        customdata=landscape.values,
        hovertemplate="%{customdata:.4f}<br>%{text}<extra></extra>",
        showlegend=False,
    )


def _axis(axis: Axis) -> dict[str, Any]:
    settings: dict[str, Any] = {"title": axis.label}
    if axis.categories:
        settings |= tick_names(axis.categories)
    if axis.logarithmic:
        settings |= log_axis(axis.values)
    return settings


def _colour_bar(snapshot: StudySnapshot) -> dict[str, Any]:
    return {"title": {"text": snapshot.reader.metric, "side": "right"}, "thickness": 12, "outlinewidth": 0}
