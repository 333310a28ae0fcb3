"""The loop against a training written out by hand, its resume, its selection and its refusals."""

import json
import subprocess
import sys
import textwrap
from collections.abc import Iterator
from pathlib import Path

import pytest
import torch
from torch import Tensor, nn
from torch.nn import functional

from encoders.errors import ArgumentError, TrainingError
from encoders.training import CheckpointFolder, TrainingOptions, TrainingTask, fit

FEATURES = 5


class Regression(TrainingTask):
    """Linear regression with dropout, so that the global random source matters."""

    metric, larger_is_better = "error", False

    def __init__(self, *, drop: float = 0.0, batch_size: int = 4, spoil_in: int | None = None) -> None:
        torch.manual_seed(3)
        super().__init__(nn.Sequential(nn.Dropout(drop), nn.Linear(FEATURES, 1)))
        self.x, self.batch_size, self.spoil_in = torch.randn(20, FEATURES), batch_size, spoil_in
        self.y = self.x @ torch.arange(1.0, FEATURES + 1)[:, None]

    @property
    def num_steps(self) -> int:
        return len(self.x) // self.batch_size

    def batches(self, epoch: int) -> Iterator[Tensor]:
        order = torch.randperm(len(self.x), generator=torch.Generator().manual_seed(epoch))
        for batch in order.split(self.batch_size):
            yield batch if epoch != self.spoil_in else torch.full_like(batch, -1)

    def loss(self, batch: Tensor) -> dict[str, Tensor]:
        loss = functional.mse_loss(self.model(self.x[batch]), self.y[batch])
        return {"squares": loss * float("nan") if int(batch[0]) < 0 else loss, "zero": loss * 0}

    def validate(self) -> dict[str, float]:
        assert not self.model.training
        return {"error": float(functional.mse_loss(self.model(self.x), self.y).detach())}


def test_plain_steps_of_nesterov_are_those_written_out_by_hand() -> None:
    task = Regression()
    linear = task.model[1]
    weight, bias = linear.weight.detach().clone(), linear.bias.detach().clone()
    velocity = {"weight": torch.zeros_like(weight), "bias": torch.zeros_like(bias)}
    for epoch in (1, 2):
        rate = 0.01 * 0.5 ** (epoch - 1)
        for batch in task.batches(epoch):
            x, y = task.x[batch], task.y[batch]
            residual = 2 * (x @ weight.T + bias - y) / len(batch)
            gradients = {"weight": residual.T @ x + 0.1 * weight, "bias": residual.sum(0) + 0.1 * bias}
            for name, value in (("weight", weight), ("bias", bias)):
                velocity[name] = 0.9 * velocity[name] + gradients[name]
                value -= rate * (gradients[name] + 0.9 * velocity[name])
    state = fit(task, TrainingOptions(epochs=2, batch_size=4, learning_rate=0.01, decay=0.5, weight_decay=0.1))
    assert state.best_epoch == 2
    torch.testing.assert_close(linear.weight.detach(), weight)
    torch.testing.assert_close(linear.bias.detach(), bias)


def test_a_cold_start_and_a_warm_up_come_before_the_decay() -> None:
    options = TrainingOptions(learning_rate=1.0, decay=0.5, cold_epochs=2, warm_up_epochs=3)
    rates = [options.rate_of_epoch(epoch) for epoch in range(1, 8)]
    assert rates == pytest.approx([0.1, 0.1, 0.4, 0.7, 1.0, 1.0, 0.5])


def test_a_cosine_falls_to_zero_after_the_last_epoch() -> None:
    options = TrainingOptions(epochs=6, learning_rate=1.0, schedule="cosine", warm_up_epochs=2)
    rates = [options.rate_of_epoch(epoch) for epoch in range(1, 8)]
    assert rates == pytest.approx([0.55, 1.0, 1.0, 0.8535534, 0.5, 0.1464466, 0.0])


def test_a_run_that_goes_on_after_a_stop_ends_like_one_that_did_not_stop(tmp_path: Path) -> None:
    options = TrainingOptions(epochs=6, batch_size=4, learning_rate=0.02, decay=0.9)
    whole = Regression(drop=0.3)
    curve = fit(whole, options).history
    stopped = Regression(drop=0.3)

    class Stop(Exception):
        pass

    def stop(record: dict[str, object]) -> None:
        if record["epoch"] == 3:
            raise Stop

    with pytest.raises(Stop):
        fit(stopped, options, folder=CheckpointFolder(tmp_path, "run"), on_epoch=stop)
    torch.manual_seed(99)  # the caller's random state must not matter
    resumed = Regression(drop=0.3)
    state = fit(resumed, options, folder=CheckpointFolder(tmp_path, "run"))
    assert [record["losses"] for record in state.history] == [record["losses"] for record in curve]
    assert all(torch.equal(a, b) for a, b in zip(whole.model.parameters(), resumed.model.parameters(), strict=True))
    lines = (tmp_path / "history.jsonl").read_text().splitlines()
    assert [json.loads(line)["epoch"] for line in lines] == [1, 2, 3, 4, 5, 6]


