"""The one look at the test part: the winner against its defaults and the best classical model."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

from filelock import FileLock

from gnnrec.data.dataset import Dataset
from gnnrec.errors import ArgumentError, TrainingError
from gnnrec.evaluation import EvalOptions
from gnnrec.evaluation.run_group import RunGroup, read_run_groups
from gnnrec.evaluation.significance import Comparison, compare
from gnnrec.models import Recommender, list_models, model_arguments, model_class
from gnnrec.training.run_folder import RunFolder
from gnnrec.tuning.candidate import Candidate
from gnnrec.tuning.options import TuneOptions
from gnnrec.tuning.train_candidate import train_candidate
from gnnrec.tuning.workspace import Workspace

__all__ = ["WINNER", "TestComparison", "classical_models", "compare_on_test"]

WINNER = "winner"
_DEFAULT, _CLASSICAL = "default", "classical"

Message = Callable[[str], None]


@dataclass(frozen=True)
class TestComparison:
    """Test figures of the winner and of what it is compared with.

    Args:
        metric: The metric.
        candidates: By role: ``"winner"``, ``"default"`` (its model as shipped), ``"classical"`` (the best model without
            content by validation).
        runs: Run folders of each role, a seed each.
        means: Mean over users and seeds of each role.
        spreads: Standard deviation over seeds of each role; None with one.
        comparisons: The winner against each other role, p values corrected by Holm's method.
    """

    __test__ = False  # pytest takes the name for a test

    metric: str
    candidates: Mapping[str, Candidate]
    runs: Mapping[str, tuple[Path, ...]]
    means: Mapping[str, float]
    spreads: Mapping[str, float | None]
    comparisons: tuple[Comparison, ...]

    def to_dict(self) -> dict[str, Any]:
        """Plain containers, for JSON."""
        return {
            "metric": self.metric,
            "candidates": {role: candidate.to_dict() for role, candidate in self.candidates.items()},
            "runs": {role: [folder.name for folder in folders] for role, folders in self.runs.items()},
            "means": dict(self.means),
            "spreads": dict(self.spreads),
            "comparisons": [asdict(one) for one in self.comparisons],
        }


def classical_models() -> list[str]:
    """Models without content."""
    return [name for name in list_models() if not model_class(name).needs_features]


def compare_on_test(
    winner: Candidate,
    dataset: Dataset,
    workspace: Workspace,
    options: TuneOptions,
    folder: Path,
    *,
    default: Candidate,
    baselines: Sequence[str],
    reading: Mapping[str, Any],
    on_message: Message = lambda _: None,
) -> TestComparison | None:
    """Train each role with every seed into a run folder, and test; runs that are there are not made again.

    Args:
        winner: What the search chose.
        dataset: The data.
        workspace: The same, as trials use them.
        options: Those of the study.
        folder: Where run folders go.
        default: What the winner's model is as shipped.
        baselines: Models without content; validation chooses one of them.
        reading: How the data were read, for ``run.json``.
        on_message: Told what goes on.

    Returns:
        The figures; None where the data have no test part.
    """
    if len(dataset.test) == 0:
        return None
    folder.mkdir(parents=True, exist_ok=True)
    with FileLock(folder / ".lock"):  # a second worker finds the runs there
        candidates = {WINNER: winner}
        for role, other in (
            (_DEFAULT, default),
            (_CLASSICAL, _best_classical(baselines, workspace, options, on_message)),
        ):
            known = [_settings(candidate, options) for candidate in candidates.values()]
            if other is not None and _settings(other, options) not in known:
                candidates[role] = other
        runs: dict[str, tuple[Path, ...]] = {}
        for role, candidate in candidates.items():
            on_message(f"test of the {role}: {candidate}")
            folders = []
            # A model without chance gives the same with every seed.
            for seed in options.seeds if _has_chance(candidate.model) else options.seeds[:1]:
                folders.append(folder / f"{candidate.key}-seed{seed}")
                _train(candidate, seed, dataset, folders[-1], options, reading)
            runs[role] = tuple(folders)
    groups = _groups(runs, options.metric)
    others = [role for role in groups if role != WINNER]
    comparisons = (
        compare({role: group.user_values for role, group in groups.items()}, baseline=WINNER) if others else []
    )
    return TestComparison(
        metric=options.metric,
        candidates=candidates,
        runs=runs,
        means={role: group.mean for role, group in groups.items()},
        spreads={role: group.spread for role, group in groups.items()},
        comparisons=tuple(comparisons),
    )


def _settings(candidate: Candidate, options: TuneOptions) -> tuple[object, ...]:
    """All that a candidate stands for, whether it says so or leaves it at the default."""
    defaults = {name: parameter.default for name, parameter in model_arguments(candidate.model).items()}
    training = replace(options.training, **candidate.training)
    return candidate.model, candidate.features, {**defaults, **candidate.arguments}, training


def _best_classical(
    names: Sequence[str], workspace: Workspace, options: TuneOptions, on_message: Message
) -> Candidate | None:
    """The best by validation, as shipped, trained once each."""
    found: dict[str, float] = {}
    training = options.training_of(options.seed, {})
    for name in names:
        try:
            found[name] = workspace.train(Candidate(name), training).valid[options.metric]
        except (ArgumentError, TrainingError) as error:
            on_message(f"{name} cannot be compared: {error}")
            continue
        on_message(f"{name} on validation: {options.metric} {found[name]:.4f}")
    return Candidate(max(found, key=found.__getitem__)) if found else None


def _train(
    candidate: Candidate, seed: int, dataset: Dataset, out: Path, options: TuneOptions, reading: Mapping[str, Any]
) -> None:
    if RunFolder(out).has("metrics.json"):
        return
    evaluation = EvalOptions(ks=tuple(sorted({10, 20, 50, options.k})), beyond_accuracy=False)
    train_candidate(candidate, seed, dataset, out, options, reading=reading, evaluation=evaluation, resume=out.exists())


def _groups(runs: Mapping[str, tuple[Path, ...]], metric: str) -> dict[str, RunGroup]:
    found = read_run_groups([folder for folders in runs.values() for folder in folders], metric)
    return {role: next(group for group in found if folders[0] in group.folders) for role, folders in runs.items()}


def _has_chance(model: str) -> bool:
    return issubclass(model_class(model), Recommender)
