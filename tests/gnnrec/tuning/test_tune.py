"""Studies from beginning to end."""

import json
import shlex
from dataclasses import replace
from pathlib import Path

import optuna
import pytest
import torch
from optuna.trial import TrialState
from study_workers import SPACE, dataset, options

from gnnrec.errors import ArgumentError, TrainingError, UnknownNameError
from gnnrec.models import Choice
from gnnrec.training.run_folder import RunFolder
from gnnrec.tuning import Candidate, StudySpace, StudyStorage, TuneOptions, TuningResult, tune
from gnnrec.tuning.finalists import choose_finalists
from gnnrec.tuning.same_model_pruner import SameModelPruner
from gnnrec.tuning.study_reader import StudyReader
from gnnrec.tuning.workspace import Workspace


@pytest.fixture(autouse=True)
def one_thread() -> None:
    torch.set_num_threads(1)


@pytest.fixture(scope="module")
def finished(tmp_path_factory: pytest.TempPathFactory) -> TuningResult:
    torch.set_num_threads(1)
    folder = tmp_path_factory.mktemp("studies")
    return tune(dataset(), SPACE, name="whole", folder=folder, options=options(8), baselines=["popularity", "item-knn"])


def test_winner_is_the_best_mean_over_seeds(finished: TuningResult) -> None:
    assert len(finished.trials) == 8 and len(finished.finalists) == 2
    assert [len(finalist.values) for finalist in finished.finalists] == [2, 2]
    assert finished.finalists[0].mean >= finished.finalists[1].mean
    ranked = sorted(finished.trials, key=lambda trial: -trial.values[0])
    assert {finalist.number for finalist in finished.finalists} == {trial.number for trial in ranked[:2]}


def test_winner_is_compared_on_test(finished: TuningResult) -> None:
    test = finished.test
    assert test is not None
    assert test.candidates["winner"] == finished.best.candidate
    assert test.candidates["default"] == SPACE.default(finished.best.candidate.model) != finished.best.candidate
    assert test.candidates["classical"].model == "item-knn", "it beats popularity by far on validation"
    assert {one.a for one in test.comparisons} == {"default", "classical"}
    for role, folders in test.runs.items():
        recalls = [RunFolder(folder).read_json("metrics.json")["test"]["recall@20"] for folder in folders]
        assert sum(recalls) / len(recalls) == pytest.approx(test.means[role], abs=1e-6)
    written = json.loads((finished.folder / "result.json").read_text())
    assert written["test"]["means"] == dict(test.means)


def test_storage_knows_no_test_figure(finished: TuningResult) -> None:
    """What is in the storage is the same with another test part: nothing can be chosen by it."""
    path = finished.folder / "study.journal"
    assert '"test' not in path.read_text()
    other = dataset()
    emptied = replace(other, test=other.valid)
    again = tune(emptied, SPACE, name="emptied", folder=finished.folder.parent, options=options(8), test=False)
    assert [trial.values for trial in again.trials] == [trial.values for trial in finished.trials]
    storage = StudyStorage(path)
    figures = finished.test
    assert figures is not None
    for name in storage.names():
        study = storage.load(name)
        attributes = [study.user_attrs, *(trial.user_attrs for trial in study.get_trials())]
        assert not any("test" in key for one in attributes for key in one)
        assert str(figures.means["winner"]) not in json.dumps(attributes)


def test_command_of_the_best_repeats_it(finished: TuningResult, tmp_path: Path) -> None:
    from gnnrec.cli.main import app
    from gnnrec.data.writing import write_dataset

    reader = StudyReader("whole", folder=finished.folder.parent)
    assert reader.best() == finished.best
    data = write_dataset(dataset(), tmp_path / "data")
    words = shlex.split(reader.command(reader.best()))
    assert words[:3] == ["gnnrec", "train", finished.best.candidate.model]
    out = tmp_path / "run"
    words = [str(data) if word == "" else word for word in words]
    app(args=[*words[1:], f"--out={out}"], standalone_mode=False)
    value = RunFolder(out).read_json("metrics.json")["valid"]["recall@20"]
    assert value == pytest.approx(finished.best.values[0], abs=1e-6)


