"""Models without content, as a study's measure."""

from collections.abc import Callable, Sequence

from gnnrec.errors import ArgumentError
from gnnrec.models import list_models, model_class
from gnnrec.tuning.candidate import Candidate
from gnnrec.tuning.retry import ERROR
from gnnrec.tuning.worker import Worker

__all__ = ["best_baseline", "check_baselines", "classical_models"]


def classical_models() -> list[str]:
    """Models without content."""
    return [name for name in list_models() if not model_class(name).needs_features]


def check_baselines(names: Sequence[str]) -> None:
    """See that there are such models.

    Raises:
        UnknownNameError: If there is none of a name.
        ArgumentError: If one recommends from content.
    """
    for name in names:
        if model_class(name).needs_features:
            raise ArgumentError(f"'baselines' must be models without content (got '{name}')")


def best_baseline(
    worker: Worker, study: str, names: Sequence[str], *, on_message: Callable[[str], None] = lambda _: None
) -> Candidate | None:
    """The best by validation, each as shipped and trained once, by whichever worker comes to it.

    Args:
        worker: One of the study's workers.
        study: Name of the study.
        names: The models.
        on_message: Told of each figure.

    Returns:
        The best; None if there is none, or none could be trained.
    """
    if not names:
        return None
    from optuna.trial import TrialState

    candidates = {place: Candidate(name) for place, name in enumerate(names)}
    own = f"{study} baselines {' '.join(names)}"
    worker.storage.create(own, worker.options.directions)
    found: dict[str, float] = {}
    for trial in worker.repeat(own, candidates, [worker.options.seed]):
        name = candidates[trial.user_attrs["of"]].model
        if trial.state == TrialState.COMPLETE:
            found[name] = trial.values[0]
            on_message(f"{name} on validation: {worker.options.metric} {found[name]:.4f}")
        else:
            on_message(f"{name} cannot be compared: {trial.user_attrs.get(ERROR, 'its worker died each time')}")
    # By name, so that equal figures give all workers the same.
    return Candidate(max(sorted(found), key=found.__getitem__)) if found else None
