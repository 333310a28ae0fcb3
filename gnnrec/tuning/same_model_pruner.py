"""Pruning among trials of one model."""

from typing import TYPE_CHECKING, Any

from optuna.pruners import BasePruner, MedianPruner

if TYPE_CHECKING:
    from optuna.study import Study
    from optuna.trial import FrozenTrial

__all__ = ["SameModelPruner"]


class SameModelPruner(BasePruner):
    """Optuna's median rule among complete trials of the same model: some models learn fast, and end no better.

    Args:
        parameter: The parameter that names the model; a study of one model does not have it.
        startup_trials: Complete trials of a model before one of it is stopped.
        warmup_epochs: Epochs before a trial is stopped.
    """

    def __init__(self, parameter: str, *, startup_trials: int, warmup_epochs: int) -> None:
        self.parameter = parameter
        self._median = MedianPruner(n_startup_trials=startup_trials, n_warmup_steps=warmup_epochs)

    def prune(self, study: "Study", trial: "FrozenTrial") -> bool:
        """Whether the trial's best value so far is below the median of the others' at this epoch."""
        model = trial.params.get(self.parameter)
        return self._median.prune(_TrialsOfModel(study, self.parameter, model), trial)  # type: ignore[arg-type]


class _TrialsOfModel:
    """A study as far as the median rule looks at it."""

    def __init__(self, study: "Study", parameter: str, model: object) -> None:
        self._study, self._parameter, self._model = study, parameter, model
        self.direction = study.direction

    def get_trials(self, **options: Any) -> "list[FrozenTrial]":
        trials = self._study.get_trials(**options)
        return [trial for trial in trials if trial.params.get(self._parameter) == self._model]
