"""Ranking metrics of each user."""

import torch
from torch import Tensor

__all__ = ["METRICS", "ranking_metrics"]

METRICS = ("recall", "ndcg", "precision", "hit_rate", "map", "mrr")


def ranking_metrics(hits: Tensor, num_positives: Tensor, ks: tuple[int, ...]) -> dict[str, Tensor]:
    r"""All accuracy metrics at several list lengths in one pass.

    With :math:`h_r` = 1 where rank r holds a positive and T positives: recall :math:`\sum_{r \le k} h_r / T`,
    precision :math:`\sum h_r / k`, hit rate :math:`[\sum h_r > 0]`, NDCG :math:`\sum h_r / \log_2(r + 1)` over its best
    value with min(T, k) hits, MAP :math:`\sum h_r P(r) / \min(T, k)`, MRR the reciprocal rank of the first hit.

    Args:
        hits: Whether each rank holds a positive. Shape: (U, K), bool.
        num_positives: T of each user; users with 0 get 0 everywhere. Shape: (U,).
        ks: List lengths, each at most K.

    Returns:
        Values by name, such as ``"recall@20"``. Each of shape (U,), float32.
    """
    length = hits.shape[1]
    rank = torch.arange(1, length + 1, device=hits.device, dtype=torch.float32)
    hit = hits.to(torch.float32)  # (U, K)
    found = hit.cumsum(1)
    discount = (rank + 1).log2().reciprocal()
    gain = (hit * discount).cumsum(1)
    ideal = torch.cat([discount.new_zeros(1), discount.cumsum(0)])  # best gain of n hits
    precision = (hit * found / rank).cumsum(1)
    first = (hit / rank).cummax(1).values if length else hit
    total = num_positives.clamp(min=1).to(torch.float32)
    values: dict[str, Tensor] = {}
    for k in ks:
        at_most = num_positives.clamp(max=k)
        values[f"recall@{k}"] = found[:, k - 1] / total
        values[f"ndcg@{k}"] = gain[:, k - 1] / ideal[at_most.clamp(min=1)]
        values[f"precision@{k}"] = found[:, k - 1] / k
        values[f"hit_rate@{k}"] = (found[:, k - 1] > 0).to(torch.float32)
        values[f"map@{k}"] = precision[:, k - 1] / at_most.clamp(min=1)
        values[f"mrr@{k}"] = first[:, k - 1]
    return values
