"""All models on real data: a small validation search, then three seeds of its best points and of the defaults.

    python benchmarks/baselines.py search DATA_FOLDER...      every point of GRIDS once, with seed 0
    python benchmarks/baselines.py final DATA_FOLDER...       the search's best two and the defaults, seeds 1, 2, 3
    python benchmarks/baselines.py table                      results/baselines.md from the records

Every finished run is one line of results/baselines.jsonl, so a killed search goes on where it stopped and several
processes may share the work (--models). The search reads validation figures only.
"""

import argparse
import itertools
import json
import statistics
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from gnnrec.evaluation import EvalOptions
from gnnrec.models import Recommender, model_arguments, model_class
from gnnrec.training import TrainOptions
from gnnrec.training.experiment import run_experiment
from gnnrec.training.reading import read_for_training

RESULTS = Path(__file__).parent / "results"
RECORDS = RESULTS / "baselines.jsonl"
SEEDS = (1, 2, 3)
FINALISTS = 2
"""Points of each search that go on to the final seeds; their mean validation figure decides."""
FEATURES = {"lfm2k": ["whisper", "all-MiniLM-L6-v2"], "tiktok": ["image", "audio"]}
TRAINING = ("learning_rate", "batch_size")
"""Names in a grid point that are options of training; all others are the model's own."""

_FACTORS = {"regularization": [1e-2, 2e-2, 3e-2, 1e-1, 3e-1], "init_std": [0.01, 0.1], "learning_rate": [1e-3, 3e-3]}
GRIDS: dict[str, list[dict[str, list[Any]]]] = {
    "popularity": [{}],
    "item-knn": [{"asymmetry": [0.5, 0.65, 0.8], "shrinkage": [5.0, 20.0], "k": [100, 200]}],
    "user-knn": [{"item_damping": [0.0, 0.5], "amplification": [1.0, 2.0], "k": [100, 200, 400]}],
    "content-knn": [{"center": [False, True]}],
    "rp3-beta": [{"alpha": [0.7, 0.8, 1.0], "beta": [0.1, 0.2, 0.3], "k": [100, 200]}],
    "ease": [{"regularization": [25.0, 50.0, 75.0, 100.0, 150.0, 300.0]}],
    "gf-cf": [{"alpha": [0.1, 0.3, 0.6], "rank": [64, 256]}],
    "bpr-mf": [
        {"regularization": [1e-2, 2e-2, 3e-2, 1e-1, 3e-1], "init_std": [0.01, 0.1], "learning_rate": [1e-3, 3e-3]}
    ],
    "lightgcn": [
        {"num_layers": [2, 3], "regularization": [1e-4, 1e-3, 1e-2], "learning_rate": [1e-3, 2e-3, 3e-3]},
        {"num_layers": [3], "regularization": [1e-4, 1e-3], "learning_rate": [1e-3, 2e-3], "batch_size": [1024]},
    ],
    "vbpr": [
        {"regularization": [1e-2, 2e-2, 3e-2, 1e-1, 3e-1], "init_std": [0.01, 0.1], "learning_rate": [1e-3, 3e-3]}
    ],
}


def points(model: str) -> Iterator[dict[str, Any]]:
    """Every combination of each of a model's grids."""
    for grid in GRIDS[model]:
        for values in itertools.product(*grid.values()):
            yield dict(zip(grid, values, strict=True))


def seeds_of(model: str) -> tuple[int, ...]:
    """Seeds of the final runs: none that the search saw, and one for models without chance."""
    return SEEDS if issubclass(model_class(model), Recommender) else (0,)


def settings_key(settings: dict[str, Any]) -> str:
    """Settings as one text, to compare them."""
    return json.dumps(settings, sort_keys=True)


def settings_of(model: str, point: dict[str, Any]) -> dict[str, Any]:
    """All hyper-parameters that a point stands for: its own and the defaults of today."""
    options = TrainOptions()
    defaults = {name: parameter.default for name, parameter in model_arguments(model).items()}
    if issubclass(model_class(model), Recommender):
        defaults |= {name: getattr(options, name) for name in TRAINING}
    return {**defaults, **point}


def read_records() -> list[dict[str, Any]]:
    """All finished runs."""
    return [json.loads(line) for line in RECORDS.read_text().splitlines()] if RECORDS.exists() else []


def run_once(data: Path, model: str, point: dict[str, Any], seed: int) -> dict[str, Any]:
    """Train and evaluate once; give the record."""
    dataset = read_for_training(model, data)
    options = TrainOptions(seed=seed, device="cpu", **{key: value for key, value in point.items() if key in TRAINING})
    with tempfile.TemporaryDirectory() as folder:
        result = run_experiment(
            model,
            dataset,
            Path(folder) / "run",
            model_options={key: value for key, value in point.items() if key not in TRAINING},
            features=FEATURES.get(dataset.name) if model_class(model).needs_features else None,
            options=options,
            evaluation=EvalOptions(ks=(10, 20), beyond_accuracy=False),
        )
    assert result.valid is not None and result.test is not None
    chosen = ("recall@20", "ndcg@20")
    return {
        "data": dataset.name,
        "fingerprint": dataset.fingerprint,
        "model": model,
        "settings": settings_of(model, point),
        "seed": seed,
        "valid": {name: result.valid.metrics[name] for name in chosen},
        "test": {name: result.test.metrics[name] for name in chosen},
        "test_warm": {name: result.test.warm[name] for name in chosen},
        "epochs": result.epochs,
        "best_epoch": result.best_epoch,
        "seconds": round(result.seconds, 1),
    }


def key_of(record: dict[str, Any]) -> str:
    """What makes two runs the same."""
    return json.dumps([record[name] for name in ("data", "model", "settings", "seed")], sort_keys=True)


