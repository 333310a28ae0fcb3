"""A candidate as a run."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from gnnrec.data.dataset import Dataset
from gnnrec.evaluation import EvalOptions
from gnnrec.training.experiment import run_experiment
from gnnrec.tuning.candidate import Candidate
from gnnrec.tuning.options import TuneOptions

__all__ = ["train_candidate"]


def train_candidate(
    candidate: Candidate,
    seed: int,
    dataset: Dataset,
    out: Path,
    options: TuneOptions,
    *,
    reading: Mapping[str, Any],
    evaluation: EvalOptions | None = None,
    resume: bool = False,
) -> None:
    """Train and test a candidate as its study did, into a run folder.

    Args:
        candidate: What to train.
        seed: Seed of training.
        dataset: The data of the study.
        out: The run folder.
        options: Those of the study.
        reading: How the data were read, for ``run.json``.
        evaluation: What to report [default: all metrics, at the usual list lengths and at the deciding one].
        resume: Continue a run that is there.
    """
    run_experiment(
        candidate.model,
        dataset,
        out,
        model_options=candidate.arguments,
        features=list(candidate.features) or None,
        options=options.training_of(seed, candidate.training),
        evaluation=evaluation or EvalOptions(ks=options.ks),
        resume=resume,
        reading=reading,
    )
