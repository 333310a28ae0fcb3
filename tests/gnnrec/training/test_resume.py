import json
import os
import signal
import subprocess
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import load_file

from gnnrec import load
from gnnrec.data.splits import apply_split
from gnnrec.errors import RunError, UnknownNameError
from gnnrec.evaluation import EvalOptions
from gnnrec.evaluation.run_group import read_run_groups
from gnnrec.testing import planted_dataset
from gnnrec.training import Callback, TrainOptions
from gnnrec.training.experiment import run_experiment
from gnnrec.training.run_folder import RunFolder
from gnnrec.training.state import TrainState

# A child process trains slowly enough to be killed in the middle of an epoch.
CHILD = """
import sys, time
from gnnrec.testing import planted_dataset
from gnnrec.training import Callback, TrainOptions
from gnnrec.training.experiment import run_experiment

class Slow(Callback):
    def on_step(self, state, step, num_steps):
        time.sleep(0.02)
        if state.epoch >= 3 and step == 2:
            print("mid-epoch", flush=True)

run_experiment("vbpr", planted_dataset(), sys.argv[1], options=TrainOptions(
    learning_rate=0.01, batch_size=256, max_epochs=8, device="cpu"), callbacks=[Slow()])
"""
OPTIONS = TrainOptions(learning_rate=0.01, batch_size=256, max_epochs=8, device="cpu")


def test_killed_run_resumes_to_the_same_numbers(tmp_path: Path) -> None:
    torch.set_num_threads(1)
    child = subprocess.Popen(
        [sys.executable, "-c", CHILD, str(tmp_path / "killed")],
        stdout=subprocess.PIPE,
        text=True,
        env={**os.environ, "OMP_NUM_THREADS": "1"},
    )
    assert child.stdout is not None and child.stdout.readline() == "mid-epoch\n"
    child.send_signal(signal.SIGKILL)
    child.wait()
    assert not (tmp_path / "killed" / "metrics.json").exists()
    resumed = run_experiment("vbpr", planted_dataset(), tmp_path / "killed", options=OPTIONS, resume=True)
    whole = run_experiment("vbpr", planted_dataset(), tmp_path / "whole", options=OPTIONS)
    assert resumed.epochs == whole.epochs == 8 and resumed.best_epoch == whole.best_epoch
    for name in ("model.safetensors", "embeddings.safetensors"):
        ours, theirs = load_file(tmp_path / "killed" / name), load_file(tmp_path / "whole" / name)
        assert all(torch.equal(ours[key], theirs[key]) for key in theirs), name
    losses = [
        [json.loads(line)["losses"] for line in (tmp_path / run / "history.jsonl").read_text().splitlines()]
        for run in ("killed", "whole")
    ]
    assert losses[0] == losses[1] and len(losses[0]) == 8
    metrics = [json.loads((tmp_path / run / "metrics.json").read_text()) for run in ("killed", "whole")]
    assert metrics[0]["test"] == metrics[1]["test"] and metrics[0]["valid"] == metrics[1]["valid"]


def test_finished_run_can_be_resumed_with_more_epochs(tmp_path: Path) -> None:
    data = planted_dataset(num_users=80, num_items=100)
    short = TrainOptions(learning_rate=0.01, batch_size=256, max_epochs=3, device="cpu")
    longer = TrainOptions(learning_rate=0.01, batch_size=256, max_epochs=5, device="cpu")
    run_experiment("bpr-mf", data, tmp_path / "run", options=short)
    assert run_experiment("bpr-mf", data, tmp_path / "run", options=longer, resume=True).epochs == 5


def test_other_settings_are_refused(tmp_path: Path) -> None:
    data = planted_dataset(num_users=80, num_items=100)
    short = TrainOptions(max_epochs=2, device="cpu")
    run_experiment("bpr-mf", data, tmp_path / "run", options=short)
    with pytest.raises(RunError, match="not empty; add --resume"):
        run_experiment("bpr-mf", data, tmp_path / "run", options=short)
    with pytest.raises(RunError, match="'seed' was 0 and is 1"):
        run_experiment("bpr-mf", data, tmp_path / "run", options=TrainOptions(seed=1, device="cpu"), resume=True)
    (tmp_path / "run" / "checkpoint.pt").write_bytes(b"half a checkpoint")
    with pytest.raises(RunError, match="cannot be read as a checkpoint"):
        run_experiment("bpr-mf", data, tmp_path / "run", options=short, resume=True)


def test_no_temporary_files_are_left(tmp_path: Path) -> None:
    run_experiment("bpr-mf", planted_dataset(), tmp_path / "run", options=TrainOptions(max_epochs=2, device="cpu"))
    names = {path.name for path in (tmp_path / "run").iterdir()}
    assert names == {
        "run.json", "model.safetensors", "embeddings.safetensors", "ids.parquet", "interactions.safetensors",
        "history.jsonl", "metrics.json", "metrics_per_user.parquet", "checkpoint.pt",
    }  # fmt: skip


def test_refused_resume_leaves_the_run_as_it_was(tmp_path: Path) -> None:
    options = TrainOptions(max_epochs=2, device="cpu")
    run_experiment("bpr-mf", planted_dataset(num_users=60, num_items=80), tmp_path / "run", options=options)
    before = {path.name: path.read_bytes() for path in (tmp_path / "run").iterdir()}
    other = planted_dataset(num_users=50, num_items=80)
    for model, data in (("bpr-mf", other), ("popularity", other), ("lightgcn", other)):
        with pytest.raises(RunError, match="'data' was "):
            run_experiment(model, data, tmp_path / "run", options=options, resume=True)
    with pytest.raises(UnknownNameError, match="unknown metric 'recal@20'; did you mean 'recall@20'"):
        run_experiment("bpr-mf", other, tmp_path / "new", options=TrainOptions(metric="recal@20", device="cpu"))
    assert not (tmp_path / "new").exists()
    assert {path.name: path.read_bytes() for path in (tmp_path / "run").iterdir()} == before


