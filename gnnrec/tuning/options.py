"""Settings of a study."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from gnnrec.errors import ArgumentError, UnknownNameError
from gnnrec.evaluation import EvalOptions
from gnnrec.evaluation.metrics import METRICS
from gnnrec.training.options import TrainOptions

__all__ = ["COSTS", "TuneOptions"]

COSTS = {"epoch_seconds": "mean seconds of a training epoch", "peak_mib": "peak memory in MiB above the data"}
"""Objectives that are minimised; the others are validation metrics, which are maximised."""


@dataclass(frozen=True)
class TuneOptions:
    """How to search; what is searched is in :class:`~gnnrec.tuning.StudySpace`.

    Args:
        trials: Trials of the whole study, whoever runs them.
        timeout: Seconds after which no new trial starts [default: none].
        objectives: A validation metric such as ``"recall@20"``, which every trial also selects its epoch by; then,
            if wanted, costs out of :data:`COSTS`.
        finalists: Best trials that are trained again with each of ``seeds``.
        seeds: Seeds of the finalists; none that trials use.
        seed: Seed of the search, and of training in trials.
        startup_trials: Trials before the sampler learns from those there are: papers' values and defaults first, then
            each combination of model, fusion and features in turn, with all else at random.
        prune: Whether to stop trials that fall behind the median of others of the same model at the same epoch,
            after ``warmup_epochs``; with several objectives nothing is pruned.
        warmup_epochs: Epochs of a trial before it may be pruned.
        training: Options of training that trials share; what the search chooses replaces them.

    Raises:
        ArgumentError: If a value cannot work.
        UnknownNameError: If an objective does not exist.
    """

    trials: int = 50
    timeout: float | None = None
    objectives: tuple[str, ...] = ("recall@20",)
    finalists: int = 3
    seeds: tuple[int, ...] = (1, 2, 3)
    seed: int = 0
    startup_trials: int = 10
    prune: bool = True
    warmup_epochs: int = 10
    training: TrainOptions = field(default_factory=TrainOptions)

    def __post_init__(self) -> None:
        for name in ("trials", "finalists"):
            if getattr(self, name) < 1:
                raise ArgumentError(f"'{name}' must be a positive integer (got {getattr(self, name)})")
        for name in ("startup_trials", "warmup_epochs"):
            if getattr(self, name) < 0:
                raise ArgumentError(f"'{name}' must be at least 0 (got {getattr(self, name)})")
        if self.timeout is not None and not self.timeout > 0:
            raise ArgumentError(f"'timeout' must be positive (got {self.timeout})")
        if not self.seeds or len(set(self.seeds)) < len(self.seeds):
            raise ArgumentError(f"'seeds' must hold at least one seed, each once (got {self.seeds})")
        if self.seed in self.seeds:
            raise ArgumentError(f"'seeds' must not hold {self.seed}, with which the trials are trained")
        self._check_objectives()

    def _check_objectives(self) -> None:
        if not self.objectives or len(set(self.objectives)) < len(self.objectives):
            raise ArgumentError(f"'objectives' must name at least one, each once (got {self.objectives})")
        metric, *costs = self.objectives
        name, _, k = metric.partition("@")
        if name not in METRICS or not k.isdigit() or int(k) < 1:
            raise UnknownNameError("metric of validation as first objective", metric, [f"{one}@20" for one in METRICS])
        for cost in costs:
            if cost not in COSTS:
                raise UnknownNameError("cost as further objective", cost, COSTS)

    @property
    def metric(self) -> str:
        """The validation metric that decides."""
        return self.objectives[0]

    def training_of(self, seed: int, chosen: Mapping[str, Any]) -> TrainOptions:
        """Options of one training: with a seed, by the deciding metric, and what a candidate chose."""
        return replace(self.training, seed=seed, metric=self.metric, **chosen)

    @property
    def k(self) -> int:
        """The metric's list length."""
        return int(self.metric.partition("@")[2])

    @property
    def ks(self) -> tuple[int, ...]:
        """List lengths of runs: the usual ones and the metric's."""
        return tuple(sorted({*EvalOptions().ks, self.k}))

    @property
    def directions(self) -> list[str]:
        """Optuna's words for which way each objective is better."""
        return ["minimize" if name in COSTS else "maximize" for name in self.objectives]