def test_a_run_killed_amid_an_epoch_resumes_to_the_same_curve(tmp_path: Path) -> None:
    script = textwrap.dedent(f"""
        import os, signal, sys
        from pathlib import Path
        sys.path.insert(0, {str(Path(__file__).parent)!r})
        from test_encoder_training_loop import Regression
        from encoders.training import CheckpointFolder, TrainingOptions, fit
        def kill(epoch, step, steps):
            if (epoch, step) == (4, 3):
                os.kill(os.getpid(), signal.SIGKILL)
        options = TrainingOptions(epochs=6, batch_size=4, learning_rate=0.02, decay=0.9)
        fit(Regression(drop=0.3), options, folder=CheckpointFolder(Path({str(tmp_path)!r}), "run"), on_step=kill)
    """)
    assert subprocess.run([sys.executable, "-c", script], check=False).returncode == -9
    options = TrainingOptions(epochs=6, batch_size=4, learning_rate=0.02, decay=0.9)
    resumed = fit(Regression(drop=0.3), options, folder=CheckpointFolder(tmp_path, "run"))
    whole = fit(Regression(drop=0.3), options)
    assert [record["losses"] for record in resumed.history] == [record["losses"] for record in whole.history]
    assert [record["valid"] for record in resumed.history] == [record["valid"] for record in whole.history]


def test_the_best_epoch_is_kept_and_patience_ends_training() -> None:
    class Worse(Regression):
        figures = iter([5.0, 4.0, 6.0, 7.0, 1.0])

        def validate(self) -> dict[str, float]:
            self.kept = [*getattr(self, "kept", []), self.model[1].weight.detach().clone()]
            return {"error": next(self.figures)}

    task = Worse()
    state = fit(task, TrainingOptions(epochs=9, batch_size=4, learning_rate=0.01, patience=2))
    assert (state.epoch, state.best_epoch, state.best_value) == (4, 2, 4.0)
    assert torch.equal(task.model[1].weight, task.kept[1])
    assert not torch.equal(task.model[1].weight, task.kept[3])


def test_a_figure_that_is_no_number_is_never_the_best() -> None:
    class Broken(Regression):
        figures = iter([float("nan"), 4.0, float("nan")])

        def validate(self) -> dict[str, float]:
            return {"error": next(self.figures)}

    assert fit(Broken(), TrainingOptions(epochs=3, batch_size=4, learning_rate=0.01)).best_epoch == 2


def test_a_loss_that_is_not_finite_stops_with_its_name_and_keeps_the_state_before(tmp_path: Path) -> None:
    options = TrainingOptions(epochs=5, batch_size=4, learning_rate=0.01)
    with pytest.raises(TrainingError, match=r"^loss 'squares' is not finite in epoch 3"):
        fit(Regression(spoil_in=3), options, folder=CheckpointFolder(tmp_path, "run"))
    saved = CheckpointFolder(tmp_path, "run").read(torch.device("cpu"))
    assert saved is not None and saved["epoch"] == 2


def test_the_global_random_state_is_left_alone() -> None:
    torch.manual_seed(7)
    task = Regression(drop=0.5)
    before = torch.random.get_rng_state()
    fit(task, TrainingOptions(epochs=1, batch_size=4, learning_rate=0.01))
    assert torch.equal(before, torch.random.get_rng_state())


def test_frozen_parameters_are_in_no_checkpoint(tmp_path: Path) -> None:
    task = Regression()
    task.model[1].bias.requires_grad_(False)
    fit(task, TrainingOptions(epochs=1, batch_size=4, learning_rate=0.01), folder=CheckpointFolder(tmp_path, "run"))
    saved = torch.load(tmp_path / "checkpoint.pt", weights_only=True)
    assert list(saved["model"]) == ["1.weight"]


def test_checkpoints_of_other_runs_and_damaged_ones_are_refused(tmp_path: Path) -> None:
    options = TrainingOptions(epochs=1, batch_size=4, learning_rate=0.01)
    fit(Regression(), options, folder=CheckpointFolder(tmp_path, "run of one kind"))
    with pytest.raises(TrainingError, match="identity: that run run of one kind, this run another"):
        fit(Regression(), options, folder=CheckpointFolder(tmp_path, "another"))
    (tmp_path / "checkpoint.pt").write_bytes(b"damaged")
    with pytest.raises(TrainingError, match="delete it to start anew"):
        fit(Regression(), options, folder=CheckpointFolder(tmp_path, "run of one kind"))


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("epochs", 0),
        ("batch_size", 1.5),
        ("learning_rate", 0.0),
        ("learning_rate", float("nan")),
        ("decay", 1.1),
        ("momentum", 1.0),
        ("weight_decay", -1.0),
        ("patience", 0),
        ("optimizer", "lion"),
        ("precision", "fp16"),
        ("schedule", "linear"),
        ("cold_epochs", -1),
    ],
)
def test_options_that_cannot_work_are_refused_by_name(name: str, value: object) -> None:
    with pytest.raises(ArgumentError, match=f"'{name}' must be"):
        TrainingOptions(**{name: value})


def test_mixed_precision_trains_and_keeps_parameters_in_float32() -> None:
    task = Regression()
    state = fit(task, TrainingOptions(epochs=3, batch_size=4, learning_rate=0.01, precision="bf16"))
    losses = [record["losses"]["squares"] for record in state.history]
    assert losses[2] < losses[0]
    assert all(parameter.dtype == torch.float32 for parameter in task.model.parameters())
