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

from gnnrec.data import ItemFeatures
from gnnrec.errors import ArgumentError, TrainingError, UnknownNameError
from gnnrec.models import Choice
from gnnrec.training.run_folder import RunFolder
from gnnrec.tuning import Candidate, StudySpace, StudyStorage, TuneOptions, TuningResult, tune
from gnnrec.tuning.finalists import choose_finalists, run_finalists
from gnnrec.tuning.same_model_pruner import SameModelPruner
from gnnrec.tuning.study_reader import StudyReader
from gnnrec.tuning.study_settings import describe_study
from gnnrec.tuning.worker import Worker
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


def test_command_names_another_list_length(tmp_path: Path) -> None:
    training = replace(options(1).training, accumulate_steps=2, deterministic=True)
    chosen = replace(options(1), objectives=("recall@5",), finalists=1, training=training)
    tune(dataset(), StudySpace(("bpr-mf",)), name="short", folder=tmp_path, options=chosen, test=False)
    reader = StudyReader("short", folder=tmp_path)
    words = reader.command(reader.best()).split()
    assert {"--metric=recall@5", "--ks=5,10,20,50", "--accumulate-steps=2", "--deterministic"} <= set(words)


def test_runs_of_a_former_study_of_the_name_are_not_taken(tmp_path: Path) -> None:
    def study(epochs: int) -> TuningResult:
        training = replace(options(1).training, max_epochs=epochs)
        return tune(
            dataset(), StudySpace(("bpr-mf",)), name="again", folder=tmp_path, baselines=["popularity"],
            options=replace(options(2), finalists=1, seeds=(1,), training=training),
        )  # fmt: skip

    short = study(1)
    (tmp_path / "again" / "study.journal").unlink()
    tune(
        dataset(),
        StudySpace(("bpr-mf",)),
        name="again",
        folder=tmp_path,
        options=replace(options(1), seed=5),
        test=False,
    )
    (tmp_path / "again" / "study.journal").unlink()
    long = study(4)
    assert short.test is not None and long.test is not None
    assert {path.parent for path in short.test.runs["default"]} != {path.parent for path in long.test.runs["default"]}
    assert RunFolder(long.test.runs["default"][0]).read_json("metrics.json")["epochs"] == 4
    written = json.loads((tmp_path / "again" / "result.json").read_text())
    assert StudyReader("again", folder=tmp_path).result == written
    (tmp_path / "again" / "result.json").write_text(json.dumps({**written, "key": "another"}))
    assert StudyReader("again", folder=tmp_path).result is None


def test_baselines_are_trained_once(finished: TuningResult, tmp_path: Path) -> None:
    storage = StudyStorage(finished.folder / "study.journal")
    (name,) = [name for name in storage.names() if "baselines" in name]
    before = storage.load(name).get_trials()
    assert [trial.user_attrs["candidate"]["model"] for trial in before] == ["popularity", "item-knn"]
    again = tune(
        dataset(), SPACE, name="whole", folder=finished.folder.parent, options=options(8),
        baselines=["popularity", "item-knn"],
    )  # fmt: skip
    assert again.to_dict() == finished.to_dict()
    assert len(storage.load(name).get_trials()) == 2


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"baselines": ["lightgcm"]}, "unknown model 'lightgcm'; did you mean 'lightgcn'"),
        ({"baselines": ["vbpr"]}, r"'baselines' must be models without content \(got 'vbpr'\)"),
        ({"space": StudySpace(("vbpr",), feature_sets=(("plantd",),))}, "unknown features 'plantd'"),
    ],
)
def test_what_cannot_work_is_refused_before_the_search(
    changes: dict[str, object], message: str, tmp_path: Path
) -> None:
    arguments: dict[str, object] = {"space": SPACE, **changes}
    with pytest.raises((ArgumentError, UnknownNameError), match=message):
        tune(dataset(), name="never", folder=tmp_path, options=options(2), **arguments)  # type: ignore[arg-type]
    assert not list(tmp_path.iterdir())


def test_workers_may_have_devices_of_their_own(tmp_path: Path) -> None:
    chosen = replace(options(2), finalists=1)
    tune(dataset(), StudySpace(("bpr-mf",)), name="own", folder=tmp_path, options=chosen, test=False)
    auto = replace(chosen, trials=3, training=replace(chosen.training, device="auto"))
    again = tune(dataset(), StudySpace(("bpr-mf",)), name="own", folder=tmp_path, options=auto, test=False)
    assert len(again.trials) == 3
    other = replace(chosen, training=replace(chosen.training, batch_size=32))
    with pytest.raises(ArgumentError, match=r"is another: its batch_size is 256, not 32\. Go on"):
        tune(dataset(), StudySpace(("bpr-mf",)), name="own", folder=tmp_path, options=other, test=False)


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


