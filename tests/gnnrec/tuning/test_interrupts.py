"""An interrupt is a wish of the user and no failed trial."""

import os
import signal
from pathlib import Path

import optuna
import pytest
import torch
from optuna.trial import TrialState
from study_workers import SPACE, dataset, options

from gnnrec.errors import TrainingError
from gnnrec.training import Callback, TrainOptions
from gnnrec.training.state import TrainState
from gnnrec.tuning import Candidate, StudyStorage, TuningResult, tune
from gnnrec.tuning.workspace import TrialResult, Workspace


@pytest.fixture(autouse=True)
def one_thread() -> None:
    torch.set_num_threads(1)


class Interrupting(Callback):
    """Sends a signal to this process in the second epoch of a trial; what it hits may turn it into another error."""

    def __init__(self, number: signal.Signals, error: BaseException | None) -> None:
        self.number, self.error, self.sent = number, error, False

    def on_epoch(self, state: TrainState, record: dict[str, object]) -> None:
        if self.sent or state.epoch < 2:
            return
        self.sent = True
        try:
            os.kill(os.getpid(), self.number)
        except KeyboardInterrupt:
            if self.error is None:
                raise
        if self.error is not None:
            raise self.error


def study(folder: Path, callback: Callback | None = None) -> TuningResult:
    hooks = [callback] if callback else []
    return tune(
        dataset(), SPACE, name="s", folder=folder, options=options(4), test=False, callbacks=lambda candidate: hooks
    )


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
@pytest.mark.parametrize(
    "error", [None, ImportError("cannot import name '_inductor' from 'torch'"), optuna.TrialPruned()], ids=str
)
def test_interrupted_trial_runs_again(number: signal.Signals, error: BaseException | None, tmp_path: Path) -> None:
    before = signal.getsignal(number)
    with pytest.raises(KeyboardInterrupt):
        study(tmp_path, Interrupting(number, error))
    assert signal.getsignal(number) == before
    found = StudyStorage(tmp_path / "s" / "study.journal").load("s").get_trials()
    assert not any("error" in trial.user_attrs for trial in found)
    assert not any(trial.state in (TrialState.PRUNED, TrialState.RUNNING) for trial in found)
    again = study(tmp_path)
    undisturbed = tune(dataset(), SPACE, name="u", folder=tmp_path, options=options(4), test=False)
    assert [trial.state for trial in again.trials] == [TrialState.COMPLETE] * 4
    assert {str(trial.params): trial.values for trial in again.trials} == {
        str(trial.params): trial.values for trial in undisturbed.trials
    }
    assert again.best.candidate == undisturbed.best.candidate


def test_signal_that_is_ignored_stays_so(tmp_path: Path) -> None:
    """As nohup, and a shell for what runs behind, start a program."""
    former = signal.signal(signal.SIGINT, signal.SIG_IGN)
    try:
        result = study(tmp_path, Interrupting(signal.SIGINT, None))
    finally:
        signal.signal(signal.SIGINT, former)
    assert len(result.trials) == 4


def test_system_exit_gives_the_trial_back(tmp_path: Path) -> None:
    with pytest.raises(SystemExit):
        study(tmp_path, Interrupting(signal.SIGCONT, SystemExit(3)))
    assert [trial.state for trial in study(tmp_path).trials] == [TrialState.COMPLETE] * 4


def test_study_without_a_finalist_has_no_winner(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    train = Workspace.train

    def fails(self: Workspace, candidate: Candidate, chosen: TrainOptions, **more: object) -> TrialResult:
        if chosen.seed:
            raise MemoryError("all is full")
        return train(self, candidate, chosen, **more)  # type: ignore[arg-type]

    monkeypatch.setattr(Workspace, "train", fails)
    with pytest.raises(TrainingError, match="no finalist of study 's' was trained with every seed: MemoryError: all"):
        study(tmp_path)
    assert not (tmp_path / "s" / "result.json").exists()


def test_finalist_that_lacks_a_seed_is_reported(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from gnnrec.tuning.report.outcome import finalists
    from gnnrec.tuning.report.snapshot import StudySnapshot
    from gnnrec.tuning.study_reader import StudyReader

    train, failing = Workspace.train, set[str]()

    def fails(self: Workspace, candidate: Candidate, chosen: TrainOptions, **more: object) -> TrialResult:
        if chosen.seed and (not failing or candidate.key in failing):
            failing.add(candidate.key)
            raise MemoryError("all is full")
        return train(self, candidate, chosen, **more)  # type: ignore[arg-type]

    monkeypatch.setattr(Workspace, "train", fails)
    study(tmp_path)
    table = finalists(StudySnapshot.take(StudyReader("s", folder=tmp_path)))
    assert table is not None
    said = [row[2] for row in table.rows]
    assert "not" not in said[0] and said[1:] == ["not trained with every seed"]
