"""Training and ranking on items that training never saw."""

import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch

from gnnrec.data import Dataset, Interactions, ItemFeatures
from gnnrec.evaluation import EvalOptions, Evaluation, evaluate
from gnnrec.models import EmbeddingScorer, HistoryScorer, Recommender, Scorer, create_model
from gnnrec.training import TrainOptions, fit
from gnnrec.training.callbacks import EarlyStopping
from gnnrec.training.history_file import HistoryFile
from gnnrec.training.run_description import describe_run
from gnnrec.training.run_folder import RunFolder
from graphs import BipartiteGraph

__all__ = ["train_on_cold_split"]

OPTIONS = EvalOptions(ks=(10, 20), beyond_accuracy=False)


def train_on_cold_split(
    model_name: str,
    dataset: Dataset,
    names: list[str],
    arguments: Mapping[str, Any],
    options: TrainOptions,
    folder: Path,
) -> dict[str, Any]:
    """Train on the warm items, select the epoch on validation's cold items, report on test's cold items.

    Candidates are a part's own cold items; the full ranking over all items is reported beside. Users without training
    interactions are left out of the first: all models would rank by popularity, and no candidate has any.

    Args:
        model_name: Registered name.
        dataset: Data split by ``"cold-item"``.
        names: Item features to use.
        arguments: The model's own hyper-parameters.
        options: How to train.
        folder: Where ``run.json``, the history and the figures of each user go.

    Returns:
        Fields of the record.
    """
    graph = BipartiteGraph.from_interactions(dataset.train).to(options.device)
    features = {name: modality.to(options.device) for name, modality in dataset.select_features(names).items()}
    torch.manual_seed(options.seed)
    model = create_model(
        model_name,
        num_users=dataset.num_users,
        num_items=dataset.num_items,
        feature_dims={name: modality.dim for name, modality in features.items()},
        **arguments,
    ).to(options.device)
    folder.mkdir()
    epochs = {"epochs": 0, "best_epoch": 0}
    started = time.perf_counter()
    if isinstance(model, Recommender):

        def validate(current: Recommender) -> dict[str, float]:
            return rank_among_cold(_scorer(current, graph, features), graph, dataset.valid).metrics

        hooks = [EarlyStopping(options.patience), HistoryFile(folder / "history.jsonl")]
        state = fit(model, graph, features, options, validate=validate, callbacks=hooks)
        epochs = {"epochs": state.epoch, "best_epoch": state.best_epoch}
    else:
        model.fit(graph, features)
    seconds = time.perf_counter() - started
    scorer = _scorer(model, graph, features)
    valid = rank_among_cold(scorer, graph, dataset.valid)
    test = rank_among_cold(scorer, graph, dataset.test)
    everything = evaluate(scorer, graph, dataset.test, OPTIONS)
    run = RunFolder(folder)
    description = describe_run(model_name, model, dataset, names, options, OPTIONS, graph.device, {})
    run.write_json("run.json", {**description, "status": "finished"})
    run.write_per_user({"test": (dataset.users.ids(test.users.cpu().numpy()), test.per_user)})
    chosen = ("recall@20", "ndcg@20")
    return {
        "valid": {name: valid.metrics[name] for name in chosen},
        "test": {name: test.metrics[name] for name in chosen},
        "test_all_items": {name: everything.metrics[name] for name in chosen},
        "candidates": int(torch.unique(dataset.test.item).numel()),
        "users": test.users.numel(),
        "reads_unseen_items": _reads_unseen_items(model, graph, features),
        "seconds": round(seconds, 1),
        **epochs,
    }


def rank_among_cold(scorer: Scorer, graph: BipartiteGraph, part: Interactions) -> Evaluation:
    """Figures of a part with its own items as the only candidates, for users with training interactions."""
    candidates = torch.zeros(graph.num_items, dtype=torch.bool, device=graph.device)
    candidates[part.item.to(graph.device)] = True
    known = part.select((graph.user_degree > 0).cpu()[part.user])
    return evaluate(scorer, graph, known, OPTIONS, candidates=candidates)


def _scorer(
    model: Recommender | HistoryScorer, graph: BipartiteGraph, features: Mapping[str, ItemFeatures]
) -> EmbeddingScorer | HistoryScorer:
    if isinstance(model, HistoryScorer):
        return model
    return EmbeddingScorer(model.embeddings(graph, features))


def _reads_unseen_items(
    model: Recommender | HistoryScorer, graph: BipartiteGraph, features: Mapping[str, ItemFeatures]
) -> bool:
    """Whether the scores of items unseen in training change when these items exchange their content."""
    cold = (graph.item_degree == 0).nonzero().flatten()
    users = graph.user_degree.nonzero().flatten()[:100]
    before = _scorer(model, graph, features).score(users)[:, cold]
    order = torch.arange(graph.num_items, device=graph.device)
    order[cold] = cold.roll(1)
    exchanged = {name: ItemFeatures(given.x[order], given.mask[order]) for name, given in features.items()}
    if isinstance(model, HistoryScorer):
        model.fit(graph, exchanged)
    after = _scorer(model, graph, exchanged).score(users)[:, cold]
    return not torch.allclose(before, after, rtol=1e-4, atol=1e-6)