def test_study_knows_the_features_that_it_searches(tmp_path: Path) -> None:
    """One that it does not search may come or change meanwhile; one that it does is part of it."""
    space, chosen = StudySpace(("vbpr",), ("concat",), (("planted",),)), replace(options(1), finalists=1)

    def study(trials: int, **changed: ItemFeatures) -> TuningResult:
        data = dataset()
        data = replace(data, features={**data.features, **changed})
        return tune(data, space, name="s", folder=tmp_path, options=replace(chosen, trials=trials), test=False)

    study(1)
    noise, planted = dataset().features["noise"], dataset().features["planted"]
    again = study(2, noise=ItemFeatures(noise.x + 1, noise.mask), further=ItemFeatures(noise.x, noise.mask))
    assert len(again.trials) == 2
    with pytest.raises(ArgumentError, match="study 's' is another: its features planted had other values"):
        study(3, planted=ItemFeatures(planted.x + 1, planted.mask))


def test_study_of_version_0_1_goes_on(tmp_path: Path) -> None:
    """Its fingerprint was that of all features there were."""
    space, chosen = StudySpace(("vbpr",), ("concat",), (("planted",),)), replace(options(1), finalists=1)
    settings = describe_study(dataset(), space, chosen, {})
    whole = settings["data"].pop("fingerprint_with_features")
    settings["data"] = {**settings["data"], "fingerprint": whole}
    del settings["data"]["features"]
    storage = StudyStorage(tmp_path / "s" / "study.journal")
    storage.create("s", ["maximize"]).set_user_attr("settings", settings)
    assert len(tune(dataset(), space, name="s", folder=tmp_path, options=chosen, test=False).trials) == 1


def test_command_says_how_a_table_is_read(tmp_path: Path) -> None:
    reading = {"header": False, "delimiter": ";", "encoding": "latin-1", "min_weight": 3.5, "columns": {"user": "1"}}
    tune(
        dataset(), StudySpace(("bpr-mf",)), name="s", folder=tmp_path, options=replace(options(1), finalists=1),
        test=False, reading=reading,
    )  # fmt: skip
    reader = StudyReader("s", folder=tmp_path)
    words = shlex.split(reader.command(reader.best()))
    assert {"--no-header", "--delimiter=;", "--encoding=latin-1", "--min-weight=3.5", "--column=user=1"} <= set(words)


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
    # What a first training loads besides, differs from machine to machine; the process itself has hundreds of MiB.
    assert peaks[1] - peaks[0] > 60 and 2 * peaks[0] < peaks[1]
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


def test_whatever_a_candidate_raises_the_study_goes_on(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    train = Workspace.train

    def fails(self: Workspace, candidate: Candidate, *arguments: object, **more: object) -> object:
        if candidate.training["learning_rate"] == 0.5:
            raise RuntimeError("not positive definite")
        return train(self, candidate, *arguments, **more)  # type: ignore[arg-type]

    monkeypatch.setattr(Workspace, "train", fails)
    space = StudySpace(("bpr-mf",), (), (), {"learning_rate": Choice((0.5, 0.0, 0.01))})
    result = tune(dataset(), space, name="partly", folder=tmp_path, options=options(8), test=False)
    assert len(result.trials) == 8 and result.best.candidate.training["learning_rate"] == 0.01
    errors = {trial.user_attrs["error"] for trial in result.trials if trial.state == TrialState.FAIL}
    assert errors == {"RuntimeError: not positive definite", "'learning_rate' must be positive (got 0.0)"}


def test_values_of_a_finalist_are_in_the_order_of_the_seeds(finished: TuningResult) -> None:
    space, chosen = SPACE, options(8)
    storage = StudyStorage(finished.folder / "study.journal")
    worker = Worker(storage, space, Workspace(dataset(), torch.device("cpu"), 20), chosen)
    trials = list(finished.trials)
    told = worker.repeat
    worker.repeat = lambda *given: told(*given)[::-1]  # type: ignore[method-assign]
    again = run_finalists(worker, "whole", trials)
    assert [one.values for one in again] == [one.values for one in finished.finalists]


def test_costs_do_not_depend_on_former_trials() -> None:
    workspace = Workspace(dataset(), torch.device("cpu"), 20)
    candidate, training = Candidate("lattice", ("planted",)), replace(options(1).training, max_epochs=1)
    workspace.train(candidate, training, share=False)
    assert "_item_graphs" not in vars(workspace.features["planted"])
    workspace.train(candidate, training)
    assert "_item_graphs" in vars(workspace.features["planted"])


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