def run_all(jobs: list[tuple[Path, str, dict[str, Any], int]]) -> None:
    """Run what has no record yet."""
    RESULTS.mkdir(exist_ok=True)
    for number, (data, model, point, seed) in enumerate(jobs, start=1):
        done = {key_of(record) for record in read_records()}
        wanted = {"data": data.name, "model": model, "settings": settings_of(model, point), "seed": seed}
        if key_of(wanted) in done:
            continue
        record = run_once(data, model, point, seed)
        with RECORDS.open("a", encoding="utf-8") as file:
            file.write(json.dumps(record) + "\n")
        figures = f"valid {record['valid']['recall@20']:.4f}, {record['seconds']:.0f} s"
        print(f"{number}/{len(jobs)} {data.name} {model} {point} seed {seed}: {figures}", flush=True)


def best_of_search(records: list[dict[str, Any]], data: str, model: str, count: int) -> list[dict[str, Any]]:
    """The grid points with the best validation Recall@20 at seed 0, best first."""
    valid = {
        settings_key(record["settings"]): record["valid"]["recall@20"]
        for record in records
        if (record["data"], record["model"], record["seed"]) == (data, model, 0)
    }
    searched = [point for point in points(model) if settings_key(settings_of(model, point)) in valid]
    if not searched:
        raise SystemExit(f"no search of {model} on {data} in {RECORDS}; run: python benchmarks/baselines.py search")
    return sorted(searched, key=lambda point: -valid[settings_key(settings_of(model, point))])[:count]


def final_runs(records: list[dict[str, Any]], data: str, model: str, point: dict[str, Any]) -> list[dict[str, Any]]:
    """The final runs of a point."""
    key = settings_key(settings_of(model, point))
    return [
        record
        for record in records
        if (record["data"], record["model"]) == (data, model)
        and record["seed"] in seeds_of(model)
        and settings_key(record["settings"]) == key
    ]


def chosen_point(records: list[dict[str, Any]], data: str, model: str) -> dict[str, Any]:
    """Of the search's best points, the one whose final runs have the best mean validation Recall@20."""

    def mean_valid(point: dict[str, Any]) -> float:
        runs = final_runs(records, data, model, point)
        return statistics.mean(run["valid"]["recall@20"] for run in runs) if runs else -1.0

    return max(best_of_search(records, data, model, FINALISTS), key=mean_valid)


def write_table() -> None:
    """Write results/baselines.md: mean and spread over seeds, chosen point and defaults."""
    records = read_records()
    lines = ["# Ten models on two real sets", ""]
    lines += [
        "Written by `python benchmarks/baselines.py table`. Each search point ran once (seed 0) and was judged by",
        "validation Recall@20 only; the best two points and the shipped defaults then ran with seeds 1, 2 and 3, and",
        "of the two the better one on mean validation Recall@20 is shown.",
        "Figures are means over seeds, with the standard deviation; models without chance have one run.",
        "",
    ]
    for data in sorted({record["data"] for record in records}):
        lines += [f"## {data}", ""]
        lines += ["| model | settings | valid R@20 | test R@20 | test N@20 | test R@20, warm only | epoch | s |"]
        lines += ["|---|---|---|---|---|---|---|---|"]
        for model in GRIDS:
            if not any(record["data"] == data and record["model"] == model for record in records):
                continue
            best = chosen_point(records, data, model)
            rows = {"defaults": {}, "search": best}
            if settings_of(model, best) == settings_of(model, {}):
                rows = {"defaults, also the search's choice": {}}
            for label, point in rows.items():
                runs = final_runs(records, data, model, point)
                if runs:
                    shown = ", ".join(f"{key} {value:g}" for key, value in point.items())
                    name = f"{label}: {shown}" if shown else label
                    lines.append(f"| {model} | {name} | {_row(runs)} |")
        searched = sum(record["data"] == data and record["seed"] == 0 for record in records)
        lines += ["", f"{searched} runs with seed 0 in all.", ""]
    (RESULTS / "baselines.md").write_text("\n".join(lines), encoding="utf-8")
    print(f"written: {RESULTS / 'baselines.md'}")


def _row(runs: list[dict[str, Any]]) -> str:
    def spread(part: str, name: str) -> str:
        values = [run[part][name] for run in runs]
        deviation = f" ± {statistics.stdev(values):.4f}" if len(values) > 1 else ""
        return f"{statistics.mean(values):.4f}{deviation}"

    figures = [("valid", "recall@20"), ("test", "recall@20"), ("test", "ndcg@20"), ("test_warm", "recall@20")]
    epochs = "-" if runs[0]["epochs"] == 0 else f"{statistics.mean(run['best_epoch'] for run in runs):.0f}"
    seconds = f"{statistics.mean(run['seconds'] for run in runs):.0f}"
    return " | ".join([*(spread(*figure) for figure in figures), epochs, seconds])


def main() -> None:
    """Parse the command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("what", choices=["search", "final", "table"])
    parser.add_argument("data", type=Path, nargs="*")
    parser.add_argument("--models", nargs="+", default=list(GRIDS), choices=list(GRIDS))
    options = parser.parse_args()
    if options.what == "table":
        write_table()
        return
    jobs: list[tuple[Path, str, dict[str, Any], int]] = []
    for data, model in itertools.product(options.data, options.models):
        if options.what == "search":
            jobs += [(data, model, point, 0) for point in points(model)]
            continue
        for point in ({}, *best_of_search(read_records(), data.name, model, FINALISTS)):
            jobs += [(data, model, point, seed) for seed in seeds_of(model)]
    run_all(jobs)


if __name__ == "__main__":
    main()