def test_more_patience_continues_a_stopped_run(tmp_path: Path) -> None:
    data = planted_dataset(num_users=80, num_items=100)
    impatient, patient = (TrainOptions(max_epochs=30, patience=n, device="cpu") for n in (1, 30))
    stopped = run_experiment("bpr-mf", data, tmp_path / "run", options=impatient)
    assert stopped.epochs < 30
    assert run_experiment("bpr-mf", data, tmp_path / "run", options=impatient, resume=True).epochs == stopped.epochs
    resumed = run_experiment("bpr-mf", data, tmp_path / "run", options=patient, resume=True)
    whole = run_experiment("bpr-mf", data, tmp_path / "whole", options=patient)
    assert resumed.epochs == whole.epochs == 30 and resumed.test is not None and whole.test is not None
    assert resumed.test.metrics == whole.test.metrics


def test_order_of_features_is_part_of_the_run(tmp_path: Path) -> None:
    data = planted_dataset(num_users=60, num_items=80)
    options = TrainOptions(max_epochs=1, device="cpu")
    run_experiment("vbpr", data, tmp_path / "run", features=["planted", "noise"], options=options)
    with pytest.raises(RunError, match="'features' was "):
        run_experiment("vbpr", data, tmp_path / "run", features=["noise", "planted"], options=options, resume=True)


@pytest.mark.parametrize(
    ("changed", "named"),
    [
        ({"candidates": "new"}, "'candidates' was all and is new"),
        ({"mask_valid": True}, "'mask_valid' was False and is True"),
        ({"users_without_positives": "zero"}, "'users_without_positives' was skip and is zero"),
        ({"ks": (5, 20)}, r"'ks' was \[10, 20, 50\] and is \[5, 20\]"),
    ],
)
def test_another_protocol_is_another_run(changed: dict[str, Any], named: str, tmp_path: Path) -> None:
    data = apply_split(planted_dataset(num_users=60, num_items=80), "cold-item", 0)
    options = TrainOptions(max_epochs=1, device="cpu")
    run_experiment("bpr-mf", data, tmp_path / "run", options=options)
    with pytest.raises(RunError, match=named):
        run_experiment(
            "bpr-mf", data, tmp_path / "run", options=options, evaluation=EvalOptions(**changed), resume=True
        )


def test_new_features_in_the_folder_are_no_other_data(tmp_path: Path) -> None:
    data = planted_dataset(num_users=60, num_items=80)
    options = TrainOptions(max_epochs=1, device="cpu")
    before = replace(data, features={})
    run_experiment("lightgcn", before, tmp_path / "lightgcn", options=options)
    run_experiment("vbpr", data, tmp_path / "vbpr", options=options)
    groups = read_run_groups([tmp_path / "lightgcn", tmp_path / "vbpr"], "recall@20")
    assert [group.name for group in groups] == ["lightgcn", "vbpr"]
    longer = TrainOptions(max_epochs=2, device="cpu")
    assert run_experiment("lightgcn", data, tmp_path / "lightgcn", options=longer, resume=True).epochs == 2


def test_a_run_of_an_older_version_goes_on_and_is_compared(tmp_path: Path) -> None:
    data = planted_dataset(num_users=60, num_items=80)
    run_experiment("vbpr", data, tmp_path / "old", options=TrainOptions(max_epochs=1, device="cpu"))
    run_experiment("lightgcn", data, tmp_path / "new", options=TrainOptions(max_epochs=1, device="cpu"))
    folder = RunFolder(tmp_path / "old")
    description = folder.describe()
    description["data"]["fingerprint"] = description["data"].pop("fingerprint_with_features")
    folder.write_json("run.json", description)
    assert len(read_run_groups([tmp_path / "old", tmp_path / "new"], "recall@20")) == 2
    longer = TrainOptions(max_epochs=2, device="cpu")
    assert run_experiment("vbpr", data, tmp_path / "old", options=longer, resume=True).epochs == 2


def test_a_run_that_is_trained_further_and_killed_is_not_compared_by_its_old_figures(tmp_path: Path) -> None:
    data = planted_dataset(num_users=60, num_items=80)
    run_experiment("bpr-mf", data, tmp_path / "run", options=TrainOptions(max_epochs=1, device="cpu"))

    class Killed(Callback):
        def on_epoch(self, state: TrainState, record: dict[str, Any]) -> None:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        options = TrainOptions(max_epochs=9, device="cpu")
        run_experiment("bpr-mf", data, tmp_path / "run", options=options, callbacks=[Killed()], resume=True)
    with pytest.raises(RunError, match="has not finished; continue it with"):
        read_run_groups([tmp_path / "run"], "recall@20")
    with pytest.raises(RunError, match="has not finished; continue it with"):
        load(tmp_path / "run")


def test_two_processes_do_not_train_in_one_folder(tmp_path: Path) -> None:
    data = planted_dataset(num_users=60, num_items=80)
    with RunFolder(tmp_path / "run").locked(), pytest.raises(RunError, match="another process is at work in"):
        run_experiment("popularity", data, tmp_path / "run")
    assert run_experiment("popularity", data, tmp_path / "run").test is not None


def test_deterministic_mode_ends_with_the_run(tmp_path: Path) -> None:
    options = TrainOptions(max_epochs=1, device="cpu", deterministic=True)
    run_experiment("lightgcn", planted_dataset(num_users=60, num_items=80), tmp_path / "run", options=options)
    assert not torch.are_deterministic_algorithms_enabled()
