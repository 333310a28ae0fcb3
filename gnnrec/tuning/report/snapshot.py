"""A study at one moment."""

from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING

from gnnrec.errors import TrainingError
from gnnrec.tuning.candidate import Candidate
from gnnrec.tuning.finalists import Finalist
from gnnrec.tuning.retry import ERROR
from gnnrec.tuning.space import DEFAULT_FUSION, FUSION
from gnnrec.tuning.study_reader import StudyReader
from gnnrec.tuning.worker import CANDIDATE

if TYPE_CHECKING:
    from optuna.trial import FrozenTrial

__all__ = ["STATES", "StudySnapshot"]

STATES = ("complete", "pruned", "failed", "interrupted", "running", "waiting")
"""What a trial can be. The worker of an interrupted one stopped; the trial was queued again."""


@dataclass(frozen=True)
class StudySnapshot:
    """All that a report says is of the same moment, while workers may go on.

    Args:
        reader: The study.
        trials: Its trials, by number.
        front: Numbers of the trials on the Pareto front; of the best trial, with one objective.
    """

    reader: StudyReader
    trials: "tuple[FrozenTrial, ...]"
    front: frozenset[int]

    @classmethod
    def take(cls, reader: StudyReader) -> "StudySnapshot":
        """Read the study."""
        trials = tuple(sorted(reader.study.get_trials(deepcopy=False), key=lambda trial: trial.number))
        return cls(reader, trials, frozenset(trial.number for trial in reader.study.best_trials))

    @property
    def complete(self) -> "list[FrozenTrial]":
        """Trials with a value."""
        return [trial for trial in self.trials if self.state(trial) == "complete"]

    @property
    def is_multi_objective(self) -> bool:
        """Whether there are costs beside the metric."""
        return len(self.reader.objectives) > 1

    @property
    def models(self) -> list[str]:
        """Models of the trials, in the order of their first."""
        return list(dict.fromkeys(found.model for found in map(self.candidate, self.trials) if found))

    @property
    def seconds(self) -> float:
        """Seconds that the search's trials took together."""
        # An interrupted trial ends when that is noticed, perhaps days later.
        counted = [trial for trial in self.trials if self.state(trial) in ("complete", "pruned", "failed")]
        return sum(trial.duration.total_seconds() for trial in counted if trial.duration)

    def counts(self) -> dict[str, int]:
        """Number of trials by state."""
        found = Counter(map(self.state, self.trials))
        return {state: found[state] for state in STATES}

    def best(self) -> Finalist | None:
        """The winner, or the best trial so far; None before any is complete."""
        try:
            return self.reader.best()
        except TrainingError:
            return None

    def values(self, place: int = 0) -> list[float]:
        """Values of the complete trials in one of the objectives."""
        return [trial.values[place] for trial in self.complete]

    @staticmethod
    def state(trial: "FrozenTrial") -> str:
        """One of :data:`STATES`."""
        if trial.state.name == "FAIL":
            return "failed" if ERROR in trial.user_attrs else "interrupted"
        return trial.state.name.lower()

    @staticmethod
    def candidate(trial: "FrozenTrial") -> Candidate | None:
        """What a trial trained; None before it began."""
        found = trial.user_attrs.get(CANDIDATE)
        return Candidate.from_dict(found) if found else None

    @staticmethod
    def fusion(candidate: Candidate) -> str:
        """Its fusion; ``"none"`` for a model without content."""
        return str(candidate.arguments.get(FUSION, DEFAULT_FUSION)) if candidate.features else "none"

    def model(self, trial: "FrozenTrial") -> str:
        """Name of a trial's model; empty before it began."""
        candidate = self.candidate(trial)
        return candidate.model if candidate else ""
