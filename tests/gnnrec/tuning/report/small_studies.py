"""Studies that take a second or two."""

from dataclasses import replace
from pathlib import Path

import optuna

from gnnrec.data import Dataset
from gnnrec.models import FloatRange
from gnnrec.testing.planted_fusion import planted_fusion_dataset
from gnnrec.training.options import TrainOptions
from gnnrec.tuning import StudySpace, StudyStorage, TuneOptions, tune
from gnnrec.tuning.study_settings import check_settings, describe_study

__all__ = ["NAME", "run_study", "write_failed_study"]

NAME = "small"
MODELS, FUSIONS, SETS = ("vbpr", "lightgcn"), ("default", "attention"), (("image", "text"), ("image",))
# Without the defaults, so that the winner is another than they and the test compares both.
SPACE = StudySpace(MODELS, FUSIONS, SETS, {"learning_rate": FloatRange(0.005, 0.01)})


def small_data() -> Dataset:
    return replace(planted_fusion_dataset(num_users=80, num_items=100, num_tastes=5), name="planted <&> data")


def run_study(folder: Path, *, objectives: tuple[str, ...] = ("recall@20",), test: bool = True) -> None:
    """A finished study of fourteen trials, and two finalists."""
    training = TrainOptions(max_epochs=4, batch_size=128, device="cpu")
    options = TuneOptions(
        trials=14,
        objectives=objectives,
        finalists=2,
        seeds=(1, 2),
        warmup_epochs=1,
        startup_trials=5,
        training=training,
    )
    tune(small_data(), SPACE, name=NAME, folder=folder, options=options, baselines=["ease"], test=test)


def write_failed_study(location: Path | str, *, complete: int = 0) -> None:
    """A study whose trials failed, all but some, in a journal or a database."""
    storage = StudyStorage(location)
    options = TuneOptions(trials=20)
    study = storage.create(NAME, options.directions)
    check_settings(study, describe_study(small_data(), SPACE, options, {}))
    study.sampler = optuna.samplers.RandomSampler(seed=0)
    for number in range(4 + complete):
        trial = study.ask()
        trial.set_user_attr("candidate", SPACE.suggest(trial).to_dict())
        trial.set_user_attr("worker", "machine:1")
        if number < 4:
            trial.set_user_attr("error", "the loss is <not> finite")
            study.tell(trial, state=optuna.trial.TrialState.FAIL)
        else:
            study.tell(trial, 0.25)
