"""results/fusion.md: the seed models with each fusion."""

from pathlib import Path

from plan import chosen_point, fusion_jobs, fusions_of
from records import Budget, Record, Records, Source, finished
from spaces import FUSION_MODELS, FUSION_SEEDS, Point, seeds_of
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

from gnnrec.models import list_models, model_arguments

__all__ = ["write_fusion_table"]


def write_fusion_table(records: Records, budget: Budget) -> Path:
    """Write the table; gives its path."""
    done = records.read()
    intro = f"""
        Written by `python benchmarks/models.py table`. Each model at its chosen settings (see models.md), with nothing
        but the fusion replaced; means over seeds {", ".join(map(str, FUSION_SEEDS))} with the standard deviation. The
        paper's own fusion is named in brackets. The best mean validation Recall@20 of each model is bold.
    """
    lines = ["# Fusion as a choice", "", *paragraph(intro)]
    for name in sorted({record["data"] for record in done}):
        source = Source.from_records(name, done)
        models = [model for model in FUSION_MODELS if model in list_models() and "fusion" in model_arguments(model)]
        sections = [_model_rows(source, model, done, budget) for model in models]
        header = ["model", "fusion", "valid R@20", "test R@20", "test N@20", *COST_HEADER]
        rows = [row for section in sections for row in section]
        lines += [f"## {name}", "", *(table_lines(header, rows) if rows else paragraph("No runs."))]
    path = records.path.parent / "fusion.md"
    path.write_text("\n".join(lines), encoding="utf-8")
    return path


def _model_rows(source: Source, model: str, done: list[Record], budget: Budget) -> list[list[str]]:
    """A row a fusion, at the search's choice; at the defaults where only these have run."""
    for point in (chosen_point(done, source, model, budget), {}):
        runs = {label: _runs(source, model, point, fusion, done, budget) for label, fusion in fusions_of(model).items()}
        runs = {label: own for label, own in runs.items() if own}
        if any(label != "paper default" for label in runs):
            break
    best = max((mean_of(own, "valid") for own in runs.values()), default=0.0)
    settings = settings_text(point) or "defaults"
    rows = []
    for label, own in runs.items():
        shown = f"{label} ({fusions_of(model)[label]})" if label == "paper default" else label
        shown += missing_seeds(own, seeds_of(model, FUSION_SEEDS))
        valid = spread_text(own, "valid")
        valid = f"**{valid}**" if mean_of(own, "valid") == best else valid
        figures = [valid, spread_text(own, "test"), spread_text(own, "test", "ndcg@20")]
        rows.append([f"{model} ({settings})", shown, *figures, *cost_cells(own)])
    return rows


def _runs(source: Source, model: str, point: Point, fusion: str, done: list[Record], budget: Budget) -> list[Record]:
    return finished(fusion_jobs(source, model, point, fusion, budget), done)
