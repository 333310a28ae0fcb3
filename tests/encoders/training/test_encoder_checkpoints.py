"""A state of a training that was changed: one error that names the file, and nothing is trained."""

import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from test_encoder_training_loop import Regression

from encoders.errors import TrainingError
from encoders.training import CheckpointFolder, TrainingOptions, fit

OPTIONS = TrainingOptions(epochs=2, batch_size=4, learning_rate=0.02)


def first(tensors: dict[str, torch.Tensor]) -> str:
    return next(iter(tensors))


CHANGES: dict[str, Callable[[dict[str, Any]], object]] = {
    "epoch -5": lambda saved: saved.update(epoch=-5),
    "epoch 99": lambda saved: saved.update(epoch=99),
    "epoch as text": lambda saved: saved.update(epoch="2"),
    "no history": lambda saved: saved.update(history=[]),
    "best epoch 99": lambda saved: saved.update(best_epoch=99),
    "no identity": lambda saved: saved.pop("identity"),
    "no optimizer": lambda saved: saved.pop("optimizer"),
    "optimizer of another kind": lambda saved: saved.update(optimizer={"state": [1]}),
    "no best weights": lambda saved: saved.update(best_tensors={}),
    "best weights of another shape": lambda saved: saved["best_tensors"].update(
        {first(saved["best_tensors"]): torch.zeros(7, 7)}
    ),
    "a weight is absent": lambda saved: saved["model"].pop(first(saved["model"])),
    "a weight more": lambda saved: saved["model"].update(more=torch.zeros(2)),
    "a weight of another shape": lambda saved: saved["model"].update({first(saved["model"]): torch.zeros(7, 7)}),
    "a weight that is no number": lambda saved: saved["model"][first(saved["model"])].fill_(float("nan")),
    "a best weight that is no number": lambda saved: saved["best_tensors"][first(saved["model"])].fill_(float("inf")),
    "momentum that is no number": lambda saved: saved["optimizer"]["state"][0]["momentum_buffer"].fill_(float("nan")),
    "a weight that is text": lambda saved: saved["model"].update({first(saved["model"]): "a"}),
}


@pytest.fixture
def folder(tmp_path: Path) -> CheckpointFolder:
    found = CheckpointFolder(tmp_path, "run")
    fit(Regression(), OPTIONS, folder=found)
    return found


@pytest.mark.parametrize("change", CHANGES)
def test_a_changed_state(folder: CheckpointFolder, change: str) -> None:
    saved = torch.load(folder.checkpoint, weights_only=True)
    CHANGES[change](saved)
    torch.save(saved, folder.checkpoint)
    with pytest.raises(TrainingError, match=r"checkpoint\.pt: .*; delete it to start anew"):
        fit(Regression(), TrainingOptions(epochs=4, batch_size=4, learning_rate=0.02), folder=folder)


@pytest.mark.parametrize("content", [b"", b"PK\x03\x04nonsense", b"\x80\x02]q\x00."])
def test_another_file(folder: CheckpointFolder, content: bytes) -> None:
    folder.checkpoint.write_bytes(content)
    with pytest.raises(TrainingError, match=r"checkpoint\.pt: "):
        fit(Regression(), OPTIONS, folder=folder)
    folder.checkpoint.unlink()
    os.mkfifo(folder.checkpoint)
    with pytest.raises(TrainingError, match=r"checkpoint\.pt: must be a file"):
        fit(Regression(), OPTIONS, folder=folder)


def test_one_training_at_a_time(folder: CheckpointFolder) -> None:
    with folder.locked(), pytest.raises(TrainingError, match="another process trains in"):
        fit(Regression(), OPTIONS, folder=CheckpointFolder(folder.path, "run"))
    assert fit(Regression(), OPTIONS, folder=folder).epoch == 2
    assert sorted(path.name for path in folder.path.iterdir()) == ["checkpoint.pt", "history.jsonl"]
