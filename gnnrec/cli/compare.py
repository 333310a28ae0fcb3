"""``gnnrec compare``: runs side by side, with paired tests over users."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from gnnrec.evaluation.run_group import RunGroup
    from gnnrec.evaluation.significance import Comparison

_SIGNIFICANT = 0.05


def compare(
    runs: Annotated[list[Path], typer.Argument(help="Run folders; seeds of one model are averaged.")],
    metric: Annotated[
        str | None, typer.Option(help="Metric to compare [default: recall@20, or at the nearest length that all have].")
    ] = None,
    part: Annotated[str, typer.Option(help="Part to compare on: valid or test.")] = "test",
    baseline: Annotated[
        str | None, typer.Option(help="Compare with this one only: a name in the table, or a run folder.")
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON instead of tables.")] = False,
) -> None:
    """Compare runs user by user: paired t-test, Wilcoxon, bootstrap interval, Holm correction.

    Runs that differ by seed only count as one model: each user's values are averaged over the seeds before
    the tests, and the spread over seeds is shown.
    """
    from gnnrec.errors import ArgumentError
    from gnnrec.evaluation.metrics import default_metric
    from gnnrec.evaluation.run_group import read_run_groups, shared_list_lengths
    from gnnrec.evaluation.significance import compare as compare_values

    if len(runs) < 2:
        raise ArgumentError(f"'runs' must name at least two run folders (got {len(runs)})")
    metric = metric or default_metric(shared_list_lengths(runs))
    groups = read_run_groups(runs, metric, part)
    against = _baseline_name(groups, baseline)
    comparisons = []
    if len(groups) > 1:
        comparisons = compare_values({group.name: group.user_values for group in groups}, against)
    if as_json:
        _print_json(groups, comparisons, metric, part)
    else:
        _print_tables(groups, comparisons, metric, part)


def _baseline_name(groups: list[RunGroup], baseline: str | None) -> str | None:
    from gnnrec.errors import UnknownNameError

    if baseline is None:
        return None
    for group in groups:
        if baseline == group.name or Path(baseline) in group.folders:
            return group.name
    raise UnknownNameError("baseline", baseline, [group.name for group in groups])


def _print_json(groups: list[RunGroup], comparisons: list[Comparison], metric: str, part: str) -> None:
    import dataclasses

    from gnnrec.cli.output import print_json

    models = [
        {
            "name": group.name,
            "runs": [str(folder) for folder in group.folders],
            "seeds": list(group.seeds),
            "mean": group.mean,
            "spread": group.spread,
        }
        for group in groups
    ]
    print_json(
        {
            "metric": metric,
            "part": part,
            "num_users": groups[0].values.shape[1],
            "models": models,
            "comparisons": [dataclasses.asdict(comparison) for comparison in comparisons],
        }
    )


def _print_tables(groups: list[RunGroup], comparisons: list[Comparison], metric: str, part: str) -> None:
    from gnnrec.cli.output import print_table

    print_table(
        f"{metric} on {part}, {groups[0].values.shape[1]:,} users",
        ["model", "seeds", "mean", "spread"],
        [
            [group.name, ", ".join(map(str, group.seeds)), group.mean, group.spread]
            for group in sorted(groups, key=lambda group: -group.mean)
        ],
    )
    if not comparisons:
        typer.echo("All runs are seeds of one model; there is nothing to test.")
        return
    print_table(
        f"pairs, p values after Holm's correction over {len(comparisons)} (*: below {_SIGNIFICANT})",
        ["pair", "difference", "95 % interval", "t-test p", "Wilcoxon p"],
        [
            [
                f"{pair.a}\n- {pair.b}",
                f"{pair.difference:+.4f}" + ("" if pair.relative is None else f"\n{pair.relative:+.1%}"),
                f"{pair.ci_low:+.4f} to {pair.ci_high:+.4f}",
                _p_value(pair.t_p_corrected),
                _p_value(pair.wilcoxon_p_corrected),
            ]
            for pair in comparisons
        ],
    )


def _p_value(value: float) -> str:
    text = f"{value:.3f}" if value >= 0.001 else f"{value:.0e}"
    return f"{text} *" if value < _SIGNIFICANT else text
