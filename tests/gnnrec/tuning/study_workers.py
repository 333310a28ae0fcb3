"""Workers of a study in processes of their own, as users start them."""

import os
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

from gnnrec.data import Dataset
from gnnrec.testing import planted_dataset
from gnnrec.training import TrainOptions
from gnnrec.tuning import StudySpace, TuneOptions

SPACE = StudySpace(("vbpr", "bpr-mf"), ("concat", "mean"), (("planted",), ("planted", "noise")))
CHILD = """
import sys, time
sys.path.insert(0, sys.argv[1])
from study_workers import SPACE, dataset, options
from gnnrec.training import Callback
from gnnrec.tuning import tune

class Slow(Callback):
    def on_epoch(self, state, record):
        time.sleep(float(sys.argv[5]))

result = tune(dataset(), SPACE, name="shared", folder=sys.argv[2], storage=sys.argv[3] or None, heartbeat=3,
              options=options(int(sys.argv[4])), test=False, callbacks=lambda candidate: [Slow()])
print(result.best.number, result.best.mean)
"""


def dataset() -> Dataset:
    """Trains in a tenth of a second."""
    return planted_dataset(num_users=80, num_items=60)


def options(trials: int) -> TuneOptions:
    """Of a study that takes seconds."""
    training = TrainOptions(max_epochs=4, batch_size=256, learning_rate=0.01, device="cpu")
    return TuneOptions(trials=trials, startup_trials=4, finalists=2, seeds=(1, 2), prune=False, training=training)


def start_worker(folder: Path, trials: int, *, storage: str = "", epoch_seconds: float = 0.0) -> subprocess.Popen[str]:
    """Start one; ``epoch_seconds`` makes its trials longer."""
    here = str(Path(__file__).parent)
    return subprocess.Popen(
        [sys.executable, "-c", CHILD, here, str(folder), storage, str(trials), str(epoch_seconds)],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env={**os.environ, "OMP_NUM_THREADS": "1"},
    )


def finish(worker: subprocess.Popen[str]) -> str:
    """What it printed; fails with its errors."""
    out, errors = worker.communicate(timeout=240)
    assert worker.returncode == 0, errors
    return out


def wait_until(condition: Callable[[], bool], seconds: float = 120.0) -> None:
    """Wait for something that must happen."""
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end, "it did not happen in time"
        time.sleep(0.02)
