"""A view without some of the edges."""

from __future__ import annotations

import torch

from graphs.augment._drawing import check_rate, draw_kept
from graphs.bipartite import BipartiteGraph

__all__ = ["edge_dropout"]


def edge_dropout(graph: BipartiteGraph, rate: float, generator: torch.Generator | None = None) -> BipartiteGraph:
    """The graph without a random share of its edges.

    Edge dropout of `Self-supervised Graph Learning for Recommendation <https://arxiv.org/abs/2010.10783>`_ (SGL, Wu et
    al., 2021), section 3.1: a random mask over the edges. As in the authors' code, the number of edges dropped is fixed
    and they are drawn without replacement; one draw an edge would let the share vary. The view on which the code of
    `MMGCL <https://doi.org/10.1145/3477495.3532027>`_ (Yi et al., 2022) propagates every modality is the same; for one
    view a modality see :func:`modality_edge_dropout`.

    The adjacency of the result is normalised by its own degrees.

    Args:
        graph: The user-item graph.
        rate: Share of edges to drop, in [0, 1); ``round(rate * num_edges)`` edges go.
        generator: Source of randomness, torch's global one if not given. Its state moves on, so that each call gives
            another view. It may be on another device than the graph: a CPU generator gives the same view everywhere.

    Returns:
        A graph of the same users and items, those left without edges included.

    Raises:
        ValueError: If ``rate`` is out of range.
    """
    check_rate(rate)
    kept = draw_kept(graph.num_edges, rate, generator, graph.device)
    return graph._subgraph(kept, graph.num_edges - round(rate * graph.num_edges))
