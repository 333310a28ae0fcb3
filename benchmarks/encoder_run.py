"""One run of benchmarks/compare_encoders.py, made in a process of its own."""

import json
import shutil
import time
import warnings
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import torch
from encoder_cache import COST_FILE, is_finished, only_one
from encoder_study import RANDOM, Setting, Study

import gnnrec.errors
from encoders.errors import ArgumentError, RandomWeightsWarning
from gnnrec.data import Dataset, ItemFeatures
from gnnrec.evaluation import EvalOptions
from gnnrec.training.callbacks import Callback
from gnnrec.training.encoder_source import EncoderSource, create_live_features
from gnnrec.training.experiment import run_experiment
from gnnrec.training.live_features import LiveFeatures
from gnnrec.training.peak_memory import forget_peak_memory, peak_memory, resident_memory
from gnnrec.training.run_folder import RunFolder
from gnnrec.training.state import TrainState

__all__ = ["EncoderJob", "run_encoder_job"]

RANDOM_DIM = 64


@dataclass(frozen=True)
class EncoderJob:
    """One run.

    Args:
        study: What it shares with others.
        setting: What it is.
        seed: Seed of training, of encoders without weights and of random features.
        folder: Its run folder; a run that is there goes on.
        contents: Hashes of what is encoded, noted in the run.
    """

    study: Study
    setting: Setting
    seed: int
    folder: Path
    contents: Mapping[str, str]

    def __str__(self) -> str:
        return f"{self.setting}, seed {self.seed}"


class _Clock(Callback):
    """When the recommender started to learn, after encoders had encoded, and when it was done."""

    def __init__(self) -> None:
        self.started = self.ended = 0.0

    def on_start(self, state: TrainState) -> None:
        self.started = time.perf_counter()

    def on_end(self, state: TrainState) -> None:
        self.ended = time.perf_counter()


def run_encoder_job(job: EncoderJob) -> str | None:
    """Train and evaluate once, into the job's folder.

    Returns:
        Why the run is impossible, such as encoders without weights that shall learn; None if it is done.
    """
    try:
        with only_one(job.folder):
            if not is_finished(job.folder):
                _run(job)
    except (ArgumentError, gnnrec.errors.ArgumentError, gnnrec.errors.TrainingError) as error:
        return str(error)
    return None


def _run(job: EncoderJob) -> None:
    setting, study = job.setting, job.study
    if job.folder.exists() and not (job.folder / "run.json").exists():
        shutil.rmtree(job.folder)  # killed before it said what it is
    dataset = _features_of(job, study.read())
    forget_peak_memory()
    data_memory = resident_memory()
    began = time.perf_counter()
    live, warned = _build_encoders(job, dataset) if setting.encoders else (None, False)
    prepared = time.perf_counter()
    already_tuned = _seconds(job.folder / "finetune" / "history.jsonl")
    clock = _Clock()
    result = run_experiment(
        setting.model,
        dataset,
        job.folder,
        features=[] if live else None,
        options=replace(study.options, seed=job.seed),
        evaluation=EvalOptions(ks=(10, 20), candidates=study.candidates, beyond_accuracy=False),
        callbacks=[clock],
        resume=job.folder.exists(),
        reading=study.reading,
        live=live,
        encoder_training=setting.regime if live else "frozen",
        encoding=_encoding(job) if live else None,
    )
    ended = time.perf_counter()
    tuned = _seconds(job.folder / "finetune" / "history.jsonl")
    trained = _seconds(job.folder / "history.jsonl")
    if not clock.started:  # a model without epochs
        clock.started, clock.ended = ended - result.seconds, ended
        trained = result.seconds
    cost = {
        # Of a run that was interrupted, learning counts in full and the rest as in its last part.
        "decode_seconds": round(prepared - began, 3),
        "encode_seconds": round(max(clock.started - prepared - (tuned - already_tuned), 0.0), 3),
        "finetune_seconds": round(tuned, 3),
        "train_seconds": round(trained, 3),
        "evaluate_seconds": round(max(ended - clock.ended, 0.0), 3),
        "peak_mib": round(peak_memory()),
        "data_mib": round(data_memory),
        "cuda_mib": round(torch.cuda.max_memory_allocated() / 2**20) if torch.cuda.is_initialized() else None,
        "threads": torch.get_num_threads(),
        "random_weights": warned,
    }
    RunFolder(job.folder).write_json(COST_FILE, cost)


def _features_of(job: EncoderJob, dataset: Dataset) -> Dataset:
    """The data with the features of this run alone: files that others use make no other run of it."""
    features = dataset.select_features(list(job.setting.features))
    if job.setting.regime == RANDOM:
        generator = torch.Generator().manual_seed(job.seed)
        values = torch.randn(dataset.num_items, RANDOM_DIM, generator=generator)
        features = {RANDOM: ItemFeatures(values, torch.ones(dataset.num_items, dtype=torch.bool))}
    return replace(dataset, features=features, stale={})


def _build_encoders(job: EncoderJob, dataset: Dataset) -> tuple[LiveFeatures, bool]:
    """Encoders with the contents of all items, and whether one of them has random weights."""
    assert job.setting.encoders is not None
    sources = [EncoderSource(name, weights=weights, seed=job.seed) for name, weights in job.setting.encoders.sources]
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always", RandomWeightsWarning)
        live = create_live_features(job.study.catalog(dataset), sources, job.study.live)
    for warning in caught:
        if warning.category is not RandomWeightsWarning:  # which the report says itself
            warnings.warn_explicit(warning.message, warning.category, warning.filename, warning.lineno)
    return live, any(warning.category is RandomWeightsWarning for warning in caught)


def _encoding(job: EncoderJob) -> dict[str, Any]:
    assert job.setting.encoders is not None
    return {
        "encoders": [
            {"name": name, "weights": None if weights is None else str(weights), "seed": job.seed}
            for name, weights in job.setting.encoders.sources
        ],
        "templates": dict(job.study.templates),
        "contents": dict(job.contents),
    }


def _seconds(history: Path) -> float:
    """Seconds of all epochs of a history; 0 where there is none."""
    if not history.exists():
        return 0.0
    return sum(json.loads(line)["seconds"] for line in history.read_text(encoding="utf-8").splitlines())
