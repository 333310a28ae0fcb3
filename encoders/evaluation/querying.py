"""Queries of one modality answered with items of another."""

from typing import NamedTuple

import torch
from torch import Tensor

from encoders.errors import ArgumentError
from encoders.evaluation.average_precision import average_precision
from encoders.evaluation.cosine import cosines, unit_rows

__all__ = ["QueryingResult", "querying"]


class QueryingResult(NamedTuple):
    """Means over queries; NaN if no query has a relevant result.

    Args:
        precision_at_1: Share of queries whose best result is relevant.
        recall_at_1: Share of all relevant results that the best one is.
        mean_average_precision: Of the whole list.
        num_queries: Over how many queries the means are.
        without_relevant: Queries without any relevant result, which are left out.
    """

    precision_at_1: float
    recall_at_1: float
    mean_average_precision: float
    num_queries: int
    without_relevant: int


@torch.no_grad()
def querying(
    queries: Tensor, results: Tensor, *, query_labels: Tensor, result_labels: Tensor, block_size: int = 256
) -> QueryingResult:
    """Rank all results by cosine for each query; relevant are those with exactly the query's set of labels.

    From `AudioCLIP <https://arxiv.org/abs/2106.13043>`_ (Guzhov et al., 2021), section 5.2: "only samples possessing
    the same set of labels were considered relevant". Results tied for the first place count by the share of relevant
    ones among them; in the average precision ties are retrieved together, as in scikit-learn.

    The paper calls its figures no more than "Top-1 Precision/Recall". Its recall at 1 cannot be compared with this one,
    the literal share of relevant results found: where a query has 40 relevant sounds, as in ESC-50, this is 1/40 at
    most, and the paper has 80.40 %. The share of queries with a hit does not explain its column either: on UrbanSound8K
    it has 48.18 % beside a mean average precision of 80.04 %.

    Args:
        queries: Vectors of any length. Shape: (Q, d).
        results: Vectors of what can be found. Shape: (N, d).
        query_labels: Label sets by number, see :func:`~encoders.evaluation.label_set_ids`. Shape: (Q,), int64.
        result_labels: The same of the results. Shape: (N,), int64.
        block_size: Queries at a time.

    Raises:
        ArgumentError: If shapes or types do not fit, or a vector is not finite.
    """
    if block_size < 1:
        raise ArgumentError(f"'block_size' must be a positive integer (got {block_size})")
    if queries.shape[1:] != results.shape[1:]:
        raise ArgumentError(
            f"'queries' and 'results' must have one dimension (got {tuple(queries.shape)} and {tuple(results.shape)})"
        )
    _check_labels(query_labels, "query_labels", queries)
    _check_labels(result_labels, "result_labels", results)
    queries, results = unit_rows(queries, "queries"), unit_rows(results, "results")
    parts = []
    for start in range(0, len(queries), block_size):
        some = slice(start, start + block_size)
        parts.append(_figures(cosines(queries[some], results), query_labels[some, None] == result_labels))
    figures = torch.cat(parts)
    answerable = figures[~figures[:, 2].isnan()]
    precision, recall, mean_precision = answerable.mean(dim=0).tolist()
    return QueryingResult(
        precision, recall, mean_precision, len(answerable), without_relevant=len(figures) - len(answerable)
    )


def _figures(scores: Tensor, relevant: Tensor) -> Tensor:
    """Precision and recall at 1 and average precision of some queries. Shapes: (B, N), (B, N) -> (B, 3)."""
    top = scores == scores.amax(dim=1, keepdim=True)
    precision = (top & relevant).sum(dim=1) / top.sum(dim=1, dtype=torch.float64)
    recall = precision / relevant.sum(dim=1)
    return torch.stack([precision, recall, average_precision(scores, relevant)], dim=1)


def _check_labels(labels: Tensor, name: str, vectors: Tensor) -> None:
    if labels.dtype != torch.int64 or labels.shape != vectors.shape[:1]:
        raise ArgumentError(
            f"'{name}' must be int64 of shape ({len(vectors)},) (got {labels.dtype}, {tuple(labels.shape)})"
        )
