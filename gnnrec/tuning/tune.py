"""A study from beginning to end."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from filelock import FileLock

from gnnrec.data.dataset import Dataset
from gnnrec.errors import TrainingError
from gnnrec.training.experiment import resolve_device
from gnnrec.training.run_folder import RunFolder
from gnnrec.tuning.baselines import best_baseline, check_baselines, classical_models
from gnnrec.tuning.comparison import TestComparison, compare_on_test
from gnnrec.tuning.finalists import Finalist, run_finalists
from gnnrec.tuning.interrupts import Interrupts
from gnnrec.tuning.options import TuneOptions
from gnnrec.tuning.retry import reasons
from gnnrec.tuning.space import StudySpace
from gnnrec.tuning.storage import StudyStorage
from gnnrec.tuning.study_folder import JOURNAL, RESULT, RUNS, study_folder
from gnnrec.tuning.study_settings import SETTINGS, check_settings, describe_study, study_key
from gnnrec.tuning.worker import Callbacks, OnTrial, Worker
from gnnrec.tuning.workspace import Workspace

if TYPE_CHECKING:
    from optuna.trial import FrozenTrial

__all__ = ["TuningResult", "tune"]


@dataclass(frozen=True, eq=False)
class TuningResult:
    """What a study found.

    Args:
        name: Name of the study.
        folder: Its folder.
        trials: Its finished trials.
        seeds: Seeds of the finalists.
        finalists: The best candidates with several seeds, best first.
        test: The winner on the test part; None where it was not asked for, or the data have none.
    """

    name: str
    folder: Path
    trials: "tuple[FrozenTrial, ...]"
    seeds: tuple[int, ...]
    finalists: tuple[Finalist, ...]
    test: TestComparison | None = None

    @property
    def best(self) -> Finalist:
        """The winner: the best mean validation figure over seeds."""
        return self.finalists[0]

    def to_dict(self) -> dict[str, Any]:
        """The content of ``result.json``."""
        return {
            "study": self.name,
            "trials": len(self.trials),
            "seeds": list(self.seeds),
            "finalists": [finalist.to_dict() for finalist in self.finalists],
            "test": self.test.to_dict() if self.test else None,
        }


def tune(
    dataset: Dataset,
    space: StudySpace,
    *,
    name: str | None = None,
    folder: Path | str = "studies",
    storage: str | Path | None = None,
    heartbeat: int = 60,
    options: TuneOptions | None = None,
    baselines: Sequence[str] | None = None,
    test: bool = True,
    reading: Mapping[str, Any] | None = None,
    on_trial: OnTrial | None = None,
    on_message: Callable[[str], None] = lambda _: None,
    callbacks: Callbacks | None = None,
) -> TuningResult:
    """Search by validation, train the best again with several seeds, test the winner once.

    A study that exists under this name goes on. Several processes may call this at once with the same arguments: they
    share the trials, the finalists and the baselines, and each gives the same result; those with the same ``folder``
    share the test runs too.

    Args:
        dataset: The data, with a validation part.
        space: What is searched.
        name: Name of the study [default: that of the data].
        folder: Where studies have a folder each, for the journal, run folders and ``result.json``.
        storage: A journal file or the URL of a database [default: ``study.journal`` in the study's folder].
        heartbeat: Seconds between signs of life of a worker in a database.
        options: How to search.
        baselines: Models without content that the winner is compared with on test: validation chooses the best of them
            [default: all there are].
        test: Whether to test at all.
        reading: How the data were read, for ``run.json`` of the runs.
        on_trial: Told of each finished trial, and how many of how many are finished.
        on_message: Told what goes on otherwise.
        callbacks: Gives hooks for the training of a candidate.

    Returns:
        The result.

    Raises:
        ArgumentError: If a storage cannot be reached, the study is one of other data or settings, or a baseline
            recommends from content.
        UnknownNameError: If there is no model or feature of a name.
        DataError: If features are stale.
        TrainingError: If no trial, or no finalist, could be trained.
        StorageError: If the storage fails, and does not come back; the same call goes on later.
        KeyboardInterrupt: If it was interrupted; the same call goes on.
        MissingExtraError: If Optuna is not installed.
    """
    options = options or TuneOptions()
    baselines = classical_models() if baselines is None else baselines
    check_baselines(baselines)
    for names in space.feature_sets:
        dataset.select_features(list(names))  # refuses unknown and stale ones
    name = dataset.name if name is None else name
    own = study_folder(folder, name)
    # Before the study is there: what it cannot be made of must not spoil its name.
    workspace = Workspace(dataset, resolve_device(options.training.device), options.k)
    kept = StudyStorage(storage or own / JOURNAL, heartbeat=heartbeat)
    # Beside a journal is a lock; with a database, whoever has made the study says what it is.
    is_new = kept.make(name, options.directions) or kept.locks is not None
    study = kept.load(name)
    with kept.alone():
        check_settings(study, describe_study(dataset, space, options, reading or {}), is_new=is_new)
    key = study_key(study.user_attrs[SETTINGS])
    with Interrupts() as interrupts:
        worker = Worker(kept, space, workspace, options, on_trial=on_trial, callbacks=callbacks, interrupts=interrupts)
        trials = worker.search(name)
        _require_success(name, trials)
        on_message(
            f"{len(trials)} of {options.trials} trials are finished; the best {options.finalists} run with more seeds"
        )
        worker.without_deadline()
        finalists = run_finalists(worker, name, trials)
        result = TuningResult(name, own, tuple(trials), options.seeds, tuple(finalists))
        if test and len(dataset.test):
            compared = compare_on_test(
                result.best.candidate,
                dataset,
                options,
                own / RUNS / key,
                default=space.default(result.best.candidate.model),
                classical=best_baseline(worker, name, baselines, on_message=on_message),
                reading=reading or {},
                on_message=on_message,
            )
            result = replace(result, test=compared)
    own.mkdir(parents=True, exist_ok=True)
    with FileLock(own / ".result.lock"):  # workers may finish in the same instant
        RunFolder(own).write_json(RESULT, {**result.to_dict(), "key": key})
    return result


def _require_success(name: str, trials: "Sequence[FrozenTrial]") -> None:
    from optuna.trial import TrialState

    if any(trial.state == TrialState.COMPLETE for trial in trials):
        return
    raise TrainingError(f"no trial of study '{name}' was trained to its end: {reasons(trials) or 'there was no time'}")
