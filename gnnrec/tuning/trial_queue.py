"""Which trial a worker takes next."""

import contextlib
import random
import time
import warnings
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from threading import Event, Thread
from typing import TYPE_CHECKING

from filelock import FileLock, Timeout

from gnnrec.tuning.retry import RETRY_OF, is_orphan, requeue
from gnnrec.tuning.storage import StudyStorage

if TYPE_CHECKING:
    from optuna.study import Study
    from optuna.trial import FrozenTrial

__all__ = ["Claim", "TrialQueue"]


@dataclass(frozen=True)
class Claim:
    """A trial that is this worker's own.

    Args:
        slot: Which of the study's trials it is, from 0; a trial run again has the slot of the one that it replaces.
        number: Optuna's number of it.
        trial_id: The storage's id of it.
    """

    slot: int
    number: int
    trial_id: int


class TrialQueue:
    """Hands out each of a study's trials to one worker, however many there are and wherever they run.

    ``Study.optimize`` counts the trials of one process. Here the first ``num_slots`` trials that are no retries are the
    study's; each is queued empty, and taken by the one worker that turns it from waiting to running. A number is given
    once and never changes, so all workers agree. If two of them queue at once, one trial more than ``num_slots`` waits
    for a study that is made longer.

    A worker of a journal holds a lock on its trial, which the kernel frees when it dies; one of a database sends signs
    of life. What is running without them has failed and is queued again.

    Args:
        study: The study.
        storage: Where it is kept.
        num_slots: Number of trials.
    """

    def __init__(self, study: "Study", storage: StudyStorage, num_slots: int) -> None:
        self.study = study
        self.storage = storage
        self.num_slots = num_slots
        self._held: FileLock | None = None
        self._heartbeat: tuple[Thread, Event] | None = None
        self._seen: dict[int, float] = {}

    def claim(self) -> Claim | None:
        """Take the next trial; None if all are finished or in the hands of others."""
        from optuna.trial import TrialState

        self.requeue_dead()
        while True:
            trials = self.study.get_trials(deepcopy=False)
            slots = _slots(trials)
            for trial in trials:
                slot = slots[trial.number]
                if trial.state == TrialState.WAITING and slot < self.num_slots and self._take(trial):
                    return Claim(slot, trial.number, trial._trial_id)
            with self.storage.alone():
                trials = self.study.get_trials(deepcopy=False)
                missing = self.num_slots > len(set(_slots(trials).values()))
                if missing:
                    self.study.enqueue_trial({})
            if not missing:
                return None

    def release(self) -> None:
        """Say that the claimed trial is over; call it when the storage knows its result."""
        if self._heartbeat:
            thread, stop = self._heartbeat
            stop.set()
            thread.join()
            self._heartbeat = None
        if self._held:
            self._held.release()
            self._held = None

    def give_back(self, claim: Claim, *, died: bool = False) -> None:
        """Queue the claimed trial again, because this worker stops.

        Args:
            claim: The trial.
            died: Whether the trial is to blame; then it counts as a retry.
        """
        try:
            self._fail(claim.trial_id, died=died)
        finally:
            self.release()

    def requeue_dead(self) -> None:
        """Queue again what runs without a worker."""
        import optuna
        from optuna.trial import TrialState

        if self.storage.locks is None:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore", optuna.exceptions.ExperimentalWarning)
                optuna.storages.fail_stale_trials(self.study)
            self._adopt_orphans()
            return
        for trial in self.study.get_trials(deepcopy=False, states=(TrialState.RUNNING,)):
            lock = _lock(self.storage.locks, self.study, trial.number)
            if lock is None:
                continue
            try:
                # Between reading and locking its worker may have finished it.
                if self.storage.backend.get_trial(trial._trial_id).state == TrialState.RUNNING:
                    self._fail(trial._trial_id, died=True)
            finally:
                lock.release()
        self._adopt_orphans()

    def finished(self) -> "list[FrozenTrial]":
        """The last trial of each slot that is over."""
        return [trial for trial in self._last() if trial.state.is_finished() and not is_orphan(trial)]

    def is_over(self) -> bool:
        """Whether nothing is left to do, for this worker or for others."""
        return len(self.finished()) == self.num_slots

    def is_running(self) -> bool:
        """Whether another worker is at a trial."""
        from optuna.trial import TrialState

        self.requeue_dead()
        return any(trial.state == TrialState.RUNNING for trial in self._last())

    def _last(self) -> "list[FrozenTrial]":
        """The last trial of each slot."""
        trials = self.study.get_trials(deepcopy=False)
        slots = _slots(trials)
        last = {slots[trial.number]: trial for trial in trials}
        return [trial for slot, trial in last.items() if slot < self.num_slots]

    def _adopt_orphans(self) -> None:
        """Queue again what somebody failed who then died before queueing it."""
        # Of a journal nobody else is at it meanwhile; of a database somebody may be, and is given time.
        patience = 0.0 if self.storage.heartbeat is None else self.storage.heartbeat * random.uniform(2, 4)
        orphans = [trial for trial in self._last() if is_orphan(trial)]
        self._seen = {trial.number: self._seen.get(trial.number, time.monotonic()) for trial in orphans}
        if all(time.monotonic() - seen < patience for seen in self._seen.values()):
            return
        with self.storage.alone():
            for trial in self._last():
                if is_orphan(trial) and time.monotonic() - self._seen.get(trial.number, time.monotonic()) >= patience:
                    requeue(self.study, trial)

    def _take(self, trial: "FrozenTrial") -> bool:
        from optuna.exceptions import UpdateFinishedTrialError
        from optuna.trial import TrialState

        # First the sign of life: a worker that dies in between must not leave a trial that runs for ever.
        if self.storage.locks is not None:
            self._held = _lock(self.storage.locks, self.study, trial.number)
            if self._held is None:
                return False
        else:
            self._start_heartbeat(trial._trial_id)
        try:
            taken = self.storage.backend.set_trial_state_values(trial._trial_id, state=TrialState.RUNNING)
        except UpdateFinishedTrialError:
            taken = False
        if not taken:
            self.release()
        return taken

    def _start_heartbeat(self, trial_id: int) -> None:
        backend, interval = self.storage.backend, self.storage.heartbeat
        stop = Event()
        backend.record_heartbeat(trial_id)  # type: ignore[attr-defined]

        def beat() -> None:
            while not stop.wait(interval):
                # A thread that ends would leave a healthy trial without a sign of life; a database that is gone for
                # good is told of by whatever else asks it.
                with contextlib.suppress(Exception):
                    backend.record_heartbeat(trial_id)  # type: ignore[attr-defined]

        thread = Thread(target=beat, daemon=True)
        thread.start()
        self._heartbeat = thread, stop

    def _fail(self, trial_id: int, *, died: bool) -> None:
        from optuna.exceptions import UpdateFinishedTrialError
        from optuna.trial import TrialState

        with self.storage.alone():
            try:
                self.storage.backend.set_trial_state_values(trial_id, state=TrialState.FAIL)
            except UpdateFinishedTrialError:
                return
            requeue(self.study, self.storage.backend.get_trial(trial_id), died=died)


def _slots(trials: "Sequence[FrozenTrial]") -> dict[int, int]:
    """Slot of each trial by its number."""
    slots: dict[int, int] = {}
    count = 0
    for trial in sorted(trials, key=lambda one: one.number):
        first = trial.user_attrs.get(RETRY_OF)
        slots[trial.number] = count if first is None else slots[first]
        count += first is None
    return slots


def _lock(folder: Path, study: "Study", number: int) -> FileLock | None:
    """The lock of a trial, held; None if another process holds it."""
    folder.mkdir(parents=True, exist_ok=True)
    lock = FileLock(folder / f"{study._study_id}-{number}.lock")
    try:
        lock.acquire(timeout=0)
    except Timeout:
        return None
    return lock
