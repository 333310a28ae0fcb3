"""What a trial of a study costs beside its training.

    python benchmarks/tuning_overhead.py [--models vbpr lattice] [--trials 6] [--epochs 8]

A study on the Baby-shaped synthetic set, with a journal file. Overhead is all of its wall time but epochs and their
validation: choosing and reporting, building models, the sampler, the journal, and once a process the graphs. It is a
share of the epochs' time in the same run, so a busy machine slows both. Written to results/tuning_overhead.json.
"""

import argparse
import json
import tempfile
import time
from pathlib import Path
from typing import Any

import torch
from synthetic import BABY, synthetic_dataset

from gnnrec.data import Dataset
from gnnrec.training import Callback, TrainOptions, TrainState
from gnnrec.tuning import StudySpace, TuneOptions, tune

__all__ = ["main", "measure"]

RESULTS = Path(__file__).parent / "results"


class _Epochs(Callback):
    """Sums the seconds of epochs and of their validation."""

    def __init__(self) -> None:
        self.seconds = 0.0
        self.count = 0

    def on_epoch(self, state: TrainState, record: dict[str, Any]) -> None:
        self.seconds += record["seconds"]
        self.count += 1


def measure(model: str, dataset: Dataset, trials: int, epochs: int) -> dict[str, Any]:
    """Seconds of a study and of the epochs in it; the first trial, which builds graphs, apart."""
    clock = _Epochs()
    marks: list[tuple[float, float]] = []
    started = 0.0

    def mark(trial: object, finished: int, total: int) -> None:
        marks.append((time.perf_counter() - started, clock.seconds))

    options = TuneOptions(
        trials=trials,
        prune=True,
        finalists=1,
        seeds=(1,),
        training=TrainOptions(max_epochs=epochs, patience=epochs, device="cpu"),
    )
    space = StudySpace((model,), ("default", "attention"), (tuple(dataset.features),))
    with tempfile.TemporaryDirectory() as folder:
        started = time.perf_counter()
        tune(dataset, space, folder=folder, options=options, test=False, on_trial=mark, callbacks=lambda _: [clock])
    first, last = marks[0], marks[trials - 1]
    wall, trained = last[0] - first[0], last[1] - first[1]
    return {
        "model": model,
        "trials": trials,
        "epochs": epochs,
        "epoch_seconds": round(trained / ((trials - 1) * epochs), 4),
        "first_trial_overhead_seconds": round(first[0] - first[1], 3),
        "overhead_seconds_a_trial": round((wall - trained) / (trials - 1), 4),
        "overhead_share": round((wall - trained) / trained, 4),
    }


def main() -> None:
    """Measure the models that are asked for."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--models", nargs="+", default=["vbpr", "lattice"])
    parser.add_argument("--trials", type=int, default=6)
    parser.add_argument("--epochs", type=int, default=8)
    given = parser.parse_args()
    dataset = synthetic_dataset(**BABY, feature_dims={"image": 4096, "text": 384})
    rows = []
    for model in given.models:
        rows.append(measure(model, dataset, given.trials, given.epochs))
        print(json.dumps(rows[-1]), flush=True)
    content = {"shape": BABY, "threads": torch.get_num_threads(), "rows": rows}
    RESULTS.mkdir(exist_ok=True)
    (RESULTS / "tuning_overhead.json").write_text(json.dumps(content, indent=2) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
