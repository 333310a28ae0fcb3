import json
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import Tensor

from gnnrec.errors import ArgumentError, TrainingError
from gnnrec.evaluation import EvalOptions, evaluate
from gnnrec.models import BPRMF, Batch, EmbeddingScorer, LightGCN
from gnnrec.models.base import Features
from gnnrec.testing import planted_dataset
from gnnrec.training import Callback, EarlyStopping, TrainOptions, TrainState, fit
from gnnrec.training.history_file import HistoryFile
from graphs import BipartiteGraph

DATASET = planted_dataset(num_users=120, num_items=150)
GRAPH = BipartiteGraph.from_interactions(DATASET.train)
OPTIONS = TrainOptions(learning_rate=0.01, batch_size=128, max_epochs=12, device="cpu")


def validate(model: Any) -> dict[str, float]:
    scorer = EmbeddingScorer(model.embeddings(GRAPH, {}))
    return evaluate(scorer, GRAPH, DATASET.valid, EvalOptions(ks=(20,), beyond_accuracy=False)).metrics


def make() -> LightGCN:
    torch.manual_seed(0)
    return LightGCN(DATASET.num_users, DATASET.num_items, embedding_dim=16)


def test_loss_falls_and_ranking_beats_chance() -> None:
    model = make()
    state = fit(model, GRAPH, {}, OPTIONS, validate=validate)
    losses = [record["losses"]["bpr"] for record in state.history]
    assert losses[-1] < 0.9 * losses[0]
    assert state.best_value > 1.5 * 20 / DATASET.num_items


def test_best_epoch_is_restored() -> None:
    model = make()
    state = fit(model, GRAPH, {}, OPTIONS, validate=validate)
    assert validate(model)["recall@20"] == pytest.approx(state.best_value, abs=1e-7)
    assert state.best_value == max(record["valid"]["recall@20"] for record in state.history)
    assert state.history[state.best_epoch - 1]["valid"]["recall@20"] == state.best_value


def test_early_stopping_counts_evaluations_without_improvement() -> None:
    values = iter([0.1, 0.3, 0.2, 0.3, 0.25, 0.9])

    def scripted(model: Any) -> dict[str, float]:
        return {"recall@20": next(values)}

    state = fit(make(), GRAPH, {}, OPTIONS, validate=scripted, callbacks=[EarlyStopping(3)])
    assert state.epoch == 5 and state.best_epoch == 2  # a tie is no improvement


def test_non_finite_loss_names_term_and_epoch() -> None:
    class Broken(BPRMF):
        calls = 0

        def loss(self, graph: BipartiteGraph, features: Features, batch: Batch) -> dict[str, Tensor]:
            Broken.calls += 1
            terms = super().loss(graph, features, batch)
            return {**terms, "oops": terms["bpr"] * (float("nan") if Broken.calls > 10 else 1.0)}

    steps = -(-GRAPH.num_edges // 128)
    with pytest.raises(TrainingError, match=rf"loss 'oops' is not finite in epoch {10 // steps + 1}"):
        fit(Broken(DATASET.num_users, DATASET.num_items), GRAPH, {}, OPTIONS)


def test_callbacks_see_every_hook_and_the_end_of_a_failure() -> None:
    class Recorder(Callback):
        def __init__(self) -> None:
            self.calls: list[str] = []

        def on_start(self, state: TrainState) -> None:
            self.calls.append("start")

        def on_step(self, state: TrainState, step: int, num_steps: int) -> None:
            if step == num_steps:
                self.calls.append("last step")

        def on_epoch(self, state: TrainState, record: dict[str, Any]) -> None:
            self.calls.append(f"epoch {record['epoch']}")
            if record["epoch"] == 2:
                raise RuntimeError("stop here")

        def on_end(self, state: TrainState) -> None:
            self.calls.append("end")

    recorder = Recorder()
    with pytest.raises(RuntimeError, match="stop here"):
        fit(make(), GRAPH, {}, OPTIONS, callbacks=[recorder])
    assert recorder.calls == ["start", "last step", "epoch 1", "last step", "epoch 2", "end"]


def test_history_file_is_rewritten_from_the_restored_state(tmp_path: Path) -> None:
    path = tmp_path / "history.jsonl"
    path.write_text('{"epoch": 1}\n{"epoch": 2}\n')  # the line of epoch 2 came before its checkpoint
    state = TrainState(make(), torch.optim.Adam(make().parameters()), torch.Generator(), history=[{"epoch": 1}])
    history = HistoryFile(path)
    history.on_start(state)
    history.on_epoch(state, {"epoch": 2, "losses": {"bpr": 0.5}})
    assert [json.loads(line)["epoch"] for line in path.read_text().splitlines()] == [1, 2]


@pytest.mark.parametrize(
    ("name", "value"), [("batch_size", 0), ("patience", -1), ("learning_rate", 0.0), ("seed", 2**64)]
)
def test_options_refuse_nonsense(name: str, value: float) -> None:
    with pytest.raises(ArgumentError, match=f"'{name}' must be"):
        TrainOptions(**{name: value})  # type: ignore[arg-type]


def test_begin_epoch_runs_once_an_epoch() -> None:
    class Counting(BPRMF):
        begun = 0

        def begin_epoch(self, graph: BipartiteGraph, features: Features) -> None:
            Counting.begun += 1

    fit(Counting(DATASET.num_users, DATASET.num_items), GRAPH, {}, OPTIONS)
    assert Counting.begun == OPTIONS.max_epochs


def test_accumulated_batches_are_one_step_of_their_mean() -> None:
    """Eight pairs: two batches of four give the step of one batch of eight; three of three, three and two do not."""
    graph = BipartiteGraph(torch.stack([torch.arange(8) % 4, torch.arange(8)]), 4, 8)
    tables = {}
    for batch_size, accumulate_steps in ((8, 1), (4, 2), (4, 1), (3, 3)):
        torch.manual_seed(0)
        model = BPRMF(4, 8, embedding_dim=4, regularization=0.0)
        options = TrainOptions(
            max_epochs=2, batch_size=batch_size, accumulate_steps=accumulate_steps, learning_rate=0.1, device="cpu"
        )
        fit(model, graph, {}, options)
        tables[batch_size, accumulate_steps] = next(model.parameters()).detach()
    torch.testing.assert_close(tables[8, 1], tables[4, 2], rtol=1e-5, atol=1e-6)
    assert not torch.allclose(tables[8, 1], tables[4, 1], atol=1e-3)
    assert torch.isfinite(tables[3, 3]).all() and not torch.allclose(tables[8, 1], tables[3, 3], atol=1e-6)
    with pytest.raises(ArgumentError, match="'accumulate_steps' must be a positive integer"):
        TrainOptions(accumulate_steps=0)
