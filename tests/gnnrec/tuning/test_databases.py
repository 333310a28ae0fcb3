"""Studies in a database: workers that start together, and a database that is away for a while."""

import json
import multiprocessing
import sqlite3
from collections.abc import Callable, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import replace
from pathlib import Path

import pytest
import torch
from optuna.storages import RDBStorage
from optuna.trial import TrialState
from sqlalchemy.exc import OperationalError
from study_workers import SPACE, dataset, options

from gnnrec.errors import ArgumentError, StorageError
from gnnrec.tuning import StudyStorage, database, tune
from gnnrec.tuning.study_settings import SETTINGS, check_settings, describe_study
from gnnrec.tuning.trial_queue import TrialQueue

TOGETHER = 8


def broken(message: str) -> OperationalError:
    """An error as SQLAlchemy raises it."""
    original = sqlite3.OperationalError(message)
    error = OperationalError("", None, original)
    error.__cause__ = original
    return error


def open_at_once(location: str, barrier: "multiprocessing.synchronize.Barrier", name: str) -> str:
    """What one of several workers is told that open an empty database in the same instant."""
    try:
        barrier.wait()
        return StudyStorage(location).create(name, ["maximize"]).study_name
    except Exception as error:
        return f"{type(error).__name__}: {error}"


def settle_at_once(location: str, barrier: "multiprocessing.synchronize.Barrier", name: str) -> str:
    """The seed of the study, or what the worker is told whose settings, given in place of a name, are others."""
    try:
        storage = StudyStorage(location)
        barrier.wait(200)
        is_new = storage.make("settled", ["maximize"])
        study = storage.load("settled")
        check_settings(study, json.loads(name), is_new=is_new)
        return str(study.user_attrs[SETTINGS]["options"]["seed"])
    except Exception as error:
        return f"{type(error).__name__}: {error}"


def start_together(location: str, work: Callable[..., str] = open_at_once, names: Sequence[str] = ()) -> list[str]:
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload(["gnnrec.tuning.storage"])  # loads torch once
    with context.Manager() as manager, ProcessPoolExecutor(TOGETHER, mp_context=context) as pool:
        barrier = manager.Barrier(TOGETHER)
        asked = [pool.submit(work, location, barrier, name) for name in names or ["together"] * TOGETHER]
        return [one.result() for one in asked]


def test_workers_that_start_together_on_sqlite(tmp_path: Path) -> None:
    assert start_together(f"sqlite:///{tmp_path}/s.db") == ["together"] * TOGETHER


@pytest.mark.parametrize("kind", ["sqlite", "postgresql"])
def test_two_studies_of_one_name_are_not_mixed(kind: str, tmp_path: Path, request: pytest.FixtureRequest) -> None:
    location = f"sqlite:///{tmp_path}/s.db" if kind == "sqlite" else request.getfixturevalue("postgresql")
    StudyStorage(location)  # its tables are there: the race is for the settings
    wanted = [describe_study(dataset(), SPACE, replace(options(3), seed=seed), {}) for seed in (0, 5)]
    told = start_together(location, settle_at_once, [json.dumps(wanted[place % 2]) for place in range(TOGETHER)])
    seed = StudyStorage(location).load("settled").user_attrs[SETTINGS]["options"]["seed"]
    for place, answer in enumerate(told):
        if (0, 5)[place % 2] == seed:
            assert answer == str(seed)
        else:
            assert answer == (
                f"ArgumentError: study 'settled' is another: its seed is {seed}, not {5 - seed}. Go on with the same "
                "settings, or choose another --name"
            )


def test_workers_that_start_together_on_postgresql(postgresql: str) -> None:
    assert start_together(postgresql) == ["together"] * TOGETHER


@pytest.mark.parametrize(
    "message",
    [
        "UNIQUE constraint failed: alembic_version.version_num",
        "table studies already exists",
        "database is locked",
    ],
)
def test_tables_that_another_worker_just_makes(message: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    create, calls = RDBStorage.__init__, 0

    def races(self: RDBStorage, *arguments: object, **more: object) -> None:
        nonlocal calls
        calls += 1
        if calls < 4:
            raise broken(message)
        create(self, *arguments, **more)  # type: ignore[arg-type]

    monkeypatch.setattr(RDBStorage, "__init__", races)
    assert StudyStorage(f"sqlite:///{tmp_path}/s.db").names() == []


def test_database_that_takes_no_tables_is_not_called_unreachable(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(database, "_CREATION_SECONDS", 0.0)
    (tmp_path / "text.db").write_text("user,item\n" * 1000)
    with pytest.raises(StorageError, match=r"^'storage' sqlite:///.*text\.db takes no studies: file is not a database"):
        StudyStorage(f"sqlite:///{tmp_path}/text.db")
    with pytest.raises(ArgumentError, match=r"cannot be reached: unable to open database file"):
        StudyStorage(f"sqlite:///{tmp_path}/missing/s.db")
    with pytest.raises(ArgumentError, match=r"'heartbeat' must be a positive integer \(got 0\)"):
        StudyStorage(f"sqlite:///{tmp_path}/s.db", heartbeat=0)


class Away:
    """A database that refuses the next calls of a method."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, method: str) -> None:
        self.refuses, self.asked = 0, 0
        call = getattr(RDBStorage, method)

        def refused(storage: RDBStorage, *arguments: object, **more: object) -> object:
            self.asked += 1
            if self.refuses:
                self.refuses -= 1
                raise broken("the database system is starting up")
            return call(storage, *arguments, **more)

        monkeypatch.setattr(RDBStorage, method, refused)


@pytest.mark.filterwarnings("ignore:'storage'", "ignore:Heartbeat")
def test_study_goes_on_when_the_database_comes_back(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    torch.set_num_threads(1)
    methods = ("set_trial_user_attr", "set_trial_intermediate_value", "set_trial_state_values", "record_heartbeat")
    away = [Away(monkeypatch, method) for method in methods]
    for one in away:
        one.refuses = 2
    location = f"sqlite:///{tmp_path}/s.db"
    result = tune(dataset(), SPACE, name="s", folder=tmp_path, storage=location, options=options(3), test=False)
    assert not any(one.refuses for one in away)
    assert [trial.state for trial in result.trials] == [TrialState.COMPLETE] * 3
    assert len(StudyStorage(location).load("s").get_trials()) == 3, "none was taken for dead"


@pytest.mark.filterwarnings("ignore:'storage'")
def test_sign_of_life_outlasts_the_database(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The thread that gives it goes on after errors that were not waited for."""
    monkeypatch.setattr(database, "_ABSENCE_SECONDS", 0.0)
    storage = StudyStorage(f"sqlite:///{tmp_path}/s.db", heartbeat=1)
    queue = TrialQueue(storage.create("s", ["maximize"]), storage, 1)
    claim = queue.claim()
    away = Away(monkeypatch, "record_heartbeat")
    away.refuses = 2
    other = TrialQueue(StudyStorage(storage.location, heartbeat=1).load("s"), storage, 1)
    while away.asked < 4:
        pass
    other.requeue_dead()
    assert claim is not None and storage.backend.get_trial(claim.trial_id).state == TrialState.RUNNING
    queue.release()


@pytest.mark.filterwarnings("ignore:'storage'")
def test_database_that_stays_away_is_one_line(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(database, "_ABSENCE_SECONDS", 0.0)
    storage = StudyStorage(f"sqlite:///{tmp_path}/s.db")
    away = Away(monkeypatch, "get_all_studies")
    away.refuses = 100
    with pytest.raises(StorageError, match=r"^'storage' sqlite:.*: the database system is starting up; once that is"):
        storage.names()
