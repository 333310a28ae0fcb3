"""What stays of an encoder's memory when weights are put back, and when memory is measured."""

import copy
import weakref
from dataclasses import replace
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
import pytest
import torch
from PIL import Image
from torch import Tensor, nn
from torch.optim.swa_utils import AveragedModel, get_ema_multi_avg_fn

from encoders.base import Encoder
from encoders.image_preprocess import ImagePreprocess
from encoders.store import Catalog
from encoders.store.prepared import PreparedContents
from gnnrec.models import VBPR, Batch, Recommender
from gnnrec.training import Callback, TrainOptions, TrainState, TripleSampler, allocator, fit
from gnnrec.training.end_to_end import EndToEnd
from gnnrec.training.live_features import LiveFeatures
from gnnrec.training.live_options import LiveOptions
from graphs import BipartiteGraph

ITEMS, USERS = 12, 8


class Mark:
    """Something that lives as long as a node of an autograd graph."""


class Marked(torch.autograd.Function):
    marks: ClassVar[list["weakref.ref[Mark]"]] = []

    @staticmethod
    def forward(ctx: Any, x: Tensor) -> Tensor:
        ctx.mark = Mark()
        Marked.marks.append(weakref.ref(ctx.mark))
        return x.clone()

    @staticmethod
    def backward(ctx: Any, gradient: Tensor) -> Tensor:
        return gradient


class SmallEncoder(Encoder):
    def __init__(self) -> None:
        super().__init__(name="small", modality="image", dim=6, preprocess=ImagePreprocess(size=8))
        self.head = nn.Linear(192, 6)

    def forward(self, batch: Tensor) -> Tensor:
        vectors: Tensor = torch.tanh(Marked.apply(self.head(batch.flatten(1))))
        return vectors


@pytest.fixture
def live(tmp_path: Path) -> LiveFeatures:
    random = np.random.default_rng(0)
    for item in range(ITEMS):
        Image.fromarray(random.integers(0, 255, (8, 8, 3), dtype=np.uint8)).save(tmp_path / f"{item}.png")
    catalog = Catalog(tmp_path, list(range(ITEMS)), {"image": [f"{item}.png" for item in range(ITEMS)]})
    torch.manual_seed(1)
    encoder = SmallEncoder()
    contents = PreparedContents(catalog, "image", encoder.preprocess)
    options = LiveOptions(learning_rate=0.05, warm_up_epochs=0)
    return LiveFeatures({"image": encoder}, {"image": contents}, options)


@pytest.fixture
def graph() -> BipartiteGraph:
    taken = torch.rand(USERS, ITEMS, generator=torch.Generator().manual_seed(2)) < 0.4
    return BipartiteGraph(taken.nonzero().T.contiguous(), USERS, ITEMS)


def test_any_loop_ends_with_the_features_of_the_best_epoch(live: LiveFeatures, graph: BipartiteGraph) -> None:
    torch.manual_seed(0)
    model = EndToEnd(VBPR(USERS, ITEMS, {"image": 6}, embedding_dim=8), live)
    seen: list[Tensor] = []

    def validate(current: Recommender) -> dict[str, float]:
        seen.append(current.embeddings(graph, {}).item.clone())
        return {"recall@20": -abs(len(seen) - 2.0)}  # the second epoch is the best

    state = fit(model, graph, {}, TrainOptions(max_epochs=6, batch_size=8, device="cpu"), validate=validate)
    assert state.best_epoch == 2 and not torch.allclose(seen[1], seen[-1], atol=1e-3)
    torch.testing.assert_close(model.embeddings(graph, {}).item, seen[1])


