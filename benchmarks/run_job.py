"""One run of benchmarks/models.py, made in a process of its own."""

import json
import shutil
import statistics
import tempfile
from pathlib import Path
from typing import Any

import torch
from cold_items import train_on_cold_split
from records import COLD_SPLIT, Job, Record
from spaces import split_point

import gnnrec
from gnnrec.errors import TrainingError
from gnnrec.evaluation import EvalOptions
from gnnrec.training import TrainOptions
from gnnrec.training.allocator import keep_freed_memory
from gnnrec.training.experiment import run_experiment
from gnnrec.training.peak_memory import forget_peak_memory, peak_memory, resident_memory
from gnnrec.training.reading import read_for_training

__all__ = ["run_job"]

METRICS = ("recall@20", "ndcg@20")
USER_FILES = ("run.json", "metrics_per_user.parquet")
"""What ``gnnrec compare`` needs of a run folder."""


def run_job(job: Job, cache: Path) -> Record:
    """Train and evaluate once; give what the record says beside ``Job.describe``."""
    assert job.source.path is not None
    keep_freed_memory()
    dataset = read_for_training(job.model, job.source.path, split=job.split)
    own, training = split_point(job.point)
    options = TrainOptions(
        seed=job.seed,
        device=job.device,
        max_epochs=job.budget.max_epochs,
        patience=job.budget.patience,
        **training,
    )
    with tempfile.TemporaryDirectory() as temporary:
        folder = Path(temporary) / "run"
        forget_peak_memory()
        data_memory = resident_memory()
        try:
            if job.split == COLD_SPLIT:
                figures = train_on_cold_split(job.model, dataset, job.features, own, options, folder)
            else:
                result = run_experiment(
                    job.model,
                    dataset,
                    folder,
                    model_options=own,
                    features=job.features or None,
                    options=options,
                    evaluation=EvalOptions(ks=(10, 20), beyond_accuracy=False),
                )
                assert result.valid is not None and result.test is not None
                figures = {
                    "valid": _chosen(result.valid.metrics),
                    "test": _chosen(result.test.metrics),
                    "test_warm": _chosen(result.test.warm),
                    "test_by_item_count": [_group(row) for row in result.test.by_item_count],
                    "epochs": result.epochs,
                    "best_epoch": result.best_epoch,
                    "seconds": round(result.seconds, 1),
                }
            figures |= _epoch_seconds(folder / "history.jsonl")
        except TrainingError as error:
            figures = {"failed": str(error), "epochs": 0}
        record: Record = {**figures, "peak_mib": round(peak_memory()), "data_mib": round(data_memory)}
        if (folder / "run.json").exists():
            record |= _described(json.loads((folder / "run.json").read_text()))
        if job.keep_users and "failed" not in figures:
            record["per_user"] = job.folder()
            (cache / job.folder()).mkdir(parents=True, exist_ok=True)
            for name in USER_FILES:
                shutil.copyfile(folder / name, cache / job.folder() / name)
    return {
        **record,
        "max_epochs": job.budget.max_epochs,
        "patience": job.budget.patience,
        "device": job.device,
        "threads": torch.get_num_threads(),
        "versions": {"gnnrec": gnnrec.__version__, "torch": torch.__version__},
        "command": command_of(job, own),
    }


def command_of(job: Job, own: dict[str, Any]) -> str:
    """The command line that repeats a run; the selection on cold items is that of ``models.py`` alone."""
    if job.split == COLD_SPLIT:
        return f"python benchmarks/models.py cold {job.source.name} --models {job.model} --rerun"
    parts = ["gnnrec", "train", job.model, job.source.name, f"--seed {job.seed}"]
    parts += [f"--device {job.device}"] if job.device != "cpu" else []
    parts += [f"--max-epochs {job.budget.max_epochs}", f"--patience {job.budget.patience}"]
    parts += [f"--features {','.join(job.features)}"] if job.features else []
    parts += [f"--set {name}={value}" for name, value in own.items()]
    parts += [f"--{name.replace('_', '-')} {value}" for name, value in job.point.items() if name not in own]
    return " ".join(parts)


def _chosen(metrics: dict[str, float]) -> dict[str, float]:
    return {name: metrics[name] for name in METRICS}


def _group(row: dict[str, Any]) -> Record:
    """Of a group of items, its bounds, its held-out interactions and the share of them found."""
    return {name: row[name] for name in ("from", "to", "positives", "recall@20")}


def _described(run: dict[str, Any]) -> Record:
    """Of a run's description, what a table of models shows."""
    return {
        "parameters": run["model"]["num_parameters"],
        "feature_hashes": {name: feature["hash"] for name, feature in run["features"].items()},
    }


def _epoch_seconds(history: Path) -> dict[str, float]:
    """Mean seconds of an epoch's training and of its evaluation; nothing for models without epochs."""
    if not history.exists():
        return {}
    epochs = [json.loads(line) for line in history.read_text().splitlines()]
    return {
        "epoch_seconds": statistics.mean(epoch["train_seconds"] for epoch in epochs),
        "evaluation_seconds": statistics.mean(epoch["seconds"] - epoch["train_seconds"] for epoch in epochs),
    }
