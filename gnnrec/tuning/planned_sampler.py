"""A sampler that knows some values beforehand."""

import warnings
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from optuna.exceptions import ExperimentalWarning
from optuna.samplers import BaseSampler, TPESampler

if TYPE_CHECKING:
    from optuna.distributions import BaseDistribution
    from optuna.study import Study
    from optuna.trial import FrozenTrial, TrialState

__all__ = ["PlannedSampler"]


class PlannedSampler(BaseSampler):
    """Optuna's TPE, but for parameters that are planned.

    ``study.enqueue_trial`` would do for one worker; several that start at once would each queue the plan.

    Args:
        planned: Values by parameter; empty: TPE alone.
        seed: Of this trial's draws. Trials get one each, so that no two workers draw the same.
        startup_trials: Trials drawn at random first.
    """

    def __init__(self, planned: Mapping[str, Any], *, seed: int, startup_trials: int) -> None:
        self.planned = planned
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", ExperimentalWarning)  # 'group' is one since 2020
            # By groups of parameters that occur together, because each model has its own.
            self._tpe = TPESampler(seed=seed, n_startup_trials=startup_trials, multivariate=True, group=True)

    def infer_relative_search_space(self, study: "Study", trial: "FrozenTrial") -> "dict[str, BaseDistribution]":
        """Parameters drawn together; none in a planned trial."""
        return {} if self.planned else self._tpe.infer_relative_search_space(study, trial)

    def sample_relative(
        self, study: "Study", trial: "FrozenTrial", search_space: "dict[str, BaseDistribution]"
    ) -> dict[str, Any]:
        """Values of those."""
        return {} if self.planned else self._tpe.sample_relative(study, trial, search_space)

    def sample_independent(
        self, study: "Study", trial: "FrozenTrial", param_name: str, param_distribution: "BaseDistribution"
    ) -> Any:
        """The planned value, or one that TPE draws."""
        if param_name in self.planned:
            return self.planned[param_name]
        return self._tpe.sample_independent(study, trial, param_name, param_distribution)

    def before_trial(self, study: "Study", trial: "FrozenTrial") -> None:
        """Passed on."""
        self._tpe.before_trial(study, trial)

    def after_trial(self, study: "Study", trial: "FrozenTrial", state: "TrialState", values: Any) -> None:
        """Passed on."""
        self._tpe.after_trial(study, trial, state, values)