def test_study_of_other_data_or_settings_is_refused(finished: TuningResult) -> None:
    def again(data: object = None, space: StudySpace = SPACE, **changes: object) -> None:
        changed = replace(options(8), **changes)  # type: ignore[arg-type]
        tune(data or dataset(), space, name="whole", folder=finished.folder.parent, options=changed)  # type: ignore[arg-type]

    other = dataset()
    other.users = type(other.users)([f"u{number}" for number in range(other.num_users)], kind="user")
    with pytest.raises(ArgumentError, match=r"study 'whole' is another: its data are planted \(fingerprint .* --name"):
        again(other)
    with pytest.raises(ArgumentError, match=r"its space differs in bpr-mf\.init_std, .*, model, .*another --name"):
        again(space=StudySpace(("vbpr",), SPACE.fusions, SPACE.feature_sets))
    with pytest.raises(ArgumentError, match=r"its prune is False, not True"):
        again(prune=True)


def test_foreign_study_is_refused(tmp_path: Path) -> None:
    storage = StudyStorage(tmp_path / "own" / "study.journal")
    storage.create("own", ["maximize"]).add_trial(optuna.create_trial(value=1.0))
    with pytest.raises(ArgumentError, match="study 'own' was not made by gnnrec"):
        tune(dataset(), SPACE, name="own", folder=tmp_path, options=options(2))
    with pytest.raises(ArgumentError, match="was not made by gnnrec"):
        StudyReader("own", folder=tmp_path)
    with pytest.raises(UnknownNameError, match="unknown study 'owm'; did you mean 'own'"):
        StudyReader("owm", folder=tmp_path)


def test_costs_as_objectives(tmp_path: Path) -> None:
    """Quality and cost: nothing is pruned, every trial has both figures, the finalists are of the front."""
    chosen = replace(options(6), objectives=("recall@20", "epoch_seconds"), prune=True)
    result = tune(dataset(), SPACE, name="costs", folder=tmp_path, options=chosen, test=False)
    assert all(trial.state == TrialState.COMPLETE and len(trial.values) == 2 for trial in result.trials)
    assert all(trial.values[1] == trial.user_attrs["epoch_seconds"] > 0 for trial in result.trials)
    front = {trial.number for trial in StudyReader("costs", folder=tmp_path).study.best_trials}
    assert {finalist.number for finalist in result.finalists} <= front or len(front) < len(result.finalists)


def test_peak_memory_is_that_of_the_trial(tmp_path: Path) -> None:
    """A table of 22 MB, its gradient and Adam's two moments, more than what a table of 1 MB takes."""
    chosen = replace(options(1), objectives=("recall@20", "peak_mib"), finalists=1, seeds=(1,))
    chosen = replace(chosen, training=replace(chosen.training, max_epochs=1))
    workspace = Workspace(dataset(), torch.device("cpu"), 20)
    peaks = [
        workspace.train(Candidate("bpr-mf", (), {"embedding_dim": dim}), chosen.training, measure_memory=True).peak_mib
        for dim in (2000, 40_000)
    ]
    assert peaks[0] is not None and peaks[1] is not None
    assert peaks[1] - peaks[0] > 60 and peaks[0] < 40
    result = tune(dataset(), StudySpace(("bpr-mf",)), name="memory", folder=tmp_path, options=chosen, test=False)
    assert result.trials[0].values[1] == result.trials[0].user_attrs["peak_mib"] >= 0


def test_finalists_are_distinct(finished: TuningResult) -> None:
    twice = [*finished.trials, *finished.trials]
    assert len(choose_finalists(twice, replace(options(8), finalists=20))) == len(
        {json.dumps(trial.user_attrs["candidate"], sort_keys=True) for trial in finished.trials}
    )


