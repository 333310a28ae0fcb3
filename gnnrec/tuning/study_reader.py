"""An existing study."""

import json
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

from gnnrec.errors import ArgumentError, TrainingError, UnknownNameError
from gnnrec.evaluation import EvalOptions
from gnnrec.training.options import TrainOptions
from gnnrec.tuning.candidate import Candidate
from gnnrec.tuning.finalists import Finalist
from gnnrec.tuning.options import TuneOptions
from gnnrec.tuning.storage import StudyStorage
from gnnrec.tuning.study_folder import JOURNAL, RESULT, study_folder
from gnnrec.tuning.study_settings import SETTINGS, study_key

if TYPE_CHECKING:
    from optuna.study import Study

__all__ = ["StudyReader"]

_TRAINING = ("learning_rate", "max_epochs", "batch_size", "accumulate_steps", "patience", "evaluate_every", "device")
"""Options of training that ``gnnrec train`` takes by the same names."""


class StudyReader:
    """Reads what a study has found, finished or not.

    Args:
        name: Name of the study.
        folder: Where studies have their folders.
        storage: A journal file or the URL of a database [default: ``study.journal`` in the study's folder].

    Raises:
        UnknownNameError: If there is no such study.
        ArgumentError: If the name cannot be one, the storage cannot be reached, or gnnrec did not make the study.
        StorageError: If the storage is damaged.
    """

    def __init__(self, name: str, *, folder: Path | str = "studies", storage: str | Path | None = None) -> None:
        self.name = name
        self.folder = study_folder(folder, name)
        self.location = str(storage or self.folder / JOURNAL)
        if "://" not in self.location and not Path(self.location).is_file():
            parent = Path(folder)
            known = [found.parent.name for found in parent.glob(f"*/{JOURNAL}")] if storage is None else []
            raise UnknownNameError("study", name, known)
        self.study: Study = StudyStorage(self.location).load(name)
        if SETTINGS not in self.study.user_attrs:
            raise ArgumentError(f"study '{name}' was not made by gnnrec")

    @property
    def settings(self) -> dict[str, Any]:
        """What was searched, on what, and how."""
        return dict(self.study.user_attrs[SETTINGS])

    @property
    def objectives(self) -> list[str]:
        """Names of the objectives."""
        return list(self.settings["options"]["objectives"])

    @property
    def metric(self) -> str:
        """The metric that decides."""
        return self.objectives[0]

    @cached_property
    def result(self) -> dict[str, Any] | None:
        """``result.json``; None before the study is finished, or if it is of a former study of this name."""
        path = self.folder / RESULT
        found = dict(json.loads(path.read_text(encoding="utf-8"))) if path.is_file() else {}
        return found if found.get("key") == study_key(self.settings) else None

    def best(self) -> Finalist:
        """The winner, or the best finished trial of a study without finalists.

        Raises:
            TrainingError: If there is none.
        """
        from optuna.trial import TrialState

        from gnnrec.tuning.worker import CANDIDATE

        if self.result and self.result["finalists"]:
            first = self.result["finalists"][0]
            return Finalist(first["trial"], Candidate.from_dict(first["candidate"]), tuple(first["values"]))
        complete = self.study.get_trials(deepcopy=False, states=(TrialState.COMPLETE,))
        if not complete:
            raise TrainingError(f"no trial of study '{self.name}' is finished")
        trial = max(complete, key=lambda one: one.values[0])
        return Finalist(trial.number, Candidate.from_dict(trial.user_attrs[CANDIDATE]), (trial.values[0],))

    def command(self, finalist: Finalist) -> str:
        """The command line that trains a finalist as the study did, with its first seed."""
        options = self.settings["options"]
        training, reading = options["training"], self.settings["reading"]
        seed = self.result["seeds"][0] if self.result else options["seed"]
        parts = [f"--seed={seed}", f"--metric={self.metric}"]
        ks = TuneOptions(objectives=(self.metric,)).ks
        if ks != EvalOptions().ks:
            parts.append(f"--ks={','.join(map(str, ks))}")
        defaults = TrainOptions()
        for name in _TRAINING:
            if training[name] != getattr(defaults, name) and name not in finalist.candidate.training:
                parts.append(f"--{name.replace('_', '-')}={training[name]}")
        parts += ["--deterministic"] if training["deterministic"] else []
        parts += _reading_options(reading)
        return finalist.candidate.command(self.settings["data"]["path"], parts)


def _reading_options(reading: dict[str, Any]) -> list[str]:
    parts = ["--carve"] if reading.get("carve") else []
    parts += [] if reading.get("header", True) else ["--no-header"]
    for name, usual in (
        ("split", "given"),
        ("split_seed", 0),
        ("k_core", 0),
        ("format", None),
        ("feature_folder", None),
        ("delimiter", None),
        ("encoding", None),
        ("min_weight", None),
    ):
        value = reading.get(name, usual)
        if value != usual:
            parts.append(f"--{name.replace('_', '-')}={value}")
    return [*parts, *(f"--column={role}={column}" for role, column in (reading.get("columns") or {}).items())]
