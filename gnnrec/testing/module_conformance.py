"""What every registered model must do in programs that know nothing of gnnrec: be a plain PyTorch module."""

import copy
import pickle
from collections.abc import Callable
from typing import Any, ClassVar

import torch
from torch import Tensor
from torch.optim.swa_utils import AveragedModel, get_ema_multi_avg_fn

from gnnrec.data import Dataset, ItemFeatures
from gnnrec.errors import ArgumentError, DataError
from gnnrec.models import Batch, Recommender, create_model
from gnnrec.models.history_scorer import HistoryScorer
from gnnrec.testing.datasets import missing_features, planted_dataset
from gnnrec.training import TripleSampler
from graphs import BipartiteGraph

__all__ = ["ModuleConformance"]

_USERS = torch.arange(5)


class ModuleConformance:
    """Tests of precision, copies, averages, modes and arguments; a part of ``ModelConformance``."""

    model: ClassVar[str]
    """Registered name."""
    arguments: ClassVar[dict[str, Any]] = {}
    """Hyper-parameters for these small data."""

    def make(self, dataset: Dataset, seed: int = 0) -> Recommender | HistoryScorer:
        """A fresh, untrained model for the data."""
        torch.manual_seed(seed)
        return create_model(
            self.model,
            num_users=dataset.num_users,
            num_items=dataset.num_items,
            feature_dims={name: features.dim for name, features in dataset.features.items()},
            **self.arguments,
        )

    def test_copies(self) -> None:
        """A model in the middle of an epoch, its graph and features can be copied and stored, without their caches."""
        dataset, graph, batch = _data()
        model = self.make(dataset)
        size = len(pickle.dumps(model))
        if isinstance(model, HistoryScorer):
            model.fit(graph, dataset.features)
            for other in (copy.deepcopy(model), pickle.loads(pickle.dumps(model))):
                torch.testing.assert_close(other.score(_USERS), model.score(_USERS))
            return
        model.begin_epoch(graph.edge_index, {name: one.x for name, one in dataset.features.items()})  # type: ignore
        model.begin_epoch(graph, dataset.features)
        _total(model, graph, dataset.features, batch)
        assert abs(len(pickle.dumps(model)) - size) < 500, "what is kept between steps must stay out of copies"
        before = model.embeddings(graph, dataset.features)
        for other in (copy.deepcopy(model), pickle.loads(pickle.dumps(model))):
            again = other.embeddings(copy.deepcopy(graph), copy.deepcopy(dict(dataset.features)))
            torch.testing.assert_close(again.item, before.item)
            _total(other, graph, dataset.features, batch).backward()  # type: ignore[no-untyped-call]

    def test_half_precision(self) -> None:
        """A step under autocast has about the loss of a whole one."""
        dataset, graph, batch = _data()
        model = self.make(dataset)
        if isinstance(model, HistoryScorer):
            with torch.autocast("cpu", torch.bfloat16):
                half_scores = model.fit(graph, dataset.features).score(_USERS)
            torch.testing.assert_close(half_scores.float(), self._scores(dataset, graph), rtol=0.05, atol=0.05)
            return
        model.begin_epoch(graph, dataset.features)
        whole = float(_total(model, graph, dataset.features, batch).detach())
        with torch.autocast("cpu", torch.bfloat16):
            model.begin_epoch(graph, dataset.features)
            half = _total(model, graph, dataset.features, batch)
        half.backward()  # type: ignore[no-untyped-call]
        assert bool(torch.isfinite(half)) and abs(float(half.detach()) - whole) < 0.1 + 0.1 * abs(whole)

    def test_double_precision(self) -> None:
        """A model in double precision trains in it, and gives what the one in single precision gives."""
        dataset, graph, batch = _data()
        model = self.make(dataset)
        double = copy.deepcopy(model).double()
        doubled = {name: ItemFeatures(one.x.double(), one.mask) for name, one in dataset.features.items()}
        if isinstance(model, HistoryScorer) or isinstance(double, HistoryScorer):
            scores = double.fit(graph, doubled).score(_USERS)  # type: ignore[operator]
            torch.testing.assert_close(scores.float(), self._scores(dataset, graph))
            return
        torch.manual_seed(2)
        double.begin_epoch(graph, doubled)
        loss = _total(double, graph, doubled, batch)
        loss.backward()  # type: ignore[no-untyped-call]
        assert loss.dtype == torch.float64
        torch.manual_seed(2)
        model.begin_epoch(graph, dataset.features)
        single = _total(model, graph, dataset.features, batch).detach()
        # Where a step draws numbers, those of double precision are others.
        torch.testing.assert_close(loss.detach().float(), single, rtol=1e-2, atol=1e-5)
        found = double.embeddings(graph, doubled)
        assert found.user.dtype == found.item.dtype == torch.float64
        for one, other in zip(found, model.embeddings(graph, dataset.features), strict=True):
            torch.testing.assert_close(one.float(), other, rtol=1e-4, atol=1e-5)
        double.eval().item_parts(graph, doubled)
        double.item_fold_in(graph, doubled)

    def test_inference_mode(self) -> None:
        """Inference mode gives the same, and what is kept with graph and features in it serves training later."""
        dataset, graph, batch = _data()
        model = self.make(dataset)
        with torch.inference_mode():
            if isinstance(model, HistoryScorer):
                scores = model.fit(graph, dataset.features).score(_USERS).clone()
                torch.testing.assert_close(scores, self._scores(dataset, graph))
                return
            plain = {name: one.x for name, one in dataset.features.items()}
            model(graph.edge_index, plain)
            model.item_parts(graph, dataset.features)
            model.item_fold_in(graph, dataset.features)
            inside = model.embeddings(graph, dataset.features).item.clone()
        data: Any
        for data in ((graph, dataset.features), (graph.edge_index, plain)):
            model.begin_epoch(*data)
            _total(model, data[0], data[1], batch).backward()  # type: ignore[no-untyped-call]
        torch.testing.assert_close(inside, model.embeddings(graph, dataset.features).item)

    def test_tensors_as_arguments(self) -> None:
        """An ``edge_index``, tensors of features and a tuple of a batch stand for the classes of gnnrec."""
        dataset, graph, batch = _data(missing=0.0)
        plain = {name: one.x for name, one in dataset.features.items()}
        model = self.make(dataset)
        if isinstance(model, HistoryScorer):
            torch.testing.assert_close(model.fit(graph, plain).score(_USERS), self._scores(dataset, graph))  # type: ignore[arg-type]
            return
        shuffled = graph.edge_index[:, torch.randperm(graph.num_edges)]
        terms = []
        for edges, features, triples in ((graph, dataset.features, batch), (shuffled, plain, tuple(batch))):
            torch.manual_seed(1)
            model.begin_epoch(edges, features)  # type: ignore[arg-type]
            steps = [model.loss(edges, features, triples) for _ in range(2)]  # type: ignore[arg-type]
            terms.append(torch.stack([value.detach() for step in steps for value in step.values()]))
        torch.testing.assert_close(*terms)
        ours, theirs = model.embeddings(graph, dataset.features), model.embeddings(shuffled, plain)  # type: ignore[arg-type]
        torch.testing.assert_close(theirs, ours)

    def test_wrong_arguments_are_refused(self) -> None:
        """Whatever is wrong with an argument, one error names it and says what would be right."""
        dataset, graph, batch = _data()
        features, edges = dataset.features, graph.edge_index
        users, items = graph.num_users, graph.num_items
        name, one = next(iter(features.items()))
        fewer = {name: ItemFeatures(one.x[1:], one.mask[1:])}
        model = self.make(dataset)
        if isinstance(model, HistoryScorer):
            _refused("'graph' must be a BipartiteGraph", lambda: model.fit(edges))  # type: ignore[arg-type]
            _refused("'features' must be a mapping", lambda: model.fit(graph, one.x))  # type: ignore[arg-type]
            _refused(f"features '{name}' must have a row for each", lambda: model.fit(graph, fewer))
            return
        loss: Callable[..., Any] = model.loss
        _refused(f"'graph' must have the model's {users}", lambda: loss(BipartiteGraph(edges, 99, 99), features, batch))
        _refused("'graph' must be a BipartiteGraph", lambda: model(dataset.train, features))
        _refused("'graph' must be a BipartiteGraph or an edge_index, int64", lambda: model(edges.float(), features))
        _refused("items of the edge_index", lambda: model(edges + torch.tensor([[0], [users]]), features))
        _refused("'features' must be a mapping", lambda: loss(graph, one.x, batch))
        _refused(f"features '{name}' must be ItemFeatures", lambda: loss(graph, {name: one.x.tolist()}, batch))
        _refused(f"features '{name}': 'x' must be", lambda: loss(graph, {name: one.x[0]}, batch))
        _refused(f"features '{name}': features hold NaN", lambda: loss(graph, {name: one.x / 0}, batch))
        _refused(f"features '{name}' must have a row for each", lambda: loss(graph, fewer, batch))
        if model.needs_features:
            wider = {**features, name: torch.ones(items, one.dim + 1)}
            _refused(f"features '{name}' must have {one.dim} dimensions", lambda: loss(graph, wider, batch))
        _refused("'batch' must be Batch(users, positives", lambda: loss(graph, features, batch.users))
        _refused("'batch' must hold three int64", lambda: loss(graph, features, batch._replace(users=_USERS)))
        _refused("'batch' must hold at least one", lambda: loss(graph, features, Batch(*(row[:0] for row in batch))))
        for column, size in (("users", users), ("positives", items), ("negatives", items)):
            for wrong in (-1, size):
                other = batch._replace(**{column: torch.full_like(batch.users, wrong)})
                _refused(f"'{column}' of 'batch' must lie in [0, {size})", lambda: loss(graph, features, other))  # noqa: B023

    def test_moving_average(self) -> None:
        """An average over the steps, as ``AveragedModel`` takes it around a model in training, is right and usable."""
        dataset, graph, batch = _data()
        model = self.make(dataset)
        if isinstance(model, HistoryScorer):
            return
        optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
        average: AveragedModel | None = None
        expected: list[Tensor] = []
        for step in range(4):
            if step % 2 == 0:
                model.begin_epoch(graph, dataset.features)
            optimizer.zero_grad()
            _total(model, graph, dataset.features, batch).backward()  # type: ignore[no-untyped-call]
            optimizer.step()
            now = [parameter.detach().clone() for parameter in model.parameters()]
            rule = get_ema_multi_avg_fn(0.75)  # type: ignore[no-untyped-call]
            average = average or AveragedModel(model, multi_avg_fn=rule)
            average.update_parameters(model)
            expected = [0.75 * old + 0.25 * new for old, new in zip(expected or now, now, strict=True)]
        assert average is not None
        other = self.make(dataset, seed=1)
        assert isinstance(other, Recommender) and isinstance(average.module, Recommender)
        other.load_state_dict(model.state_dict())  # buffers, if there are any, are not averaged
        with torch.no_grad():
            for parameter, value in zip(other.parameters(), expected, strict=True):
                parameter.copy_(value)
        for found, value in zip(average.module.parameters(), expected, strict=True):
            torch.testing.assert_close(found.detach(), value)
        wanted = other.embeddings(graph, dataset.features)
        torch.testing.assert_close(average.module.embeddings(graph, dataset.features), wanted, rtol=1e-4, atol=1e-5)

    def _scores(self, dataset: Dataset, graph: BipartiteGraph) -> Tensor:
        """Scores of a model that is computed once."""
        model = self.make(dataset)
        assert isinstance(model, HistoryScorer)
        return model.fit(graph, dataset.features).score(_USERS)


def _data(missing: float = 0.3) -> tuple[Dataset, BipartiteGraph, Batch]:
    dataset = missing_features(planted_dataset(num_users=40, num_items=60), missing)
    graph = BipartiteGraph.from_interactions(dataset.train)
    batch = Batch(*(column[:64] for column in TripleSampler(graph).epoch(torch.Generator().manual_seed(0))))
    return dataset, graph, batch


def _total(model: Recommender, graph: Any, features: Any, batch: Batch) -> Tensor:
    """The loss of a step, with the same draws every time."""
    torch.manual_seed(3)
    return torch.stack(list(model.loss(graph, features, batch).values())).sum()


def _refused(words: str, call: Callable[[], object]) -> None:
    try:
        call()
    except (ArgumentError, DataError) as error:
        assert words in str(error), f"expected '{words}' (got '{error}')"
    else:
        raise AssertionError(f"expected '{words}' (got no error)")