def test_failed_trials_say_why(tmp_path: Path) -> None:
    """One of two learning rates makes the loss infinite: its trials fail, the study goes on."""
    space = StudySpace(("bpr-mf",), (), (), {"learning_rate": Choice((1e30, 0.01))})
    result = tune(dataset(), space, name="partly", folder=tmp_path, options=options(6), test=False)
    states = {trial.state for trial in result.trials}
    assert states == {TrialState.COMPLETE, TrialState.FAIL} and len(result.trials) == 6
    failed = next(trial for trial in result.trials if trial.state == TrialState.FAIL)
    assert "is not finite" in failed.user_attrs["error"]
    hopeless = StudySpace(("bpr-mf",), (), (), {"learning_rate": Choice((1e30,))})
    with pytest.raises(TrainingError, match=r"no trial of study 'never' was trained to its end: .* is not finite"):
        tune(dataset(), hopeless, name="never", folder=tmp_path, options=options(2), test=False)


def test_pruning_stops_what_falls_behind(tmp_path: Path) -> None:
    """Hopeless learning rates are stopped before their last epoch; the best trial is not."""
    space = StudySpace(("bpr-mf",), (), (), {"learning_rate": Choice((0.03, 1e-7))})
    training = replace(options(1).training, max_epochs=12)
    chosen = replace(options(16), prune=True, warmup_epochs=2, training=training)
    result = tune(dataset(), space, name="pruned", folder=tmp_path, options=chosen, test=False)
    pruned = [trial for trial in result.trials if trial.state == TrialState.PRUNED]
    hopeless = [trial for trial in result.trials if trial.params["bpr-mf.learning_rate"] == 1e-7]
    assert sum(trial in pruned for trial in hopeless) > len(hopeless) / 2
    assert all(max(trial.intermediate_values) < 12 for trial in pruned)
    assert result.best.candidate.training["learning_rate"] == 0.03


def test_pruning_compares_with_trials_of_the_same_model() -> None:
    """Third of its model at every epoch is stopped; worse than all of another model alone is not."""
    study = optuna.create_study(direction="maximize")
    choices = {"model": optuna.distributions.CategoricalDistribution(("fast", "slow"))}

    def trial(model: str, value: float, state: TrialState = TrialState.COMPLETE) -> optuna.trial.FrozenTrial:
        steps = {epoch: value for epoch in range(1, 6)}
        last = value if state == TrialState.COMPLETE else None
        return optuna.create_trial(
            state=state, value=last, params={"model": model}, distributions=choices, intermediate_values=steps
        )

    pruner = SameModelPruner("model", startup_trials=3, warmup_epochs=2)
    for value in (0.8, 0.9, 0.7):
        study.add_trial(trial("fast", value))
    assert not pruner.prune(study, trial("slow", 0.1, TrialState.RUNNING))
    assert pruner.prune(study, trial("fast", 0.75, TrialState.RUNNING))
    assert not pruner.prune(study, trial("fast", 0.85, TrialState.RUNNING))
    for value in (0.2, 0.3, 0.4):
        study.add_trial(trial("slow", value))
    assert pruner.prune(study, trial("slow", 0.1, TrialState.RUNNING))
    assert not pruner.prune(study, trial("slow", 0.35, TrialState.RUNNING))


def test_time_limit(tmp_path: Path) -> None:
    chosen = replace(options(10_000), timeout=1.5)
    result = tune(dataset(), SPACE, name="short", folder=tmp_path, options=chosen, test=False)
    assert 1 <= len(result.trials) < 10_000 and result.finalists


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"trials": 0}, "'trials' must be a positive integer"),
        ({"seeds": (0, 1)}, "'seeds' must not hold 0, with which the trials are trained"),
        ({"seeds": (1, 1)}, "'seeds' must hold at least one seed, each once"),
        ({"objectives": ("recal@20",)}, "unknown metric of validation as first objective 'recal@20'"),
        ({"objectives": ("recall@20", "seconds")}, "unknown cost as further objective 'seconds'"),
        ({"timeout": 0.0}, "'timeout' must be positive"),
    ],
)
def test_options_that_cannot_work(changes: dict[str, object], message: str) -> None:
    with pytest.raises((ArgumentError, UnknownNameError), match=message):
        TuneOptions(**changes)  # type: ignore[arg-type]
