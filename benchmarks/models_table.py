"""results/models.md: every model of the registry, significance, and the targets."""

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from comparison import Comparisons, compare_models, comparison_lines
from item_count_table import item_count_lines
from plan import chosen_point, every_feature_jobs, final_jobs, searched
from records import GIVEN_SPLIT, Budget, Record, Records, Source, find, finished
from spaces import SEARCH_POINTS, SEEDS, Point, content_models, defaults_of, points, seeds_of, settings_key, settings_of
from table_text import (
    COST_HEADER,
    cost_cells,
    mean_of,
    missing_seeds,
    paragraph,
    settings_text,
    spread_text,
    table_lines,
)

from gnnrec.models import Recommender, list_models, model_class

__all__ = ["TUNED", "best_multimodal", "final_runs", "write_models_table"]

TARGETS = {"tiktok": 0.105, "lfm2k": 0.432}
"""Test Recall@20 that the best multimodal graph model shall reach."""
TUNED = "lightgcn"
NOT_GRAPH = ("vbpr",)
"""Multimodal models that use no graph."""
SIGNIFICANCE = "significance.json"
EVERY_FEATURE = " (every feature)"
"""After the name of a model that got all features of the data set."""


def write_models_table(records: Records, budget: Budget) -> Path:
    """Write the table; gives its path."""
    done = records.read()
    intro = f"""
        Written by `python benchmarks/models.py table`. One budget for all models: on each data set at most
        {SEARCH_POINTS} points (the shipped defaults, and points drawn with a fixed seed from the spaces of
        `benchmarks/spaces.py`, which were narrowed after exploratory runs on validation figures, most of them of
        freedom and light-mgcn; lightgcn has four known points more), each run once with seed 0, for
        {budget.max_epochs:,} epochs at most and stopped after {budget.patience} without a better validation
        Recall@20. The point with the best validation Recall@20 and the defaults then ran with seeds
        {", ".join(map(str, SEEDS))}. Some models of content then ran at the search's point with all features that the
        data set has. No choice reads a test figure. Figures are means over seeds with the standard
        deviation; models without chance have one run. Seconds and memory are those of a shared machine; memory is
        the peak of the process, and in brackets what of it came after the data were read.
    """
    lines = ["# Every model on real data", "", *paragraph(intro)]
    for name in sorted({record["data"] for record in done}):
        lines += _data_set(name, records, done, budget)
    path = records.path.parent / "models.md"
    path.write_text("\n".join(lines), encoding="utf-8")
    return path


def _data_set(name: str, records: Records, done: list[Record], budget: Budget) -> list[str]:
    source = Source.from_records(name, done)
    header = ["model", "settings", "points", "valid R@20", "test R@20", "test N@20", *COST_HEADER]
    rows: list[list[str]] = []
    chosen: dict[str, list[Record]] = {}
    with_every_feature: dict[str, list[Record]] = {}
    for model in sorted(list_models(), key=lambda model: (model in content_models(), model)):
        best, seeds = chosen_point(done, source, model, budget), seeds_of(model)
        count = f"{len(searched(done, source, model, budget))} of {len(points(model))}"
        chosen[model] = final_runs(done, source, model, best, budget)
        label = f"search: {settings_text(best)}" if best else "defaults, also the search's choice"
        if chosen[model]:
            rows.append([model, label + missing_seeds(chosen[model], seeds), count, *_figure_cells(chosen[model])])
        else:
            rows.append([model, "not run", count, *["-"] * (len(header) - 3)])
        if best:
            defaults = final_runs(done, source, model, {}, budget)
            figures = _figure_cells(defaults) if defaults else ["-"] * (len(header) - 3)
            rows.append([model, "defaults" + missing_seeds(defaults, seeds), "", *figures])
        every = finished(every_feature_jobs(source, model, best, budget), done)
        if every:
            with_every_feature[model + EVERY_FEATURE] = every
            names = ", ".join(source.every_feature)
            rows.append([model, f"the search's, with {names}{missing_seeds(every, seeds)}", "", *_figure_cells(every)])
    lines = [f"## {name}", "", *table_lines(header, rows)]
    complete = {
        name: runs
        for name, runs in {**chosen, **with_every_feature}.items()
        if len(runs) == len(seeds_of(_model(name))) and all("per_user" in run for run in runs)
    }
    lines += _significance(name, complete, records)
    lines += _outside(source, done, chosen, budget)
    return [*lines, _effort(source, done, budget), ""]


def final_runs(done: Sequence[Record], source: Source, model: str, point: Point, budget: Budget) -> list[Record]:
    """The runs of a point with the final seeds; those without figures of each user where there are no others."""
    found = []
    for job in final_jobs(source, model, point, budget):
        run = find(job, done) or find(replace(job, keep_users=False), done)
        if run is not None and "failed" not in run:
            found.append(run)
    return found


def _figure_cells(runs: Sequence[Record]) -> list[str]:
    figures = [spread_text(runs, "valid"), spread_text(runs, "test"), spread_text(runs, "test", "ndcg@20")]
    return [*figures, *cost_cells(runs)]


def _model(name: str) -> str:
    """The model of a name that may say which features it got."""
    return name.removesuffix(EVERY_FEATURE)


