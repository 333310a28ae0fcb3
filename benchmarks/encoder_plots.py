"""Plots of the report of benchmarks/compare_encoders.py as SVG: one panel a model, colours and marks by regime.

Colours come from style sheets: those of the page, which knows dark screens, or that of a file of its own.
"""

import math
from collections.abc import Sequence
from html import escape
from itertools import pairwise

from encoder_figures import PanelRows, Row
from encoder_report import Report, p_text, zero_text
from encoder_study import FILE, METRICS, REGIMES
from svg_marks import Picture, Scale, circle_or_other, dash_of, even_ticks, group, line, log_ticks, spread_labels, text

__all__ = ["cost_panels", "curve_panels", "gain_panels", "gains_file", "regimes_shown"]

WIDTH = 420
STYLE = """
svg { font: 13px system-ui, sans-serif; background: #fff; }
text { fill: #22252a; } .quiet { fill: #6b7078; } .strong { font-weight: 600; }
.grid { stroke: #e6e4df; } .axis { stroke: #6b7078; stroke-width: 1.25; }
.interval { stroke-width: 2.5; } .curve { fill: none; stroke-width: 1.75; }
.frozen { --mark: #2467a6; } .finetune { --mark: #b8620a; } .end-to-end { --mark: #0b7d63; }
.file { --mark: #83518f; } .none, .random { --mark: #6b7078; }
.mark { fill: var(--mark); } .interval, .curve { stroke: var(--mark); }
"""
"""For a plot in a file of its own; the page has more."""


def regimes_shown(report: Report) -> list[Picture]:
    """Regimes that some row has, in their order."""
    present = {row.setting.regime for panel in report.panels for row in panel.rows}
    return [regime for regime in (*REGIMES, FILE) if regime in present]


def gain_panels(report: Report) -> list[Picture]:
    """For each model the gains over its zero with their intervals, on one scale."""
    compared = [row.comparison for panel in report.panels for row in panel.rows if row.comparison]
    if not compared:
        return []
    low, high = min(0.0, *(one.ci_low for one in compared)), max(0.0, *(one.ci_high for one in compared))
    return [_gain_panel(panel, low, high) for panel in report.panels if panel.zero and panel.rows]


def gains_file(report: Report) -> str:
    """All panels of gains under each other, as a file."""
    placed, top = [f"<style>{STYLE}</style>"], 0
    for panel in gain_panels(report):
        placed.append(panel.markup(top))
        top += panel.height + 12
    return Picture(WIDTH, max(top, 1), f"Gains on {report.name}", tuple(placed)).markup()


def _gain_panel(panel: PanelRows, low: float, high: float) -> Picture:
    assert panel.zero is not None
    left, right, row_height, top = 104, 84, 26, 40
    x = Scale(low, high, left, WIDTH - right)
    parts = [text(0, 16, panel.model, "strong"), text(0, 34, f"over {zero_text(panel.zero.setting)}", "quiet")]
    body, y, content = [], top, ""
    for row in panel.rows:
        if row.setting.content != content:
            y += 36 if content else 22
            content = row.setting.content
            body.append(text(0, y, content, "strong label"))
        y += row_height
        body.append(_gain_row(row, x, y, WIDTH - right))
    ticks = even_ticks(low, high, 5)
    bottom = y + 16
    for tick in ticks:
        parts.append(line(x(tick), top, x(tick), bottom, "axis" if tick == 0 else "grid"))
        parts.append(text(x(tick), bottom + 17, _signed(tick, ticks), "quiet", anchor="middle"))
    parts += [*body, text(x.middle, bottom + 37, "gain in test Recall@20, 95 % interval", "quiet", anchor="middle")]
    return Picture(WIDTH, bottom + 44, f"Gains of {panel.model}", tuple(parts))


def _gain_row(row: Row, x: Scale, y: float, right: float) -> str:
    one = row.comparison
    regime = row.setting.regime
    label = text(12, y, "given" if regime == FILE else regime)
    if one is None:
        return label
    said = f"{row.setting}: {one.difference:+.4f} ({one.ci_low:+.4f} to {one.ci_high:+.4f}), "
    said += f"p = {p_text(one.t_p_corrected)}"
    star = "*" if one.t_p_corrected < 0.05 else ""
    parts = [
        line(x(one.ci_low), y - 4, x(one.ci_high), y - 4, "interval"),
        circle_or_other(x(one.difference), y - 4, regime),
        text(right + 12, y, f"{one.difference:+.4f}{star}"),
    ]
    return label + group(regime, parts, said)


def cost_panels(report: Report) -> list[Picture]:
    """For each model quality against seconds, with the standard deviation over seeds."""
    rows = [row for panel in report.panels for row in _with_zero(panel)]
    if not rows:
        return []
    seconds = [max(row.seconds, 0.01) for row in rows]
    figures = [row.figures("test", METRICS[0]) for row in rows]
    low = min(one.mean - (one.spread or 0) for one in figures)
    high = max(one.mean + (one.spread or 0) for one in figures)
    return [
        _cost_panel(panel, (min(seconds), max(seconds)), (low, high)) for panel in report.panels if _with_zero(panel)
    ]


def _with_zero(panel: PanelRows) -> tuple[Row, ...]:
    return ((panel.zero,) if panel.zero else ()) + panel.rows