@pytest.mark.parametrize("every", [1, 2])
def test_a_resumed_run_ends_with_the_same_numbers(every: int, live: LiveFeatures, graph: BipartiteGraph) -> None:
    live.options = replace(live.options, max_items=4)  # so that a step reads what is remembered, too
    torch.manual_seed(0)
    start = EndToEnd(VBPR(USERS, ITEMS, {"image": 6}, embedding_dim=8), live)
    options = TrainOptions(max_epochs=4, batch_size=8, evaluate_every=every, device="cpu")
    saved: dict[str, Any] = {}

    class Keep(Callback):
        def on_epoch(self, state: TrainState, record: dict[str, Any]) -> None:
            if state.epoch == 1:
                saved.update(copy.deepcopy(state.to_dict()))

    def validate(model: Recommender) -> dict[str, float]:
        return {"recall@20": float(model.embeddings(graph, {}).item.sum())}

    def trained(resume: dict[str, Any] | None) -> list[Any]:
        torch.manual_seed(3)
        model = copy.deepcopy(start)
        state = fit(model, graph, {}, options, validate=validate, callbacks=[Keep()], resume=resume)
        return [(record["losses"], record.get("valid")) for record in state.history]

    whole = trained(None)
    assert trained(dict(saved)) == whole


def test_features_after_fit_are_those_of_the_kept_weights(live: LiveFeatures, graph: BipartiteGraph) -> None:
    live.options = replace(live.options, refresh_every=3, max_items=4)
    torch.manual_seed(0)
    model = EndToEnd(VBPR(USERS, ITEMS, {"image": 6}, embedding_dim=8), live)
    values = iter([1.0, 2.0, 0.0, 0.0, 0.0, 0.0])  # the second epoch is the best; the memory is mixed then
    options = TrainOptions(max_epochs=6, batch_size=8, device="cpu")
    fit(model, graph, {}, options, validate=lambda current: {"recall@20": next(values)})
    found = model.embeddings(graph, {}).item.clone()
    model.live.refresh()
    torch.testing.assert_close(found, model.embeddings(graph, {}).item)


def test_copies_averages_and_double_precision(live: LiveFeatures, graph: BipartiteGraph) -> None:
    torch.manual_seed(0)
    model = EndToEnd(VBPR(USERS, ITEMS, {"image": 6}, embedding_dim=8), live)
    batch = Batch(*(column[:8] for column in TripleSampler(graph).epoch(torch.Generator().manual_seed(0))))
    double = copy.deepcopy(model).double()
    losses, averages = [], []
    for one in (model, double):
        average = AveragedModel(one, multi_avg_fn=get_ema_multi_avg_fn(0.75))  # type: ignore[no-untyped-call]
        average.update_parameters(one)
        one.begin_epoch(graph, {})
        loss = torch.stack(list(one.loss(graph, {}, batch).values())).sum()
        loss.backward()  # type: ignore[no-untyped-call]
        before = one.live.encoders[0].head.bias.detach().clone()
        with torch.no_grad():
            one.live.encoders[0].head.bias.add_(1.0)
        average.update_parameters(one)
        torch.testing.assert_close(average.module.live.encoders[0].head.bias.detach(), before + 0.25)
        losses.append(loss.detach())
        averages.append(average.module.embeddings(graph, {}).item.float())
        copied = copy.deepcopy(one)
        torch.testing.assert_close(copied.embeddings(graph, {}).item, one.embeddings(graph, {}).item)
    assert losses[1].dtype == torch.float64
    torch.testing.assert_close(losses[1].float(), losses[0])
    torch.testing.assert_close(averages[1], averages[0])


def test_measuring_an_item_leaves_no_graph_behind(live: LiveFeatures) -> None:
    Marked.marks.clear()
    assert live.bytes_per_item() > 0
    assert Marked.marks and all(mark() is None for mark in Marked.marks)


def test_training_leaves_the_allocator_of_the_process_alone(
    graph: BipartiteGraph, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*_: object) -> None:
        raise AssertionError("the allocator was set")

    monkeypatch.setattr(allocator.ctypes, "CDLL", refuse)
    allocator.keep_freed_memory.cache_clear()
    torch.manual_seed(0)
    model = VBPR(USERS, ITEMS, {"image": 6}, embedding_dim=8)
    from gnnrec.data import ItemFeatures

    features = {"image": ItemFeatures(torch.ones(ITEMS, 6), torch.ones(ITEMS, dtype=torch.bool))}
    fit(model, graph, features, TrainOptions(max_epochs=1, device="cpu"))
