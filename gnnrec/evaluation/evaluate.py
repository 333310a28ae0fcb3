"""Evaluation of a scorer on a held-out part."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import torch
from torch import Tensor

from gnnrec.data.interactions import Interactions
from gnnrec.data.item_features import ItemFeatures
from gnnrec.errors import DataError
from gnnrec.evaluation.beyond_accuracy import beyond_accuracy
from gnnrec.evaluation.metrics import ranking_metrics
from gnnrec.evaluation.options import EvalOptions
from gnnrec.evaluation.ranking import Ranking, rank_items
from gnnrec.models.scorer import Scorer
from graphs import BipartiteGraph

__all__ = ["Evaluation", "evaluate"]

ITEM_COUNT_EDGES = (0, 1, 5, 20, 100)
"""Lower ends of the training-count groups of items; the first group are the cold items."""


@dataclass(frozen=True, eq=False)
class Evaluation:
    """Figures of one part.

    Args:
        metrics: Means over users by name, beyond-accuracy figures included.
        warm: Accuracy over users with training interactions and their positives that have some, which is what most
            toolkits report.
        by_item_count: Share of positives found, by how often the item was taken in training.
        users: Evaluated users. Shape: (U,).
        per_user: Values by metric, each of shape (U,).
        counts: Users and positives evaluated, and how many of them are cold.
    """

    metrics: dict[str, float]
    warm: dict[str, float]
    by_item_count: list[dict[str, Any]]
    users: Tensor
    per_user: dict[str, Tensor]
    counts: dict[str, int] = field(default_factory=dict)

    def to_dict(self) -> dict[str, Any]:
        """Everything but the per-user values, ready for JSON."""
        return {
            **self.metrics,
            "warm": self.warm,
            "by_item_count": self.by_item_count,
            "counts": self.counts,
        }


def evaluate(
    scorer: Scorer,
    train: BipartiteGraph,
    positives: Interactions | BipartiteGraph,
    options: EvalOptions | None = None,
    *,
    masked: BipartiteGraph | None = None,
    features: Mapping[str, ItemFeatures] | None = None,
    candidates: Tensor | None = None,
    ties: Tensor | None = None,
) -> Evaluation:
    """Full ranking over all items, every metric in one pass.

    Users and items without training interactions stay in: cold users are ranked by popularity, cold items are
    candidates and count as positives. Figures without them are given beside.

    Args:
        scorer: What to evaluate.
        train: The training graph, on the scorer's device.
        positives: Held-out interactions.
        options: List lengths and policies.
        masked: Further items to leave out of the lists, such as validation items at test.
        features: Item features for intra-list diversity.
        candidates: Items that may be recommended, instead of those of ``options``. Shape: (num_items,), bool.
        ties: Rank of each item among items of equal score, see :func:`~gnnrec.evaluation.top_items.tie_order`.

    Returns:
        The figures.

    Raises:
        DataError: If nobody has a held-out item.
        TrainingError: If a score is not finite.
    """
    options = options or EvalOptions()
    if isinstance(positives, Interactions):
        positives = BipartiteGraph.from_interactions(positives).to(train.device)
    num_positives = positives.user_degree
    chosen = num_positives > 0
    if not bool(chosen.any()):
        raise DataError("the part to evaluate has no interactions; at least one held-out item is needed")
    if options.users_without_positives == "zero":
        chosen = chosen | (train.user_degree > 0)
    if options.candidates == "new":
        # Users without history would be ranked by popularity, and no candidate has any.
        chosen = chosen & (train.user_degree > 0)
        candidates = train.item_degree == 0 if candidates is None else candidates
        if not bool(chosen.any()):
            raise DataError("no user with training interactions has a held-out item; 'candidates' cannot be 'new'")
    users = chosen.nonzero().flatten()
    seen = train if masked is None else _union(train, masked)
    ranking = rank_items(
        scorer,
        users,
        max(options.ks),
        seen=seen,
        positives=positives,
        cold=train.user_degree[users] == 0,
        cold_scores=train.item_degree.to(torch.float32),
        candidates=candidates,
        ties=ties,
    )
    per_user = ranking_metrics(ranking.hits, num_positives[users], options.ks)
    metrics = {name: float(value.mean()) for name, value in per_user.items()}
    if options.beyond_accuracy:
        for k in options.ks:
            overall, each = beyond_accuracy(ranking.items, train, features, k, users=users)
            metrics.update(overall)
            per_user.update(each)
    return Evaluation(
        metrics=metrics,
        warm=_warm_metrics(ranking, train, positives, options.ks),
        by_item_count=_by_item_count(ranking, train, positives, options.ks),
        users=users,
        per_user=per_user,
        counts=_counts(users, train, positives),
    )


def _union(first: BipartiteGraph, second: BipartiteGraph) -> BipartiteGraph:
    edges = torch.cat([first.edge_index, second.edge_index], dim=1)
    return BipartiteGraph(edges, first.num_users, first.num_items)


def _warm_metrics(
    ranking: Ranking, train: BipartiteGraph, positives: BipartiteGraph, ks: tuple[int, ...]
) -> dict[str, float]:
    """Means over warm users and their warm positives; the lists are the same."""
    warm_item = train.item_degree > 0
    user, item = positives.edge_index
    num_warm = torch.bincount(user[warm_item[item]], minlength=train.num_users)[ranking.users]
    kept = (num_warm > 0) & (train.user_degree[ranking.users] > 0)
    if not bool(kept.any()):
        return {}
    hits = ranking.hits[kept] & warm_item[ranking.items[kept].clamp(min=0)]
    return {name: float(value.mean()) for name, value in ranking_metrics(hits, num_warm[kept], ks).items()}


def _by_item_count(
    ranking: Ranking, train: BipartiteGraph, positives: BipartiteGraph, ks: tuple[int, ...]
) -> list[dict[str, Any]]:
    """Share of all positives found, by the item's training count."""
    edges = torch.tensor(ITEM_COUNT_EDGES[1:], device=train.device)
    group = torch.bucketize(train.item_degree, edges, right=True)
    size = len(ITEM_COUNT_EDGES)
    total = torch.bincount(group[positives.edge_index[1]], minlength=size)
    hit_group = torch.where(ranking.hits, group[ranking.items.clamp(min=0)], size)  # misses go to a group of their own
    rows: list[dict[str, Any]] = []
    found = {k: torch.bincount(hit_group[:, :k].reshape(-1), minlength=size + 1) for k in ks}
    for index, low in enumerate(ITEM_COUNT_EDGES):
        high = ITEM_COUNT_EDGES[index + 1] - 1 if index + 1 < size else None
        row: dict[str, Any] = {"from": low, "to": high, "positives": int(total[index])}
        for k in ks:
            row[f"recall@{k}"] = float(found[k][index] / total[index]) if total[index] else None
        rows.append(row)
    return rows


def _counts(users: Tensor, train: BipartiteGraph, positives: BipartiteGraph) -> dict[str, int]:
    return {
        "users": users.numel(),
        "cold_users": int((train.user_degree[users] == 0).sum()),
        "positives": positives.num_edges,
        "cold_positives": int((train.item_degree == 0)[positives.edge_index[1]].sum()),
    }
