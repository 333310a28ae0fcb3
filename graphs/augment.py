"""Views of a user-item graph for contrastive and robust training."""

from __future__ import annotations

import torch

from graphs.bipartite import BipartiteGraph

__all__ = ["edge_dropout"]


def edge_dropout(graph: BipartiteGraph, rate: float, generator: torch.Generator) -> BipartiteGraph:
    """The graph without a random share of its edges.

    Edge dropout of `Self-supervised Graph Learning for Recommendation <https://arxiv.org/abs/2010.10783>`_
    (Wu et al., 2021), section 3.1: a random mask over the edges. As in the authors' code, the number of edges
    dropped is fixed and they are drawn without replacement; one draw an edge would let the share vary.

    Args:
        graph: The user-item graph.
        rate: Share of edges to drop, in [0, 1); ``round(rate * num_edges)`` edges go.
        generator: Source of randomness; its state moves on, so that each call gives another view. It may be
            on another device than the graph: a CPU generator gives the same view everywhere.

    Returns:
        A graph of the same users and items, those left without edges included.

    Raises:
        ValueError: If ``rate`` is out of range.
    """
    if not 0.0 <= rate < 1.0:
        raise ValueError(f"'rate' must lie in [0, 1) (got {rate})")
    order = torch.randperm(graph.num_edges, generator=generator, device=generator.device).to(graph.device)
    kept = torch.ones(graph.num_edges, dtype=torch.bool, device=graph.device)
    kept[order[: round(rate * graph.num_edges)]] = False
    place = kept.nonzero().flatten()
    # What is left of sorted edges is sorted.
    return BipartiteGraph._from_sorted(graph.keys[place], graph.edge_index[:, place], graph.num_users, graph.num_items)
