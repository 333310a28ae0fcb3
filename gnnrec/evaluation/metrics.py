"""Ranking metrics of each user."""

from collections.abc import Sequence

import torch
from torch import Tensor

__all__ = ["METRICS", "default_metric", "ranking_metrics"]

METRICS = ("recall", "ndcg", "precision", "hit_rate", "map", "mrr")


def default_metric(ks: Sequence[int]) -> str:
    """The metric that stands for all: ``"recall@20"``, or recall at the list length nearest to 20 that there is.

    Args:
        ks: List lengths, at least one.
    """
    return f"recall@{min(sorted(ks), key=lambda k: abs(k - 20))}"


def ranking_metrics(hits: Tensor, num_positives: Tensor, ks: tuple[int, ...]) -> dict[str, Tensor]:
    r"""All accuracy metrics at several list lengths in one pass.

    With :math:`h_r` = 1 where rank r holds a positive and T positives: recall :math:`\sum_{r \le k} h_r / T`,
    precision :math:`\sum h_r / k`, hit rate :math:`[\sum h_r > 0]`, NDCG :math:`\sum h_r / \log_2(r + 1)` over its best
    value with min(T, k) hits, MAP :math:`\sum h_r P(r) / \min(T, k)`, MRR the reciprocal rank of the first hit.

    Args:
        hits: Whether each rank holds a positive. Shape: (U, K), bool.
        num_positives: T of each user; users with 0 get 0 everywhere. Shape: (U,).
        ks: List lengths; one above K counts ranks that hold nothing.

    Returns:
        Values by name, such as ``"recall@20"``. Each of shape (U,), float32.
    """
    rank = torch.arange(1, hits.shape[1] + 1, device=hits.device, dtype=torch.float32)
    hit = hits.to(torch.float32)  # (U, K)
    found = hits.cumsum(1)  # of integers: the floating sum has no deterministic form on CUDA
    discount = (rank + 1).log2().reciprocal()
    ideal = discount.cpu().cumsum(0).to(hits.device)  # best gain of 1, 2, ... hits
    precision = hit * found / rank  # at the ranks of hits
    reciprocal = hit / rank
    total = num_positives.clamp(min=1).to(torch.float32)
    values: dict[str, Tensor] = {}
    for k in ks:
        at_most = num_positives.clamp(min=1, max=k)
        number = found[:, :k][:, -1].to(torch.float32)
        values[f"recall@{k}"] = number / total
        values[f"ndcg@{k}"] = (hit[:, :k] @ discount[:k]) / ideal[at_most.clamp(max=ideal.numel()) - 1]
        values[f"precision@{k}"] = number / k
        values[f"hit_rate@{k}"] = (number > 0).to(torch.float32)
        values[f"map@{k}"] = precision[:, :k].sum(1) / at_most
        values[f"mrr@{k}"] = reciprocal[:, :k].amax(1)
    return values
