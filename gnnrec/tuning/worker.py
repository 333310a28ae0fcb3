"""Running trials."""

import hashlib
import os
import platform
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

from gnnrec.errors import GnnrecError, StorageError
from gnnrec.training.callbacks import Callback
from gnnrec.tuning.candidate import Candidate
from gnnrec.tuning.interrupts import Interrupts
from gnnrec.tuning.options import COSTS, TuneOptions
from gnnrec.tuning.retry import ERROR
from gnnrec.tuning.space import MODEL, StudySpace
from gnnrec.tuning.storage import StudyStorage
from gnnrec.tuning.trial_queue import Claim, TrialQueue
from gnnrec.tuning.workspace import TrialResult, Workspace

if TYPE_CHECKING:
    from optuna.pruners import BasePruner
    from optuna.study import Study
    from optuna.trial import FrozenTrial, Trial

__all__ = ["CANDIDATE", "Worker"]

CANDIDATE = "candidate"
"""Attribute of a trial: what it trained."""
_POLL_SECONDS = 0.5
_MEDIAN_OF = 3
"""Complete trials of a model before one of it is pruned."""

OnTrial = Callable[["FrozenTrial", int, int], None]
"""Told of a finished trial, and how many of how many are."""
Callbacks = Callable[[Candidate], list[Callback]]
"""Hooks for the training of a candidate, such as a progress bar."""


