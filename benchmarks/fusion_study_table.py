"""results/fusion_study.md: what the studies of fusion_study.py found, beside the table of models."""

import shutil
from collections import defaultdict
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from models_table import TUNED, best_multimodal, final_runs
from plan import chosen_point
from records import Budget, Record, Records, Source
from spaces import FUSION_MODELS, FUSIONS, MAX_EPOCHS, PATIENCE
from table_text import paragraph, spread_text, table_lines

from gnnrec.evaluation.run_group import read_run_groups
from gnnrec.evaluation.significance import compare
from gnnrec.tuning import Candidate
from gnnrec.tuning.report import write_report
from gnnrec.tuning.report.snapshot import StudySnapshot
from gnnrec.tuning.study_folder import RUNS
from gnnrec.tuning.study_reader import StudyReader
from gnnrec.tuning.study_settings import study_key

if TYPE_CHECKING:
    from optuna.trial import FrozenTrial

__all__ = ["write_fusion_study_table"]

PICTURES = ("importance", "history", "contour")


def write_fusion_study_table(readers: Sequence[StudyReader], results: Path, epochs: int, patience: int) -> Path:
    """Write the table and the studies' pictures; gives the table's path.

    Args:
        readers: Finished studies.
        results: Folder of results; the records of ``models.py`` are there, too.
        epochs: Epochs of a trial at most.
        patience: Epochs without improvement before a trial stopped.
    """
    intro = f"""
        Written by `python benchmarks/fusion_study.py table`. One study a data set over {len(FUSION_MODELS)} models x
        {len(FUSIONS)} fusions x each model's own hyper-parameters: planned trials first (papers, defaults), then TPE,
        by validation Recall@20; {epochs} epochs at most, stopped after {patience} without improvement or when behind
        the median of others of the same model. The best three ran with seeds 1, 2, 3; the best mean of these is the
        winner, and was tested once. The table of models allows {MAX_EPOCHS} epochs and patience {PATIENCE}. The page of
        a study: `gnnrec tune report NAME --folder benchmarks/results/.cache/studies`.
    """
    lines = ["# Which model with which fusion", "", *paragraph(intro)]
    for reader in readers:
        lines += _study(reader, Records(results / "models.jsonl"), results)
    path = results / "fusion_study.md"
    path.write_text("\n".join(lines), encoding="utf-8")
    return path


def _study(reader: StudyReader, records: Records, results: Path) -> list[str]:
    result = reader.result
    assert result is not None, "of a finished study"
    snapshot = StudySnapshot.take(reader)
    numbers = {state: snapshot.counts()[state] for state in ("complete", "pruned", "failed")}
    counts = ", ".join(f"{number} {state}" for state, number in numbers.items() if number)
    data = reader.settings["data"]["name"]
    lines = [
        f"## {data}",
        "",
        *paragraph(f"{sum(numbers.values())} trials ({counts}), {snapshot.seconds / 3600:.1f} hours of trials in all."),
    ]
    lines += ["Best validation Recall@20 of the complete trials, one seed (number of complete trials):", ""]
    lines += _best_by_fusion(snapshot.complete)
    rows = [
        [str(Candidate.from_dict(one["candidate"])), f"{one['mean']:.4f} ± {one['spread']:.4f}"]
        for one in result["finalists"]
    ]
    lines += ["Finalists, seeds 1, 2, 3:", "", *table_lines(["candidate", "valid R@20"], rows)]
    lines += _test(reader, result["test"], records)
    for written in write_report(reader):
        if written.suffix == ".png" and any(name in written.name for name in PICTURES):
            target = results / f"fusion_study_{data}_{written.name.removeprefix('report_')}"
            shutil.copyfile(written, target)
            lines += [f"![{target.stem}]({target.name})", ""]
    return lines


def _best_by_fusion(trials: Sequence["FrozenTrial"]) -> list[str]:
    values: dict[tuple[str, str], list[float]] = defaultdict(list)
    for trial in trials:
        values[trial.params["model"], trial.params["fusion"]].append(trial.values[0])
    rows = [
        [
            model,
            *(f"{max(found):.4f} ({len(found)})" if (found := values[model, fusion]) else "-" for fusion in FUSIONS),
        ]
        for model in FUSION_MODELS
    ]
    return table_lines(["model", *FUSIONS], rows)


def _test(reader: StudyReader, test: dict[str, Any], records: Records) -> list[str]:
    """The winner beside what the study compared it with, and beside the table of models."""
    rows = [
        [role, str(Candidate.from_dict(candidate)), _figure(test["means"][role], test["spreads"][role])]
        for role, candidate in test["candidates"].items()
    ]
    folders = {
        role: [reader.folder / RUNS / study_key(reader.settings) / name for name in names]
        for role, names in test["runs"].items()
    }
    table = _table_runs(reader, records)
    for label, runs in table.items():
        rows.append([label, "see models.md", spread_text(runs, "test")])
        folders[label] = [records.cache / run["per_user"] for run in runs]
    groups = read_run_groups([folder for own in folders.values() for folder in own], test["metric"])
    values = {
        role: next(group for group in groups if own[0] in group.folders).user_values for role, own in folders.items()
    }
    compared = [
        [
            f"winner - {one.a}",
            f"{-one.difference:+.4f}",
            f"{-one.ci_high:+.4f} to {-one.ci_low:+.4f}",
            f"{one.t_p_corrected:.2g}",
        ]
        for one in compare(values, "winner")
    ]
    note = "p values of paired t-tests over users, after Holm's correction over all of these:"
    header = ["pair", "difference of R@20", "95 % interval", "p"]
    return [*table_lines(["", "candidate", "test R@20"], rows), note, "", *table_lines(header, compared)]


def _table_runs(reader: StudyReader, records: Records) -> dict[str, list[Record]]:
    """Of the table of models, the tuned LightGCN and the best multimodal graph model, with figures of each user."""
    done, budget = records.read(), Budget(MAX_EPOCHS, PATIENCE)
    source = Source.from_records(reader.settings["data"]["name"], done)
    found = {}
    for model in (TUNED, best_multimodal(done, source, budget)):
        runs = final_runs(done, source, model, chosen_point(done, source, model, budget), budget)
        if runs and all("per_user" in run and (records.cache / run["per_user"]).is_dir() for run in runs):
            found[f"table: {model}"] = runs
    return found


def _figure(mean: float, spread: float | None) -> str:
    return f"{mean:.4f}" + (f" ± {spread:.4f}" if spread is not None else "")
