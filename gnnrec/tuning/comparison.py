"""The one look at the test part: the winner against its defaults and the best classical model."""

from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

from filelock import FileLock

from gnnrec.data.dataset import Dataset
from gnnrec.evaluation import EvalOptions
from gnnrec.evaluation.run_group import RunGroup, read_run_groups
from gnnrec.evaluation.significance import Comparison, compare
from gnnrec.models import Recommender, model_arguments, model_class
from gnnrec.training.run_folder import RunFolder
from gnnrec.tuning.candidate import Candidate
from gnnrec.tuning.options import TuneOptions
from gnnrec.tuning.train_candidate import train_candidate

__all__ = ["WINNER", "TestComparison", "compare_on_test"]

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


def compare_on_test(
    winner: Candidate,
    dataset: Dataset,
    options: TuneOptions,
    folder: Path,
    *,
    default: Candidate,
    classical: Candidate | None,
    reading: Mapping[str, Any],
    on_message: Message = lambda _: None,
) -> TestComparison:
    """Train each role with every seed into a run folder, and test; runs that are there are not made again.

    Args:
        winner: What the search chose.
        dataset: The data, with a test part.
        options: Those of the study.
        folder: Where run folders go; those that it holds are of this study.
        default: What the winner's model is as shipped.
        classical: The best model without content by validation, if there is one.
        reading: How the data were read, for ``run.json``.
        on_message: Told what goes on.
    """
    folder.mkdir(parents=True, exist_ok=True)
    with FileLock(folder / ".lock"):  # a second worker finds the runs there
        candidates = {WINNER: winner}
        for role, other in ((_DEFAULT, default), (_CLASSICAL, classical)):
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


def _is_finished(run: RunFolder) -> bool:
    return run.has("run.json") and run.read_json("run.json")["status"] == "finished"


def _train(
    candidate: Candidate, seed: int, dataset: Dataset, out: Path, options: TuneOptions, reading: Mapping[str, Any]
) -> None:
    if _is_finished(RunFolder(out)):
        return
    evaluation = EvalOptions(ks=options.ks, beyond_accuracy=False)
    train_candidate(candidate, seed, dataset, out, options, reading=reading, evaluation=evaluation, resume=out.exists())


def _groups(runs: Mapping[str, tuple[Path, ...]], metric: str) -> dict[str, RunGroup]:
    found = read_run_groups([folder for folders in runs.values() for folder in folders], metric)
    return {role: next(group for group in found if folders[0] in group.folders) for role, folders in runs.items()}


def _has_chance(model: str) -> bool:
    return issubclass(model_class(model), Recommender)
