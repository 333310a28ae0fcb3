"""Several processes on one study: nothing is lost and nothing is done twice."""

import signal
from dataclasses import replace
from pathlib import Path

import pytest
import torch
from optuna.trial import FrozenTrial, TrialState
from study_workers import SPACE, dataset, finish, options, start_worker, wait_until

from gnnrec.errors import ArgumentError
from gnnrec.tuning import StudyStorage, tune
from gnnrec.tuning.retry import MAX_RETRIES, RETRY_OF
from gnnrec.tuning.trial_queue import TrialQueue


@pytest.fixture(autouse=True)
def one_thread() -> None:
    torch.set_num_threads(1)


def trials_of(storage: StudyStorage, name: str = "shared") -> list[FrozenTrial]:
    return storage.load(name).get_trials(deepcopy=False)


def running(storage: StudyStorage) -> bool:
    return "shared" in storage.names() and any(trial.state == TrialState.RUNNING for trial in trials_of(storage))


def check_whole(trials: list[FrozenTrial], wanted: int) -> None:
    """Every slot has one result, and no parameters of the plan were run twice."""
    finished = [trial for trial in trials if trial.state == TrialState.COMPLETE]
    assert len(finished) == wanted
    assert len({trial.user_attrs.get(RETRY_OF, trial.number) for trial in finished}) == wanted
    assert not [trial for trial in trials if trial.state == TrialState.RUNNING]
    planned = SPACE.planned()
    for parameters in planned[:wanted]:
        same = [trial for trial in finished if trial.params.items() <= parameters.items()]
        assert len(same) == 1, f"the planned trial {parameters} ran {len(same)} times"


def test_two_workers_of_a_journal_share_the_trials(tmp_path: Path) -> None:
    workers = [start_worker(tmp_path, 16, epoch_seconds=0.02) for _ in range(2)]
    answers = [finish(worker) for worker in workers]
    assert answers[0] == answers[1]
    storage = StudyStorage(tmp_path / "shared" / "study.journal")
    trials = trials_of(storage)
    check_whole(trials, 16)
    assert len(trials) == 16
    assert len({trial.user_attrs["worker"] for trial in trials}) == 2
    finalists = next(name for name in storage.names() if name.startswith("shared finalists"))
    jobs = {(trial.user_attrs["of"], trial.user_attrs["seed"]) for trial in trials_of(storage, finalists)}
    assert len(jobs) == len(trials_of(storage, finalists)) == 4


def test_trial_of_a_killed_worker_is_run_again(tmp_path: Path) -> None:
    storage = StudyStorage(tmp_path / "shared" / "study.journal")
    victim = start_worker(tmp_path, 5, epoch_seconds=5.0)
    wait_until(lambda: running(storage) and "worker" in trials_of(storage)[0].user_attrs)
    victim.send_signal(signal.SIGKILL)
    victim.wait()
    assert [trial.state for trial in trials_of(storage)] == [TrialState.RUNNING]
    result = tune(dataset(), SPACE, name="shared", folder=tmp_path, options=options(5), test=False)
    trials = trials_of(storage)
    check_whole(trials, 5)
    assert len(result.trials) == 5
    dead, again = trials[0], next(trial for trial in trials if RETRY_OF in trial.user_attrs)
    assert dead.state == TrialState.FAIL
    assert again.user_attrs[RETRY_OF] == 0 and again.params == dead.params and again.state == TrialState.COMPLETE
    assert len(trials) == 6


def test_living_worker_takes_over_from_a_killed_one(tmp_path: Path) -> None:
    """The other worker, which has nothing left to do, waits for the last trial and gets it."""
    storage = StudyStorage(tmp_path / "shared" / "study.journal")
    victim = start_worker(tmp_path, 2, epoch_seconds=30.0)
    wait_until(lambda: running(storage))
    survivor = start_worker(tmp_path, 2)
    wait_until(lambda: any(trial.state == TrialState.COMPLETE for trial in trials_of(storage)))
    victim.kill()
    victim.wait()
    finish(survivor)
    check_whole(trials_of(storage), 2)


def test_study_goes_on_and_keeps_count(tmp_path: Path) -> None:
    first = tune(dataset(), SPACE, name="shared", folder=tmp_path, options=options(3), test=False)
    again = tune(dataset(), SPACE, name="shared", folder=tmp_path, options=options(3), test=False)
    longer = tune(dataset(), SPACE, name="shared", folder=tmp_path, options=options(6), test=False)
    assert [len(result.trials) for result in (first, again, longer)] == [3, 3, 6]
    assert [trial.number for trial in longer.trials] == list(range(6))
    assert first.to_dict() == again.to_dict()
    seeds = replace(options(3), seeds=(2, 5, 6))
    more = tune(dataset(), SPACE, name="shared", folder=tmp_path, options=seeds, test=False)
    assert {one.number for one in more.finalists} == {one.number for one in first.finalists}
    assert all(len(finalist.values) == 3 for finalist in more.finalists)
    by_number = {finalist.number: finalist.values for finalist in first.finalists}
    assert all(finalist.values[0] == by_number[finalist.number][1] for finalist in more.finalists), "seed 2 in both"
    whole = tune(dataset(), SPACE, name="other", folder=tmp_path, options=options(6), test=False)
    assert [trial.params for trial in whole.trials] == [trial.params for trial in longer.trials]
    assert [trial.values for trial in whole.trials] == [trial.values for trial in longer.trials]