class Worker:
    """Takes trials of a study until all are finished, together with other workers.

    Args:
        storage: Where studies are kept.
        space: What is searched.
        workspace: The data.
        options: How.
        on_trial: Told of each finished trial of this worker.
        callbacks: Gives hooks for the training of a candidate.
        interrupts: Remembers an interrupt that a training turned into an error.
    """

    def __init__(
        self,
        storage: StudyStorage,
        space: StudySpace,
        workspace: Workspace,
        options: TuneOptions,
        *,
        on_trial: OnTrial | None = None,
        callbacks: Callbacks | None = None,
        interrupts: Interrupts | None = None,
    ) -> None:
        self.storage = storage
        self.space = space
        self.workspace = workspace
        self.options = options
        self.on_trial = on_trial
        self.callbacks = callbacks
        self.interrupts = interrupts or Interrupts()
        self._deadline = None if options.timeout is None else time.monotonic() + options.timeout

    def without_deadline(self) -> None:
        """Let the time run on: what the search found is worth being finished."""
        self._deadline = None

    def search(self, name: str) -> list["FrozenTrial"]:
        """Run trials of the search; gives all that are finished, whoever ran them."""
        planned = self.space.planned()
        rest = max(0, self.options.startup_trials - len(planned))
        planned += self.space.spread(self.options.seed)[:rest]

        def run(claim: Claim) -> None:
            plan = planned[claim.slot] if claim.slot < len(planned) else {}
            study = self._study(name, plan, claim.slot)
            trial = self._trial(study, claim)
            candidate = self.space.suggest(trial)
            hooks = [self._pruning(trial)] if len(self.options.objectives) == 1 else []
            self._run(study, trial, candidate, self.options.seed, hooks)

        return self._work(name, self.options.trials, run)

    def repeat(self, name: str, candidates: Mapping[int, Candidate], seeds: Sequence[int]) -> list["FrozenTrial"]:
        """Train candidates with each seed, as trials of a study of their own; gives all that are finished.

        Args:
            name: That study.
            candidates: Candidates by a number, such as that of their trial in the search.
            seeds: Seeds of training.
        """
        jobs = [(number, candidate, seed) for number, candidate in candidates.items() for seed in seeds]

        def run(claim: Claim) -> None:
            number, candidate, seed = jobs[claim.slot]
            study = self._study(name, {}, claim.slot)
            trial = self._trial(study, claim)
            trial.set_user_attr("of", number)
            trial.set_user_attr("seed", seed)
            self._run(study, trial, candidate, seed, [])

        return self._work(name, len(jobs), run)

    def _work(self, name: str, num_trials: int, run: Callable[[Claim], None]) -> list["FrozenTrial"]:
        from optuna.exceptions import UpdateFinishedTrialError

        queue = TrialQueue(self.storage.load(name), self.storage, num_trials)
        while self._deadline is None or time.monotonic() < self._deadline:
            self.interrupts.check()
            claim = queue.claim()
            if claim is None:
                if queue.is_over():
                    break
                time.sleep(_POLL_SECONDS)  # another worker may die, and then its trial is free
                continue
            try:
                run(claim)
            except UpdateFinishedTrialError:
                # This machine was too busy for a sign of life, and another worker has queued the trial again.
                queue.release()
                continue
            except BaseException as error:
                queue.give_back(claim, died=isinstance(error, Exception) and not isinstance(error, StorageError))
                raise
            queue.release()
            if self.on_trial:
                finished = queue.finished()
                self.on_trial(self.storage.backend.get_trial(claim.trial_id), len(finished), num_trials)
        while queue.is_running():  # the time is over: what others still train belongs to the result
            time.sleep(_POLL_SECONDS)
        return sorted(queue.finished(), key=lambda trial: trial.number)

    def _study(self, name: str, planned: Mapping[str, Any], slot: int) -> "Study":
        """The study with a sampler for one trial; a new object, because Optuna's remember trials that they read."""
        from gnnrec.tuning.planned_sampler import PlannedSampler

        seed = int.from_bytes(hashlib.blake2b(f"{self.options.seed} {slot}".encode(), digest_size=4).digest(), "big")
        sampler = PlannedSampler(planned, seed=seed, startup_trials=self.options.startup_trials)
        return self.storage.load(name, sampler=sampler, pruner=self._pruner())

    def _pruner(self) -> "BasePruner":
        from optuna.pruners import NopPruner

        from gnnrec.tuning.same_model_pruner import SameModelPruner

        if not self.options.prune or len(self.options.objectives) > 1:
            return NopPruner()
        return SameModelPruner(MODEL, startup_trials=_MEDIAN_OF, warmup_epochs=self.options.warmup_epochs)

    def _pruning(self, trial: "Trial") -> Callback:
        from gnnrec.tuning.pruning import Pruning

        return Pruning(trial, self.options.metric)

    @staticmethod
    def _trial(study: "Study", claim: Claim) -> "Trial":
        import optuna

        return optuna.trial.Trial(study, claim.trial_id)

    def _run(self, study: "Study", trial: "Trial", candidate: Candidate, seed: int, hooks: list[Callback]) -> None:
        """Train and tell; a candidate that cannot be trained has failed and says why."""
        from optuna.exceptions import OptunaError, TrialPruned
        from optuna.trial import TrialState

        trial.set_user_attr(CANDIDATE, candidate.to_dict())
        trial.set_user_attr("worker", f"{platform.node()}:{os.getpid()}")
        own = self.callbacks(candidate) if self.callbacks else []
        try:
            result = self.workspace.train(
                candidate,
                self.options.training_of(seed, candidate.training),
                callbacks=[*hooks, *own],
                measure_memory="peak_mib" in self.options.objectives,
                share=len(self.options.objectives) == 1,
            )
        except TrialPruned:
            self.interrupts.check()
            study.tell(trial, state=TrialState.PRUNED)
        except (OptunaError, StorageError):  # the trial may not be this worker's any more
            raise
        except Exception as error:  # whatever a candidate raises, others may do without
            self.interrupts.check()
            known = isinstance(error, GnnrecError)
            trial.set_user_attr(ERROR, str(error) if known else f"{type(error).__name__}: {error}")
            study.tell(trial, state=TrialState.FAIL)
        else:
            self.interrupts.check()
            for key, value in asdict(result).items():
                if value is not None:
                    trial.set_user_attr(key, value)
            study.tell(trial, [self._value(result, name) for name in self.options.objectives])

    @staticmethod
    def _value(result: TrialResult, objective: str) -> float:
        return float(getattr(result, objective)) if objective in COSTS else result.valid[objective]
