"""Which parameters matter."""

import warnings
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from gnnrec.tuning.report.number_text import count_text
from gnnrec.tuning.report.snapshot import StudySnapshot
from gnnrec.tuning.space import FEATURES, FUSION, MODEL

if TYPE_CHECKING:
    from optuna.trial import FrozenTrial

__all__ = ["FEWEST_TRIALS", "Importance", "importances"]

FEWEST_TRIALS = 5
"""Complete trials below which importance would be noise."""
_ROUGH_TRIALS = 50
"""Complete trials below which what is measured changes from study to study."""
_ORDER = (MODEL, FUSION, FEATURES)


@dataclass(frozen=True)
class Importance:
    """How much of the spread of the metric each parameter explains: functional ANOVA on a random forest.

    Optuna's default, PED-ANOVA, compares the best tenth of the trials with all. That needs trials drawn at random: TPE
    draws most of them near the best, and then it ranks parameters first that do nothing.

    Args:
        title: Of what.
        trials: Those trials, all complete.
        parameters: Parameters with more than one value in them, the most important first; where importance is not
            known, in the order of their first use.
        shares: Share of each in the sum; empty where it is not known.
        reason: Why it is not known.
        model: The model whose parameters they are; empty for those that models share.
        left_out: Parameters that not all of the trials have.
    """

    title: str
    trials: "tuple[FrozenTrial, ...]"
    parameters: tuple[str, ...]
    shares: Mapping[str, float]
    reason: str = ""
    model: str = ""
    left_out: tuple[str, ...] = ()

    @property
    def note(self) -> str:
        """How far to trust it."""
        number = len(self.trials)
        rough = f" With fewer than {_ROUGH_TRIALS} it is a rough guide." if number < _ROUGH_TRIALS else ""
        names = ", ".join(map(self.label, self.left_out))
        few = f" Without {names}, which not all of these trials have." if names else ""
        meaning = "How much of the spread of values each explains (functional ANOVA)"
        return f"{meaning}, from {count_text(number, 'complete trial')}.{rough}{few}"

    def label(self, parameter: str) -> str:
        """A parameter's name without the model's."""
        return parameter.removeprefix(f"{self.model}.")


def importances(snapshot: StudySnapshot) -> list[Importance]:
    """Of the parameters that models share, where there are several, and of those of the winner's model.

    The forest needs parameters that all trials have; conditional ones are left out.
    """
    complete = snapshot.complete
    best = snapshot.best()
    if best is None:
        return [Importance("Importance of parameters", (), (), {}, "No trial is complete.")]
    found = []
    if any(MODEL in trial.params for trial in snapshot.trials):
        names = [name for name in _names(complete) if "." not in name]
        found.append(_measure(f"Importance of {_joined(sorted(names, key=_ORDER.index))}", complete, names))
    model = best.candidate.model
    own = [trial for trial in complete if snapshot.model(trial) == model]
    title = f"Importance of the parameters of {model}"
    return [*found, _measure(title, own, [name for name in _names(own) if name != MODEL], model)]


def _names(trials: "Sequence[FrozenTrial]") -> list[str]:
    return list(dict.fromkeys(name for trial in trials for name in trial.params))


def _measure(title: str, trials: "Sequence[FrozenTrial]", names: Sequence[str], model: str = "") -> Importance:
    varying = [name for name in names if len({trial.params[name] for trial in trials if name in trial.params}) > 1]
    left_out = [name for name in varying if not all(name in trial.params for trial in trials)]
    varying = [name for name in varying if name not in left_out]
    shares: dict[str, float] = {}
    reason = ""
    if not varying:
        reason = f"No parameter has more than one value in {count_text(len(trials), 'complete trial')}."
    elif len(trials) < FEWEST_TRIALS:
        reason = f"It takes {FEWEST_TRIALS} complete trials at least; there {_is_or_are(len(trials))}."
    else:
        shares = _shares(trials, varying)
        if not shares:
            reason = f"The {len(trials)} complete trials do not differ."
    return Importance(title, tuple(trials), tuple(shares or varying), shares, reason, model, tuple(left_out))


def _joined(names: Sequence[str]) -> str:
    return " and ".join(part for part in (", ".join(names[:-1]), *names[-1:]) if part)


def _is_or_are(number: int) -> str:
    return "is 1" if number == 1 else f"are {number}"


def _shares(trials: "Sequence[FrozenTrial]", names: Sequence[str]) -> dict[str, float]:
    """By parameter, the largest first; empty if there is nothing to explain."""
    import optuna

    if len({trial.values[0] for trial in trials}) == 1:
        return {}

    # A study in memory of these trials alone, by the deciding metric alone.
    study = optuna.create_study(direction="maximize")
    for trial in trials:
        study.add_trial(
            optuna.create_trial(params=trial.params, distributions=trial.distributions, value=trial.values[0])
        )
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of few trials; the report says how many there are
        evaluator = optuna.importance.FanovaImportanceEvaluator(seed=0)
        raw = optuna.importance.get_param_importances(study, evaluator=evaluator, params=list(names), normalize=False)
    total = sum(raw.values())
    return {name: value / total for name, value in sorted(raw.items(), key=lambda one: -one[1])} if total > 0 else {}
