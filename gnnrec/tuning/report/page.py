"""The report as a page that needs nothing but itself."""

import json
from collections.abc import Sequence
from html import escape

from gnnrec.tuning.hidden_password import PASSWORD
from gnnrec.tuning.report.dashboard import dashboard_command
from gnnrec.tuning.report.importance import importances
from gnnrec.tuning.report.outcome import facts, figures_on_test, finalists, findings, note_on_test
from gnnrec.tuning.report.page_script import SCRIPT
from gnnrec.tuning.report.page_style import STYLE
from gnnrec.tuning.report.parameter_figures import importance_plots, landscape_plots
from gnnrec.tuning.report.plot import Plot
from gnnrec.tuning.report.snapshot import StudySnapshot
from gnnrec.tuning.report.tables import Table, best_trials, combinations, searched_space, study_settings
from gnnrec.tuning.report.trial_figures import curves, history, pareto, timeline

__all__ = ["POLICY", "to_html"]

POLICY = "default-src 'none'; script-src 'unsafe-inline'; style-src 'unsafe-inline'; img-src data: blob:"
"""What the page may do: a browser refuses, and says so, if it ever asked for anything from outside."""

_LONG = 28
"""Letters of a cell from which its column is kept wide."""


def to_html(snapshot: StudySnapshot) -> str:
    """The page."""
    from plotly.offline import get_plotlyjs  # type: ignore[import-untyped]

    measured = importances(snapshot)
    drawn: dict[str, Plot] = {}
    body = [
        _headline(snapshot),
        _outcome(snapshot),
        _trials(snapshot),
        _section("Course of the study", _plots(drawn, [*history(snapshot), curves(snapshot)], two=True)),
        _section("Cost against quality", _plots(drawn, pareto(snapshot))),
        _section(
            f"What mattered for {snapshot.reader.metric}",
            _plots(drawn, importance_plots(measured), two=True)
            + _plots(drawn, landscape_plots(snapshot, measured), two=True),
        ),
        _section("Workers", _plots(drawn, [timeline(snapshot)])),
        _settings(snapshot),
        _dashboard(snapshot),
    ]
    title = escape(f"Study {snapshot.reader.name}")
    head = [
        '<!doctype html><html lang="en"><head><meta charset="utf-8">',
        '<meta name="viewport" content="width=device-width, initial-scale=1">',
        f'<meta http-equiv="Content-Security-Policy" content="{POLICY}">',
        f'<link rel="icon" href="data:,"><title>{title}</title>',
        f"<style>{STYLE}</style></head><body><main>",
    ]
    end = [
        "<footer>Written by <code>gnnrec tune report</code>. This page asks for nothing from outside.</footer></main>",
        f'<script type="application/json" id="plots">{_json(drawn)}</script>',
        f"<script>{get_plotlyjs()}</script>",
        f"<script>{SCRIPT}</script></body></html>",
    ]
    return "\n".join([*head, *(part for part in body if part), *end]) + "\n"


def _headline(snapshot: StudySnapshot) -> str:
    rows = "".join(f"<dt>{escape(name)}</dt><dd>{escape(said)}</dd>" for name, said in facts(snapshot).items())
    said = "".join(f"<li>{escape(finding)}</li>" for finding in findings(snapshot))
    parts = [
        f'<header><div class="kicker">tuned by gnnrec</div><h1>{escape(snapshot.reader.name)}</h1><dl>{rows}</dl>',
        f'<ul class="findings">{said}</ul>',
    ]
    best = snapshot.best()
    if best:
        finished = snapshot.reader.result is not None
        parts.append(f"<p>Train {'the winner' if finished else 'it'}:</p>")
        parts.append(f"<pre>{escape(snapshot.reader.command(best))}</pre>")
        if not snapshot.reader.settings["data"]["path"]:
            parts.append('<p class="quiet">The data were made in Python; the command needs their path.</p>')
    parts.append("<noscript><p>The plots need JavaScript; pictures are in the study's folder.</p></noscript></header>")
    return "\n".join(parts)