def test_deaths_are_retried_a_few_times_only(tmp_path: Path) -> None:
    storage = StudyStorage(tmp_path / "study.journal")
    study = storage.create("shared", ["maximize"])
    for _ in range(MAX_RETRIES + 1):
        queue = TrialQueue(study, storage, 1)
        claim = queue.claim()
        assert claim is not None and claim.slot == 0
        assert queue._held is not None
        queue._held.release()  # what the kernel does with the lock of a dead process
    queue = TrialQueue(study, storage, 1)
    assert queue.claim() is None
    assert len(queue.finished()) == 1 and queue.finished()[0].state == TrialState.FAIL


def test_trial_is_claimed_once(tmp_path: Path) -> None:
    storage = StudyStorage(tmp_path / "study.journal")
    study = storage.create("shared", ["maximize"])
    queues = [TrialQueue(StudyStorage(tmp_path / "study.journal").load("shared"), storage, 3) for _ in range(4)]
    claims = [queue.claim() for queue in queues]
    assert [claim and claim.slot for claim in claims] == [0, 1, 2, None]
    queues[1].give_back(claims[1])  # type: ignore[arg-type]
    again = queues[3].claim()
    assert again is not None and again.slot == 1 and again.number == 3
    assert len(study.get_trials()) == 4


def test_trial_that_somebody_failed_without_queueing_it_is_run_again(tmp_path: Path) -> None:
    """A worker that was killed between the two."""
    storage = StudyStorage(tmp_path / "study.journal")
    study = storage.create("shared", ["maximize"])
    dead, queue = TrialQueue(study, storage, 1), TrialQueue(study, storage, 1)
    claim = dead.claim()
    assert claim is not None
    storage.backend.set_trial_state_values(claim.trial_id, state=TrialState.FAIL)
    dead.release()
    assert not queue.finished() and not queue.is_over()
    again = queue.claim()
    assert again is not None and (again.slot, again.number) == (0, 1)
    storage.backend.set_trial_state_values(again.trial_id, state=TrialState.COMPLETE, values=[1.0])
    assert queue.is_over() and len(study.get_trials()) == 2


def test_worker_whose_time_is_over_waits_for_the_trials_of_others(tmp_path: Path) -> None:
    storage = StudyStorage(tmp_path / "shared" / "study.journal")
    other = start_worker(tmp_path, 1, epoch_seconds=0.5)
    wait_until(lambda: running(storage))
    chosen = replace(options(1), timeout=0.001)
    result = tune(dataset(), SPACE, name="shared", folder=tmp_path, options=chosen, test=False)
    assert len(result.trials) >= 1, "it has run none itself"
    finish(other)


def test_four_workers_of_postgresql(tmp_path: Path, postgresql: str) -> None:
    """They share the trials; one that is killed loses its trial, which another runs again."""
    storage = StudyStorage(postgresql, heartbeat=3)
    victim = start_worker(tmp_path, 14, storage=postgresql, epoch_seconds=60.0)
    wait_until(lambda: running(storage))
    victim.kill()
    victim.wait()
    workers = [start_worker(tmp_path, 14, storage=postgresql, epoch_seconds=0.02) for _ in range(4)]
    answers = {finish(worker) for worker in workers}
    assert len(answers) == 1
    trials = trials_of(storage)
    check_whole(trials, 14)
    retried = {trial.user_attrs[RETRY_OF]: trial for trial in trials if RETRY_OF in trial.user_attrs}
    assert 0 in retried and trials[0].state == TrialState.FAIL
    complete = [trial for trial in trials if trial.state == TrialState.COMPLETE]
    assert len({trial.user_attrs["worker"] for trial in complete}) >= 2


def test_unreachable_storage(tmp_path: Path) -> None:
    pytest.importorskip("psycopg", reason="the extra 'postgres' is not installed")
    with pytest.raises(ArgumentError, match=r"'storage' postgresql://me:PASSWORD@localhost:1/db cannot be reached: "):
        StudyStorage("postgresql://me:secret@localhost:1/db")
    with pytest.raises(ArgumentError, match="'storage' nonsense://x is no URL of a database"):
        StudyStorage("nonsense://x")
    with pytest.raises(ArgumentError, match="is a folder"):
        StudyStorage(tmp_path)
    (tmp_path / "text").write_text("not a journal\n" * 3)
    with pytest.raises(ArgumentError, match="no journal of Optuna"):
        StudyStorage(tmp_path / "text")
