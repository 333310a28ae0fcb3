"""Candidates that the search found best, trained with several seeds."""

import statistics
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from gnnrec.errors import TrainingError
from gnnrec.tuning.candidate import Candidate
from gnnrec.tuning.options import TuneOptions
from gnnrec.tuning.retry import reasons
from gnnrec.tuning.worker import CANDIDATE, Worker

if TYPE_CHECKING:
    from optuna.trial import FrozenTrial

__all__ = ["Finalist", "choose_finalists", "finalists_study", "run_finalists"]


@dataclass(frozen=True)
class Finalist:
    """A candidate with its validation figures.

    Args:
        number: Its trial in the search.
        candidate: The candidate.
        values: Value of the deciding metric with each seed; empty if none could be trained.
    """

    number: int
    candidate: Candidate
    values: tuple[float, ...]

    @property
    def mean(self) -> float:
        """Mean over seeds; minus infinity where a seed is missing."""
        return statistics.mean(self.values) if self.values else -float("inf")

    @property
    def spread(self) -> float | None:
        """Standard deviation over seeds; None with one."""
        return statistics.stdev(self.values) if len(self.values) > 1 else None

    def to_dict(self) -> dict[str, Any]:
        """Plain containers, for JSON."""
        return {
            "trial": self.number,
            "candidate": self.candidate.to_dict(),
            "values": list(self.values),
            "mean": self.mean if self.values else None,
            "spread": self.spread,
        }


def choose_finalists(trials: Sequence["FrozenTrial"], options: TuneOptions) -> dict[int, Candidate]:
    """The best candidates by the deciding metric, by the number of their first trial.

    With costs as further objectives, they are taken from the Pareto front first.
    """
    from optuna.trial import TrialState

    complete = [trial for trial in trials if trial.state == TrialState.COMPLETE]
    ordered = sorted(complete, key=lambda trial: (not _on_front(trial, complete), -trial.values[0], trial.number))
    chosen: dict[int, Candidate] = {}
    for trial in ordered:
        candidate = Candidate.from_dict(trial.user_attrs[CANDIDATE])
        if candidate not in chosen.values():
            chosen[trial.number] = candidate
        if len(chosen) == options.finalists:
            break
    return chosen


def finalists_study(name: str, chosen: Sequence[int], seeds: Sequence[int]) -> str:
    """Name of the study of finalists; a study made longer may have others, and seeds may be added."""
    return f"{name} finalists {' '.join(map(str, sorted(chosen)))} seeds {' '.join(map(str, seeds))}"


def run_finalists(worker: Worker, name: str, trials: Sequence["FrozenTrial"]) -> list[Finalist]:
    """Train the finalists with every seed, together with other workers; the best comes first.

    Raises:
        TrainingError: If none could be trained.
    """
    from optuna.trial import TrialState

    chosen = dict(sorted(choose_finalists(trials, worker.options).items()))
    if not chosen:
        return []
    study = finalists_study(name, list(chosen), worker.options.seeds)
    worker.storage.create(study, worker.options.directions)
    values: dict[tuple[int, int], float] = {}
    repeated = worker.repeat(study, chosen, worker.options.seeds)
    for trial in repeated:
        if trial.state == TrialState.COMPLETE:
            values[trial.user_attrs["of"], trial.user_attrs["seed"]] = trial.values[0]
    finalists = []
    for number, candidate in chosen.items():
        own = [values[number, seed] for seed in worker.options.seeds if (number, seed) in values]
        finalists.append(Finalist(number, candidate, tuple(own) if len(own) == len(worker.options.seeds) else ()))
    finalists.sort(key=lambda one: (-one.mean, one.number))
    if not finalists[0].values:
        said = reasons(repeated) or "their worker died each time"
        raise TrainingError(f"no finalist of study '{name}' was trained with every seed: {said}")
    return finalists


def _on_front(trial: "FrozenTrial", others: Sequence["FrozenTrial"]) -> bool:
    """Whether no other trial is as good in everything and better in something; the first objective is maximised."""

    def costs(one: "FrozenTrial") -> list[float]:
        return [-one.values[0], *one.values[1:]]

    mine = costs(trial)
    return not any(
        costs(other) != mine and all(b <= a for a, b in zip(mine, costs(other), strict=True)) for other in others
    )
