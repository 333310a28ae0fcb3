"""results/cold.md: models of content on items that training never saw."""

from pathlib import Path

from comparison import compare_models, comparison_lines
from plan import chosen_point, cold_jobs
from records import COLD_SPLIT, Budget, Record, Records, Source, finished
from spaces import content_models, seeds_of
from table_text import mean_of, paragraph, settings_text, spread_text, table_lines

__all__ = ["write_cold_table"]

BASELINE = "content-knn"


def write_cold_table(records: Records, budget: Budget) -> Path:
    """Write the table; gives its path."""
    done = records.read()
    intro = """
        Written by `python benchmarks/models.py table`. The cold-item split (seed 0) keeps all interactions of a tenth
        of the items for validation and of another tenth for test; seeds are those of training. The first figures rank a
        part's own cold items only, for users with training interactions; the epoch is selected by them on validation.
        The last ranks all items, for all users, so that cold items compete with known ones. Settings are the chosen
        ones of models.md. A model reads unseen items if their scores change when they exchange their content; the
        others can but guess. Chance is the Recall@20 of a random order of the candidates.
    """
    lines = ["# Items that training never saw", "", *paragraph(intro)]
    for name in sorted({record["data"] for record in done}):
        lines += _data_set(name, records, done, budget)
    path = records.path.parent / "cold.md"
    path.write_text("\n".join(lines), encoding="utf-8")
    return path


def _data_set(name: str, records: Records, done: list[Record], budget: Budget) -> list[str]:
    source = Source.from_records(name, done)
    header = ["model", "settings", "reads unseen items", "valid R@20", "test R@20", "test N@20", "all items: test R@20"]
    rows, runs = [], {}
    for model in content_models():
        for point in (chosen_point(done, source, model, budget), {}):
            own = finished(cold_jobs(source, model, point, budget), done)
            if own:
                break
        if not own:
            continue
        if len(own) == len(seeds_of(model)):
            runs[model] = own
        reads = "yes" if all(run["reads_unseen_items"] for run in own) else "no"
        figures = [spread_text(own, "valid"), spread_text(own, "test"), spread_text(own, "test", "ndcg@20")]
        rows.append([model, settings_text(point) or "defaults", reads, *figures, spread_text(own, "test_all_items")])
    if not rows:
        return [f"## {name}", "", *paragraph("No runs.")]
    lines = [f"## {name}", "", *table_lines(header, rows)]
    candidates = next(iter(own[0]["candidates"] for own in runs.values())) if runs else 0
    if candidates:
        lines += paragraph(f"{candidates:,} candidates in test; chance is {min(1.0, 20 / candidates):.4f}.")
    if BASELINE in runs and len(runs) > 1:
        lines += paragraph(_verdict(runs))
        key = f"{name} {COLD_SPLIT}"
        found = compare_models(runs, [BASELINE], records.cache, records.path.parent / "significance.json", key)
        lines += comparison_lines(found)
    return lines


def _verdict(runs: dict[str, list[Record]]) -> str:
    """How the best model by validation stands to nearest neighbours of content."""
    best = max((model for model in runs if model != BASELINE), key=lambda model: mean_of(runs[model], "valid"))
    difference = mean_of(runs[best], "test") - mean_of(runs[BASELINE], "test")
    verdict = "beats" if difference > 0 else "does not beat"
    return f"The best model by validation, {best}, {verdict} {BASELINE}: test Recall@20 {difference:+.4f}."
