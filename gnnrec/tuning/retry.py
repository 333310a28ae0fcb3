"""Running again what a dead worker left."""

from collections.abc import Iterable
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from optuna.study import Study
    from optuna.trial import FrozenTrial

__all__ = ["ERROR", "MAX_RETRIES", "RETRY_OF", "is_orphan", "reasons", "requeue"]

ERROR = "error"
"""Attribute of a trial that its worker saw fail: why."""

RETRY_OF = "retry_of"
"""Attribute of a trial: number of the first that had its parameters and whose worker stopped."""
MAX_RETRIES = 10
"""Times that a trial is run again: what kills its worker, such as too little memory, must not go on for ever.

Workers on machines that are taken away often are killed without a fault of the trial, so it is not few.
"""
_DEATHS = "deaths"


def is_orphan(trial: "FrozenTrial") -> bool:
    """Whether the last trial of a slot was left by its worker and ought to run again.

    One is so for an instant, between failing and being queued anew; for longer, if whoever did that died in between.
    """
    left = trial.state.name == "FAIL" and ERROR not in trial.user_attrs
    return left and trial.user_attrs.get(_DEATHS, 0) < MAX_RETRIES


def reasons(trials: "Iterable[FrozenTrial]") -> str:
    """Why trials failed, up to three reasons; empty if none says why."""
    found = dict.fromkeys(trial.user_attrs[ERROR] for trial in trials if ERROR in trial.user_attrs)
    return "; ".join(list(found)[:3])


def requeue(study: "Study", trial: "FrozenTrial", *, died: bool = True) -> None:
    """Put a failed trial back into the queue, with the same parameters.

    Args:
        study: The study.
        trial: The trial; Optuna calls this with one that has no sign of life.
        died: Whether its worker died; then it counts towards :data:`MAX_RETRIES`.
    """
    import optuna

    deaths = trial.user_attrs.get(_DEATHS, 0) + died
    if deaths > MAX_RETRIES:
        return
    study.add_trial(
        optuna.create_trial(
            state=optuna.trial.TrialState.WAITING,
            params=trial.params,
            distributions=trial.distributions,
            user_attrs={RETRY_OF: trial.user_attrs.get(RETRY_OF, trial.number), _DEATHS: deaths},
        )
    )
