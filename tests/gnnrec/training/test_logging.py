import io
from pathlib import Path

import pytest
import torch

from gnnrec.models import BPRMF
from gnnrec.testing import planted_dataset
from gnnrec.training import TrainOptions, fit
from gnnrec.training.progress import ProgressBar
from gnnrec.training.tensorboard import TensorBoard
from graphs import BipartiteGraph

DATASET = planted_dataset(num_users=50, num_items=60)
GRAPH = BipartiteGraph.from_interactions(DATASET.train)
OPTIONS = TrainOptions(max_epochs=3, device="cpu")


def test_tensorboard_gets_every_epoch(tmp_path: Path) -> None:
    pytest.importorskip("tensorboard")
    from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

    def validate(model: BPRMF) -> dict[str, float]:
        return {"recall@20": 0.25}

    fit(BPRMF(50, 60), GRAPH, {}, OPTIONS, validate=validate, callbacks=[TensorBoard(tmp_path)])  # type: ignore[arg-type]
    events = EventAccumulator(str(tmp_path))
    events.Reload()
    assert {"loss/bpr", "loss/regularization", "valid/recall@20"} <= set(events.Tags()["scalars"])
    assert [event.step for event in events.Scalars("loss/bpr")] == [1, 2, 3]
    assert events.Scalars("valid/recall@20")[0].value == 0.25


def test_progress_is_quiet_without_a_terminal(monkeypatch: pytest.MonkeyPatch) -> None:
    stream = io.StringIO()
    monkeypatch.setattr("sys.stderr", stream)
    torch.manual_seed(0)
    fit(BPRMF(50, 60), GRAPH, {}, OPTIONS, callbacks=[ProgressBar("recall@20")])
    assert stream.getvalue() == ""