def _cost_panel(panel: PanelRows, seconds: tuple[float, float], values: tuple[float, float]) -> Picture:
    left, top, bottom = 52, 40, 262
    x = Scale(math.log10(seconds[0]), math.log10(seconds[1]), left + 18, WIDTH - 22, margin=0.02)
    y = Scale(*values, bottom - 12, top + 8)
    parts = [text(0, 16, panel.model, "strong"), text(0, 34, "test Recall@20", "quiet")]
    ticks = even_ticks(*values, 4)
    for tick in ticks:
        parts.append(line(left, y(tick), WIDTH, y(tick), "grid"))
        parts.append(text(left - 8, y(tick) + 4, _plain(tick, ticks), "quiet", anchor="end"))
    parts.append(line(left, bottom, WIDTH, bottom, "axis"))
    for tick in log_ticks(*seconds):
        parts.append(text(x(math.log10(tick)), bottom + 18, f"{tick:g}", "quiet", anchor="middle"))
    parts.append(text((left + WIDTH) / 2, bottom + 37, "seconds a run (logarithmic)", "quiet", anchor="middle"))
    places = {
        row.setting: (x(math.log10(max(row.seconds, 0.01))), y(row.figures("test", METRICS[0]).mean))
        for row in _with_zero(panel)
    }
    labels = []
    for content in dict.fromkeys(row.setting.content for row in _with_zero(panel)):
        own = [row for row in _with_zero(panel) if row.setting.content == content]
        path = " ".join(f"{across:.1f},{up:.1f}" for across, up in (places[row.setting] for row in own))
        parts.append(f'<polyline class="path" points="{path}"/>')
        labels.append((*places[own[0].setting], _short(own[0])))
    for row in _with_zero(panel):
        one, (across, up) = row.figures("test", METRICS[0]), places[row.setting]
        marks = [circle_or_other(across, up, row.setting.regime)]
        if one.spread:
            marks.insert(0, line(across, y(one.mean - one.spread), across, y(one.mean + one.spread), "interval"))
        said = f"{row.setting}: {one.mean:.4f}, {row.seconds:,.1f} s, {row.cost('peak_mib'):,.0f} MiB"
        parts.append(group(row.setting.regime, marks, said))
    parts += spread_labels(labels, list(places.values()), left, WIDTH, top + 6, bottom - 4)
    return Picture(WIDTH, bottom + 44, f"Cost and quality of {panel.model}", tuple(parts))


def _short(row: Row) -> str:
    setting = row.setting
    return f"{setting.model} alone" if setting.regime == "none" else setting.content


def curve_panels(report: Report) -> list[Picture]:
    """For each model validation by epoch, a curve a seed, dots at the epochs that were selected."""
    contents = list(dict.fromkeys(row.setting.content for panel in report.panels for row in panel.rows))
    values = [value for run in report.runs for _, value in run.curve if run.setting not in _references(report)]
    if not values:
        return []
    return [
        _curve_panel(panel, contents, (min(values), max(values)))
        for panel in report.panels
        if any(run.curve for row in _with_zero(panel) for run in row.runs)
    ]


def _references(report: Report) -> set[object]:
    return {row.setting for row in report.references}


def _curve_panel(panel: PanelRows, contents: Sequence[str], values: tuple[float, float]) -> Picture:
    left, top, bottom = 52, 40, 262
    runs = [run for row in _with_zero(panel) for run in row.runs if run.curve]
    last = max(run.curve[-1][0] for run in runs)
    x, y = Scale(1, max(last, 2), left + 10, WIDTH - 12, margin=0), Scale(*values, bottom - 12, top + 8)
    parts = [text(0, 16, panel.model, "strong"), text(0, 34, "validation Recall@20", "quiet")]
    ticks = even_ticks(*values, 4)
    for tick in ticks:
        parts.append(line(left, y(tick), WIDTH, y(tick), "grid"))
        parts.append(text(left - 8, y(tick) + 4, _plain(tick, ticks), "quiet", anchor="end"))
    parts.append(line(left, bottom, WIDTH, bottom, "axis"))
    for tick in even_ticks(1, max(last, 2), 5, whole=True):
        parts.append(text(x(tick), bottom + 18, f"{tick:g}", "quiet", anchor="middle"))
    parts.append(text((left + WIDTH) / 2, bottom + 37, "epoch", "quiet", anchor="middle"))
    for run in runs:
        setting = run.setting
        points = " ".join(f"{x(epoch):.1f},{y(value):.1f}" for epoch, value in run.curve)
        place = contents.index(setting.content) if setting.content in contents else 0
        curve = f'<polyline class="curve" points="{points}"{dash_of(place)}/>'
        best = [
            circle_or_other(x(epoch), y(v), "end", 3.5) for epoch, v in run.curve if epoch == run.metrics["best_epoch"]
        ]
        parts.append(group(setting.regime, [curve, *best], f"{setting}, seed {run.seed}"))
    return Picture(WIDTH, bottom + 44, f"Learning curves of {panel.model}", tuple(parts))


def _plain(value: float, ticks: Sequence[float]) -> str:
    step = min((after - before for before, after in pairwise(ticks)), default=1.0)
    return f"{value:.{max(0, -math.floor(math.log10(step) + 1e-9))}f}"


def _signed(value: float, ticks: Sequence[float]) -> str:
    shown = _plain(value, ticks)
    return escape(f"+{shown}" if value > 0 else shown)
