"""Studies of two workers, of which one is killed at twenty moments: nothing is lost, and the study ends as one does."""

import contextlib
import os
import random
import signal
import sys
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path

import pytest
import torch
from optuna.trial import TrialState
from study_workers import SPACE, dataset, options

from gnnrec.errors import UnknownNameError
from gnnrec.training import Callback
from gnnrec.tuning import StudyStorage, tune
from gnnrec.tuning.retry import RETRY_OF

pytestmark = [pytest.mark.slow, pytest.mark.timeout(900)]

KILLS = 20
TRIALS = 24


class Slow(Callback):
    """Makes a trial long enough to be killed in."""

    def on_epoch(self, state: object, record: dict[str, object]) -> None:
        time.sleep(0.05)


def work(folder: Path, location: str) -> None:
    torch.set_num_threads(1)
    tune(
        dataset(),
        SPACE,
        name="killed",
        folder=folder,
        storage=location or None,
        heartbeat=1,
        options=options(TRIALS),
        test=False,
        callbacks=lambda candidate: [Slow()],
    )


def start(job: Callable[[], None]) -> int:
    """Do it in a process that has everything imported already; gives its id."""
    child = os.fork()
    if child:
        return child
    status = 1
    with contextlib.suppress(BaseException), Path(os.devnull).open("w") as nowhere:
        sys.stdout = sys.stderr = nowhere
        job()
        status = 0
    os._exit(status)


def finished(storage: StudyStorage) -> dict[int, float]:
    """Values by number of the trials that are complete."""
    trials = storage.load("killed").get_trials(states=(TrialState.COMPLETE,))
    return {trial.number: trial.value for trial in trials if trial.value is not None}


def wait_for_one(storage_of: Callable[[], StudyStorage], kept: dict[int, float]) -> dict[int, float]:
    """What is finished, once that is more than before; or after some seconds, since all may be."""
    end, found = time.monotonic() + 8, kept
    while len(found) <= len(kept) and time.monotonic() < end:
        time.sleep(0.1)
        with contextlib.suppress(UnknownNameError):  # no worker has come so far
            found = finished(storage_of())
    return found


@pytest.mark.parametrize("kind", ["journal", "sqlite", "postgresql"])
def test_nothing_is_lost(tmp_path: Path, kind: str, request: pytest.FixtureRequest) -> None:
    location = {
        "journal": lambda: "",
        "sqlite": lambda: f"sqlite:///{tmp_path}/study.db",
        "postgresql": lambda: request.getfixturevalue("postgresql"),
    }[kind]()
    job, moments = partial(work, tmp_path / "studies", location), random.Random(0)
    journal = tmp_path / "studies" / "killed" / "study.journal"
    storage_of = partial(StudyStorage, location or journal)
    kept: dict[int, float] = {}
    workers = [start(job), start(job)]
    for turn in range(KILLS):
        time.sleep(moments.uniform(0.1, 1.0))
        victim = workers[turn % 2]
        os.kill(victim, signal.SIGKILL)
        os.waitpid(victim, 0)
        workers[turn % 2] = start(job)
        found = wait_for_one(storage_of, kept)
        assert {number: found.get(number) for number in kept} == kept
        kept = found
    assert [os.waitpid(worker, 0)[1] for worker in workers] == [0, 0]
    storage = StudyStorage(location or journal)
    trials = storage.load("killed").get_trials()
    # Two workers may find the same dead one, so that its trial runs twice, and counts once.
    done = {
        trial.user_attrs.get(RETRY_OF, trial.number): trial.params
        for trial in trials
        if trial.state == TrialState.COMPLETE
    }
    assert len(done) == TRIALS
    assert len(kept) > KILLS / 4, "trials were finished between the kills"
    assert {number: finished(storage).get(number) for number in kept} == kept
    open_ones = [trial.number for trial in trials if trial.state in (TrialState.RUNNING, TrialState.WAITING)]
    assert open_ones == []
    undisturbed = tmp_path / "undisturbed"
    work(undisturbed, "")
    other = StudyStorage(undisturbed / "killed" / "study.journal").load("killed")
    planned = [trial.params for trial in other.get_trials()[:4]]
    assert [done[first] for first in sorted(done)[:4]] == planned, "what is planned is run, whatever happens"
