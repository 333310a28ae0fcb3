"""A model that was selected as always, then trained anew on all interactions."""

import json
from dataclasses import replace
from pathlib import Path

import pytest
import torch
from typer.testing import CliRunner

import gnnrec
from gnnrec.cli.main import app
from gnnrec.data import write_dataset
from gnnrec.data.splits import apply_split
from gnnrec.errors import ArgumentError, RunError
from gnnrec.evaluation.run_group import read_run_groups
from gnnrec.testing import planted_dataset
from gnnrec.training import TrainOptions
from gnnrec.training.experiment import run_experiment
from gnnrec.training.reading import read_for_training
from gnnrec.training.refit import refit_experiment
from graphs import BipartiteGraph

OPTIONS = TrainOptions(max_epochs=6, patience=2, batch_size=128, device="cpu")


def all_pairs(dataset) -> set[tuple[int, int]]:
    return {
        pair for part in dataset.parts().values() for pair in zip(part.user.tolist(), part.item.tolist(), strict=True)
    }


@pytest.mark.parametrize("model", ["lightgcn", "vbpr", "item-knn"])
def test_what_is_served_was_trained_on_everything(tmp_path: Path, model: str) -> None:
    dataset = planted_dataset()
    result = refit_experiment(model, dataset, tmp_path / "run", options=OPTIONS)
    plain = run_experiment(model, dataset, tmp_path / "plain", options=OPTIONS)
    assert result.path == tmp_path / "run"
    assert result.test is not None and plain.test is not None
    assert result.test.metrics == plain.test.metrics  # the figures are those of the selection
    assert result.best_epoch == plain.best_epoch
    served = gnnrec.load(tmp_path / "run")
    assert set(map(tuple, served.graph.edge_index.T.tolist())) == all_pairs(dataset)
    description = json.loads((tmp_path / "run" / "run.json").read_text())
    assert description["options"]["max_epochs"] == max(1, plain.best_epoch)
    metrics = json.loads((tmp_path / "run" / "metrics.json").read_text())
    assert metrics["epochs"] == plain.best_epoch and metrics["test"] == {}


def test_the_weights_are_those_of_a_training_on_the_pooled_log(tmp_path: Path) -> None:
    dataset = planted_dataset()
    best = refit_experiment("lightgcn", dataset, tmp_path / "run", options=OPTIONS).best_epoch
    pooled = apply_split(dataset, "leave-one-out", 0)
    edges = torch.cat([torch.stack([part.user, part.item]) for part in pooled.parts().values()], dim=1)
    served = gnnrec.load(tmp_path / "run")
    assert torch.equal(BipartiteGraph(edges, dataset.num_users, dataset.num_items).edge_index, served.graph.edge_index)
    torch.manual_seed(OPTIONS.seed)
    model = gnnrec.models.LightGCN(dataset.num_users, dataset.num_items)
    gnnrec.training.fit(model, served.graph, {}, replace(OPTIONS, max_epochs=best))
    user, item = model.eval().embeddings(served.graph, {})
    assert torch.allclose(user, served.scorer.user, atol=1e-6)
    assert torch.allclose(item, served.scorer.item, atol=1e-6)


def test_it_is_measured_by_its_selection_alone(tmp_path: Path) -> None:
    dataset = planted_dataset()
    refit_experiment("item-knn", dataset, tmp_path / "run", options=OPTIONS)
    run_experiment("user-knn", dataset, tmp_path / "other", options=OPTIONS)
    with pytest.raises(RunError, match=rf"nothing is left to measure it on.*{tmp_path / 'run' / 'selection'}"):
        read_run_groups([tmp_path / "run", tmp_path / "other"], "recall@20")
    groups = read_run_groups([tmp_path / "run" / "selection", tmp_path / "other"], "recall@20")
    assert [group.name for group in groups] == ["item-knn", "user-knn"]


def test_a_killed_refit_goes_on(tmp_path: Path) -> None:
    dataset = planted_dataset()
    whole = refit_experiment("lightgcn", dataset, tmp_path / "whole", options=OPTIONS)

    class Stop(gnnrec.training.Callback):
        def on_epoch(self, state, record):
            if state.epoch == 2:
                raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        refit_experiment("lightgcn", dataset, tmp_path / "run", options=OPTIONS, make_callbacks=lambda: [Stop()])
    calls = iter([[], [Stop()]])
    with pytest.raises(KeyboardInterrupt):
        refit_experiment(
            "lightgcn", dataset, tmp_path / "run", options=OPTIONS, make_callbacks=lambda: next(calls), resume=True
        )
    again = refit_experiment("lightgcn", dataset, tmp_path / "run", options=OPTIONS, resume=True)
    assert again.best_epoch == whole.best_epoch > 2
    one, other = (gnnrec.load(tmp_path / name).scorer for name in ("whole", "run"))
    assert torch.equal(one.user, other.user) and torch.equal(one.item, other.item)
    with pytest.raises(RunError, match="is not empty"):
        refit_experiment("lightgcn", dataset, tmp_path / "run", options=OPTIONS)


def test_an_encoder_that_learns_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ArgumentError, match="'refit' trains a second time"):
        refit_experiment("vbpr", planted_dataset(), tmp_path / "run", encoder_training="end-to-end")


def test_the_command_line(tmp_path: Path) -> None:
    write_dataset(planted_dataset(), tmp_path / "data")
    run = tmp_path / "run"
    command = ["train", "item-knn", str(tmp_path / "data"), "--out", str(run), "--refit"]
    done = CliRunner().invoke(app, command)
    assert done.exit_code == 0, done.output
    assert "note: features" not in done.output  # the coverage of features that item-knn does not use
    evaluated = CliRunner().invoke(app, ["evaluate", str(run)])
    assert isinstance(evaluated.exception, RunError) and "selection" in str(evaluated.exception)
    assert CliRunner().invoke(app, ["evaluate", str(run / "selection"), "--device", "cpu"]).exit_code == 0


def test_a_split_of_which_all_is_train_stays_one(tmp_path: Path) -> None:
    rows = [f"u{user},i{(user + step) % 9},train" for user in range(9) for step in range(6)]
    (tmp_path / "log.csv").write_text("\n".join(["user,item,split", *rows]) + "\n")
    dataset = read_for_training("item-knn", tmp_path / "log.csv")
    assert [len(part) for part in dataset.parts().values()] == [54, 0, 0]
    assert any("nothing is tested" in note for note in dataset.notes)
    dataset = read_for_training("lightgcn", tmp_path / "log.csv")
    assert len(dataset.test) == 0 and 0 < len(dataset.valid) < 10  # what the epoch is chosen by
    dataset = read_for_training("item-knn", tmp_path / "log.csv", split="ratio")
    assert len(dataset.test) > 0
