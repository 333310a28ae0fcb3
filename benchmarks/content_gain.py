"""What encoded content adds: models with given features beside models without any, several seeds, paired tests.

    python benchmarks/content_gain.py ../shared/data/ml100k/ua.base --features minilm --feature-folder features

Every model runs with its shipped defaults; validation is carved out of train for all of them where the data bring none,
and selects the epoch. Runs that are there already are kept.
"""

import argparse
import sys
from pathlib import Path

from gnnrec.evaluation import EvalOptions
from gnnrec.evaluation.run_group import RunGroup, read_run_groups
from gnnrec.evaluation.significance import Comparison, compare
from gnnrec.models import model_class
from gnnrec.training import TrainOptions
from gnnrec.training.experiment import run_experiment
from gnnrec.training.reading import read_for_training

HERE = Path(__file__).resolve().parent
METRICS = ("recall@20", "ndcg@20")


def train(model: str, path: Path, features: list[str], feature_folder: str | None, seed: int, folder: Path) -> None:
    """One run, if it is not there yet."""
    reading = {"carve": True, "feature_folder": feature_folder}
    needs = model_class(model).needs_features
    dataset = read_for_training(model, path, **reading)
    run_experiment(
        model,
        dataset,
        folder,
        features=features if needs else None,
        options=TrainOptions(seed=seed),
        evaluation=EvalOptions(ks=(20,)),
        resume=folder.exists(),
        reading=reading,
    )
    print(f"{model} seed {seed}: done", file=sys.stderr, flush=True)


def report(groups: dict[str, list[RunGroup]], comparisons: list[Comparison], features: list[str], data: str) -> str:
    """The table and the tests as Markdown."""
    command = f"python benchmarks/content_gain.py LOG --features {','.join(features)} --feature-folder FOLDER"
    lines = [f"# {', '.join(features)} on {data}", "", f"Written by `{command}`.", ""]
    lines += ["| model | content | seeds | " + " | ".join(f"test {name}" for name in METRICS) + " |"]
    lines += ["|---|---|---|" + "---|" * len(METRICS)]
    first = groups[METRICS[0]]
    for place, group in enumerate(first):
        content = "yes" if model_class(group.name).needs_features else "no"
        figures = [groups[name][place] for name in METRICS]
        cells = [f"{one.mean:.4f} ± {one.spread or 0:.4f}" for one in figures]
        lines.append(f"| {group.name} | {content} | {len(group.seeds)} | {' | '.join(cells)} |")
    lines += ["", f"Paired tests over users of {METRICS[0]}, Holm's correction over all pairs:", ""]
    lines += ["| pair | difference | 95 % interval | p, t-test | p, Wilcoxon |", "|---|---|---|---|---|"]
    for one in comparisons:
        lines.append(
            f"| {one.a} - {one.b} | {one.difference:+.4f} | {one.ci_low:+.4f} to {one.ci_high:+.4f} "
            f"| {one.t_p_corrected:.2g} | {one.wilcoxon_p_corrected:.2g} |"
        )
    return "\n".join(lines) + "\n"


def main() -> None:
    """Train what is missing, compare, write the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("path", type=Path)
    parser.add_argument("--features", required=True, help="names, separated by commas")
    parser.add_argument("--feature-folder", type=Path)
    parser.add_argument("--models", nargs="+", default=["bpr-mf", "vbpr", "lightgcn", "lattice"])
    parser.add_argument("--seeds", nargs="+", type=int, default=[1, 2, 3])
    parser.add_argument("--runs", type=Path, default=Path("runs/content-gain"))
    parser.add_argument("--out", type=Path, default=HERE / "results" / "content_gain.md")
    given = parser.parse_args()
    features = given.features.split(",")
    folder = None if given.feature_folder is None else str(given.feature_folder)
    runs = [given.runs / f"{model}-{seed}" for model in given.models for seed in given.seeds]
    for run, (model, seed) in zip(runs, [(m, s) for m in given.models for s in given.seeds], strict=True):
        train(model, given.path, features, folder, seed, run)
    groups = {name: read_run_groups(runs, name) for name in METRICS}
    comparisons = compare({group.name: group.user_values for group in groups[METRICS[0]]})
    text = report(groups, comparisons, features, given.path.parent.name)
    given.out.write_text(text, encoding="utf-8")
    print(text)


if __name__ == "__main__":
    main()