def _outcome(snapshot: StudySnapshot) -> str:
    table = finalists(snapshot)
    if table is None:
        return _section("Finalists and test", '<p class="quiet">None yet: the study is not finished.</p>')
    parts = [_table("Finalists", table), '<p class="quiet">Means over seeds ± standard deviation over seeds.</p>']
    test = figures_on_test(snapshot)
    if test:
        parts.append(f"<h3>Test</h3>{_table('Test', test)}")
        parts.append(f'<p class="quiet">{escape(note_on_test(snapshot))}</p>')
    else:
        parts.append('<p class="quiet">There was no test.</p>')
    return _section("Finalists" if test is None else "Finalists and test", "\n".join(parts))


def _trials(snapshot: StudySnapshot) -> str:
    trials = best_trials(snapshot)
    if not trials.rows:
        return _section("Trials", '<p class="quiet">None is finished.</p>')
    parts = []
    pairs = combinations(snapshot)
    if pairs:
        parts.append(f"<h3>Models and fusions</h3>{_table('Models and fusions', pairs)}")
        parts.append('<p class="quiet">Best and mean are of complete trials, one seed each.</p>')
    parts.append(f"<h3>Best trials</h3>{_table('Best trials', trials)}")
    return _section("Trials", "\n".join(parts))


def _settings(snapshot: StudySnapshot) -> str:
    settings = snapshot.reader.settings
    return _section(
        "What was searched",
        _table("Searched space", searched_space(settings))
        + f"<details><summary>Settings</summary>{_table('Settings', study_settings(settings))}</details>",
    )


def _dashboard(snapshot: StudySnapshot) -> str:
    command = dashboard_command(snapshot.reader.location)
    said = "The same study, live while workers run"
    if "://" in command:
        said += ", with the database's driver installed beside it"
    else:
        said += "; only look at it then, because its notes and buttons do not wait for the workers' lock"
    secret = f" Put the password in the place of <code>{PASSWORD}</code>." if PASSWORD in command else ""
    return _section(
        "In Optuna's dashboard",
        f"<p>{said}.{secret}</p><pre>pip install optuna-dashboard\n{escape(command)}</pre>",
    )


def _section(title: str, content: str) -> str:
    return f"<section><h2>{escape(title)}</h2>{content}</section>" if content else ""


def _plots(drawn: dict[str, Plot], plots: Sequence[Plot], *, two: bool = False) -> str:
    """Places for plots, which the script draws; those that show nothing say why."""
    parts = []
    for plot in plots:
        place = ""
        if plot.figure is not None:
            name = f"plot-{len(drawn)}"
            drawn[name] = plot
            place = f'<div class="plot" id="{name}" role="img" aria-label="{escape(plot.title, quote=True)}"></div>'
        note = f"<figcaption>{escape(plot.note)}</figcaption>" if plot.note else ""
        parts.append(f"<figure><h3>{escape(plot.title)}</h3>{place}{note}</figure>")
    columns = "plots two" if two and len(parts) > 1 else "plots"
    return f'<div class="{columns}">{"".join(parts)}</div>' if parts else ""


def _table(label: str, table: Table) -> str:
    header = "".join(
        f'<th scope="col"{_class(table, place)}>{escape(name)}</th>' for place, name in enumerate(table.header)
    )
    rows = []
    for number, row in enumerate(table.rows):
        cells = "".join(f"<td{_class(table, place)}>{escape(cell)}</td>" for place, cell in enumerate(row))
        chosen = ' class="chosen"' if number in table.chosen else ""
        rows.append(f"<tr{chosen}>{cells}</tr>")
    return (
        f'<div class="wide" tabindex="0" role="region" aria-label="{escape(label, quote=True)}">'
        f"<table><thead><tr>{header}</tr></thead><tbody>{''.join(rows)}</tbody></table></div>"
    )


def _class(table: Table, place: int) -> str:
    if place not in table.words:
        return ""
    long = max((len(row[place]) for row in table.rows), default=0) > _LONG
    return ' class="words long"' if long else ' class="words"'


def _json(drawn: dict[str, Plot]) -> str:
    """Figures by their places; a "<" could end the script."""
    content = {}
    for name, plot in drawn.items():
        figure = json.loads(plot.figure.to_json())
        figure["layout"].pop("template", None)  # the script has one for the theme of the reader
        content[name] = figure
    return json.dumps(content, separators=(",", ":")).replace("<", "\\u003c")