def _is_multimodal(name: str) -> bool:
    """Whether a model learns from both content and the log; nearest neighbours of content are a baseline."""
    model = _model(name)
    return model in content_models() and issubclass(model_class(model), Recommender)


def _best(runs: dict[str, list[Record]], models: Sequence[str]) -> str:
    """The model of the best mean validation Recall@20."""
    return max(models, key=lambda model: mean_of(runs[model], "valid"))


def best_multimodal(done: Sequence[Record], source: Source, budget: Budget) -> str:
    """The multimodal graph model of the best mean validation Recall@20, of those with all seeds."""
    runs = {
        model: final_runs(done, source, model, chosen_point(done, source, model, budget), budget)
        for model in content_models()
        if _is_multimodal(model) and model not in NOT_GRAPH
    }
    complete = {model: own for model, own in runs.items() if len(own) == len(seeds_of(model))}
    return _best(complete, list(complete))


def _significance(name: str, runs: dict[str, list[Record]], records: Records) -> list[str]:
    """The target, and paired tests of the multimodal models."""
    multimodal = [model for model in runs if _is_multimodal(model)]
    classical = [model for model in runs if not _is_multimodal(model)]
    graph = [model for model in multimodal if _model(model) not in NOT_GRAPH]
    if not multimodal or not classical:
        return paragraph("No significance: final runs of a multimodal and of a classical model are needed.")
    best = _best(runs, classical)
    baselines = list(dict.fromkeys([best, *([TUNED] if TUNED in runs else [])]))
    family = {model: runs[model] for model in (*multimodal, *baselines)}
    key = f"{name} {GIVEN_SPLIT}"
    found = compare_models(family, baselines, records.cache, records.path.parent / SIGNIFICANCE, key)
    lines = [] if graph else paragraph("No multimodal graph model has run.")
    if graph:
        leader = _best(runs, graph)
        lines += paragraph(_target(name, runs, leader, found, "The best multimodal graph model by validation"))
        own = [model for model in graph if not model.endswith(EVERY_FEATURE)]
        if own and leader not in own:
            lines += paragraph(_target(name, runs, _best(runs, own), found, "With the search's features the best"))
        lines += item_count_lines(runs, leader, TUNED) if TUNED in runs else []
    how = f"""
        The best classical model by validation is {best}. Paired tests over users of the mean over seeds of each user's
        test Recall@20, at the search's choices; the {len(multimodal) * len(baselines)} comparisons are
        one family for Holm's correction.
    """
    return [*lines, *paragraph(how), *comparison_lines(found)]


def _target(name: str, runs: dict[str, list[Record]], best: str, found: Comparisons | None, subject: str) -> str:
    """Whether the best multimodal graph model reaches its target and beats the tuned LightGCN."""
    reached = mean_of(runs[best], "test")
    figure = spread_text(runs[best], "test")
    text = f"{subject} is **{best}**: test Recall@20 {figure}."
    if name in TARGETS:
        target = TARGETS[name]
        verdict = "passes" if reached >= target else "misses"
        text += f" It {verdict} the target of {target:.4g} by {abs(reached - target):.4f}."
    for comparison in found or ():
        if (comparison["a"], comparison["b"]) == (best, TUNED):
            p = comparison["t_p_corrected"]
            sure = "significant" if p < 0.05 else "not significant"
            text += f" Against {TUNED}: {comparison['difference']:+.4f}, {sure} (p {p:.2g} after correction)."
    return text


def _outside(source: Source, done: Sequence[Record], chosen: dict[str, list[Record]], budget: Budget) -> list[str]:
    """Baselines that did better on validation outside the budget, in searches of earlier days."""
    rows = []
    for model, runs in chosen.items():
        if _is_multimodal(model) or not runs:
            continue
        groups: dict[str, dict[int, Record]] = {}
        for run in done:
            same_data = run["fingerprint"] == source.fingerprints.get(GIVEN_SPLIT) and run["split"] == GIVEN_SPLIT
            if same_data and run["model"] == model and run["seed"] in seeds_of(model) and "failed" not in run:
                # Settings of that day that have no other name are those of today.
                groups.setdefault(settings_key(run["settings"]), {})[run["seed"]] = run
        inside = {settings_key(settings_of(model, point)) for point in points(model)}
        others = [list(group.values()) for key, group in groups.items() if key not in inside]
        full = [group for group in others if len(group) == len(seeds_of(model))]
        best = max(full, key=lambda group: mean_of(group, "valid"), default=None)
        if best is not None and mean_of(best, "valid") > mean_of(runs, "valid"):
            defaults = defaults_of(model)
            point = {name: value for name, value in best[0]["settings"].items() if value != defaults.get(name)}
            rows.append([model, settings_text(point), *_figure_cells(best)[:3]])
    if not rows:
        return []
    text = "Earlier, wider searches found points that are better on validation than the budget's; not compared above:"
    return [*paragraph(text), *table_lines(["model", "settings", "valid R@20", "test R@20", "test N@20"], rows)]


def _effort(source: Source, done: Sequence[Record], budget: Budget) -> str:
    runs = [run for model in list_models() for _, run in searched(done, source, model, budget)]
    hours = sum(run.get("seconds", 0.0) for run in runs) / 3600
    return f"The search: {len(runs)} runs, {hours:.1f} hours of fitting in all."
