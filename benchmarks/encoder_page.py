"""The report of benchmarks/compare_encoders.py as a page that needs nothing but itself: no scripts, no requests."""

import re
from collections.abc import Sequence
from html import escape
from pathlib import Path

from encoder_figures import PanelRows, Row
from encoder_pictures import Sheet, Tile
from encoder_plots import cost_panels, curve_panels, gain_panels, regimes_shown
from encoder_report import Report, row_cells
from svg_marks import Picture, circle_or_other, dash_of

__all__ = ["POLICY", "to_html"]

STYLE_FILE = Path(__file__).with_name("encoder_page.css")
POLICY = "default-src 'none'; style-src 'unsafe-inline'; img-src data:"
"""What the page may do: a browser refuses, and says so, if it ever asked for anything from outside."""

_REGIMES = {
    "frozen": "frozen: encoders as they are",
    "finetune": "finetune: on pairs of an item's contents first",
    "end-to-end": "end-to-end: by the recommender's loss",
    "file": "features given in a file",
    "none": "no content",
    "random": "random numbers",
}
_HEADER = (
    *("content", "encoder", "valid Recall@20", "valid NDCG@20", "test Recall@20", "test NDCG@20"),
    *(
        "gain in test Recall@20",
        "p, t-test",
        "seconds (content, training)",
        "peak MiB (above data)",
        "encoder learning",
    ),
)


def to_html(report: Report, sheets: Sequence[Sheet]) -> str:
    """The page.

    Args:
        report: What it says.
        sheets: Example items with their neighbours.
    """
    title = escape(f"Encoders on {report.name}")
    head = [
        '<!doctype html><html lang="en"><head><meta charset="utf-8">',
        '<meta name="viewport" content="width=device-width, initial-scale=1">',
        f'<meta http-equiv="Content-Security-Policy" content="{POLICY}">',
        f'<link rel="icon" href="data:,"><title>{title}</title>',
        f"<style>{STYLE_FILE.read_text(encoding='utf-8')}</style></head><body><main>",
    ]
    body = [
        f'<header><div class="kicker">compared by gnnrec</div><h1>{title}</h1>',
        f'<p class="lead">{escape(report.summary())}</p></header>',
        _findings(report),
        f"<pre>{escape(report.command)}</pre>",
        f'<p class="quiet">Fingerprint of the log: <code>{escape(report.fingerprint)}</code></p>',
        f"<section><h2>Quality and cost</h2><p>{escape(report.rule())}</p>{_table(report)}</section>",
        *_all_plots(report),
        _neighbours(sheets),
        _missing(report),
        "<footer>Written by <code>benchmarks/compare_encoders.py</code>. This page asks for nothing from outside and "
        "runs no script.</footer></main></body></html>",
    ]
    return "\n".join([*head, *(part for part in body if part)]) + "\n"


def _findings(report: Report) -> str:
    items = "".join(f"<li>{_words(finding)}</li>" for finding in report.findings())
    return f'<ul class="findings">{items}</ul>' if items else ""


def _table(report: Report) -> str:
    cells = "".join(f'<th scope="col"{_class_of(place)}>{escape(name)}</th>' for place, name in enumerate(_HEADER))
    bodies = [_panel_body(panel) for panel in report.panels]
    if report.references:
        rows = "".join(_table_row(row, "zero") for row in report.references)
        bodies.append(f"<tbody>{_model_row('Without content')}{rows}</tbody>")
    return (
        '<div class="wide" tabindex="0" role="region" aria-label="Table of all rows">'
        f"<table><thead><tr>{cells}</tr></thead>{''.join(bodies)}</table></div>"
    )


def _panel_body(panel: PanelRows) -> str:
    zero = _table_row(panel.zero, "zero") if panel.zero else ""
    rows = "".join(_table_row(row, "chosen" if row is panel.chosen else "") for row in panel.rows)
    return f"<tbody>{_model_row(panel.model)}{zero}{rows}</tbody>"


def _model_row(name: str) -> str:
    rest = f'<td colspan="{len(_HEADER) - 1}"></td>'
    return f'<tr class="model"><th scope="rowgroup">{escape(name)}</th>{rest}</tr>'


def _table_row(row: Row, kind: str) -> str:
    """Two lines a cell, so that columns stay narrow."""
    content, encoder, seeds, *figures, gain, interval, t_p, wilcoxon_p, seconds, memory, learning = row_cells(row)
    cells = [figure.partition(" ± ")[::2] for figure in figures]
    cells = [(mean, f"± {spread}" if spread else "") for mean, spread in cells]
    cells += [(gain, interval if interval != "-" else ""), (t_p, f"Wilcoxon {wilcoxon_p}" if t_p != "-" else "")]
    cells += [_bracket_below(seconds), _bracket_below(memory)]
    shown = "".join(f"<td>{_two_lines(*cell)}</td>" for cell in cells)
    regime, start = _bracket_below(encoder)
    weights = f"<small>{escape(start.strip('()'))}</small>" if start else ""
    noun = "seeds" if len(row.runs) > 1 else "seed"
    return (
        f'<tr class="{kind}"><th scope="row">{_two_lines(content, f"{noun} {seeds}")}</th>'
        f'<td class="words"><span class="regime">{_swatch(row.setting.regime)}{escape(regime)}</span>{weights}</td>'
        f'{shown}<td class="words">{_two_lines(*learning.partition(", ")[::2])}</td></tr>'
    )


def _bracket_below(content: str) -> tuple[str, str]:
    above, bracket, below = content.partition(" (")
    return above, bracket.strip() + below


def _two_lines(above: str, below: str) -> str:
    return _words(above) + (f"<small>{_words(below)}</small>" if below else "")


def _words(content: str) -> str:
    """Text with true minus signs, and with p values that are not torn apart."""
    return re.sub(r"(?<!\w)-(?=\d)", "\N{MINUS SIGN}", escape(content)).replace(
        "p = ", "p\N{NO-BREAK SPACE}=\N{NO-BREAK SPACE}"
    )


def _class_of(place: int) -> str:
    return ' class="words"' if place in (0, 1, len(_HEADER) - 1) else ""


def _swatch(regime: str) -> str:
    mark = circle_or_other(7, 7, regime)
    return f'<svg class="{regime}" viewBox="0 0 14 14" width="14" height="14" aria-hidden="true">{mark}</svg>'


def _legend(report: Report, zero: bool = False) -> str:
    regimes = regimes_shown(report)
    if zero:
        regimes += sorted({panel.zero.setting.regime for panel in report.panels if panel.zero})
    items = "".join(f"<li>{_swatch(regime)}{escape(_REGIMES[regime])}</li>" for regime in regimes)
    return f'<ul class="legend">{items}</ul>'


def _dashes(report: Report) -> str:
    """Which kind of line is which content; nothing where there is one only."""
    contents = list(dict.fromkeys(row.setting.content for panel in report.panels for row in panel.rows))
    if len(contents) < 2:
        return ""
    items = []
    for place, content in enumerate(contents):
        line = f'<line class="dash" x1="0" y1="7" x2="34" y2="7" stroke-width="2"{dash_of(place)}/>'
        drawn = f'<svg viewBox="0 0 34 14" width="34" height="14" aria-hidden="true">{line}</svg>'
        items.append(f"<li>{drawn}{escape(content)}</li>")
    return f'<ul class="legend">{"".join(items)}</ul>'


def _all_plots(report: Report) -> list[str]:
    zero = "random features" if report.study.zero_is_random else "no content"
    legend = _legend(report, zero=True)
    spread = (
        "Means over seeds; upright lines reach a standard deviation up and down, thin ones join the regimes of the "
    )
    return [
        _plots(
            f"Gain over {zero}",
            _legend(report),
            gain_panels(report),
            "A star marks p below 0.05 after correction.",
        ),
        _plots("Cost against quality", legend, cost_panels(report), f"{spread}same encoders."),
        _plots(
            "Learning curves",
            legend + _dashes(report),
            curve_panels(report),
            "A line a seed; dots are the epochs that validation selected.",
        ),
    ]


def _plots(title: str, legend: str, pictures: Sequence[Picture], note: str) -> str:
    if not pictures:
        return ""
    figures = "".join(f"<figure>{picture.markup()}</figure>" for picture in pictures)
    return (
        f'<section><h2>{escape(title)}</h2>{legend}<div class="plots">{figures}</div>'
        f'<p class="quiet">{escape(note)}</p></section>'
    )


def _neighbours(sheets: Sequence[Sheet]) -> str:
    if not sheets:
        return ""
    parts = [
        "<section><h2>Nearest neighbours</h2><p>Some items and what is nearest to each by the features of a run: the "
        "mean cosine over the kinds of content that both items have, nearest first. The items are the same "
        "everywhere.</p>"
    ]
    for sheet in sheets:
        cards = []
        for item, runs in sheet.examples:
            rows = []
            for run in runs:
                tiles = "".join(map(_tile, run.tiles)) or '<span class="quiet">no features</span>'
                rows.append(
                    f'<div class="of">{_swatch(run.regime)}{escape(run.label)}</div><div class="row">{tiles}</div>'
                )
            header = f'<div class="item">{_tile(item)}<strong>{escape(item.title)}</strong></div>'
            cards.append(f'<article class="card">{header}{"".join(rows)}</article>')
        parts.append(f'<h3>{escape(sheet.content)}</h3><div class="sheet">{"".join(cards)}</div>')
    return "".join(parts) + "</section>"


def _tile(tile: Tile) -> str:
    title = escape(tile.title, quote=True)
    if tile.picture is None:
        return f'<span class="tile words-tile" title="{title}">{title}</span>'
    return f'<img class="tile" src="{tile.picture}" alt="{title}" title="{title}" width="112" height="112">'


def _missing(report: Report) -> str:
    if not report.missing:
        return ""
    items = "".join(f"<li>{escape(name)}: {escape(reason)}</li>" for name, reason in report.missing.items())
    return f'<section><h2>Not run</h2><ul class="quiet">{items}</ul></section>'
