"""A view for each modality, without some of the edges."""

from __future__ import annotations

from collections.abc import Iterable

import torch

from graphs.augment.edge_dropout import edge_dropout
from graphs.bipartite import BipartiteGraph

__all__ = ["modality_edge_dropout"]


def modality_edge_dropout(
    graph: BipartiteGraph, names: Iterable[str], rate: float, generator: torch.Generator | None = None
) -> dict[str, BipartiteGraph]:
    """For each modality the graph without a random share of its edges, drawn on its own.

    *Modality edge dropout* is the name that `Multi-modal Graph Contrastive Learning for Micro-video Recommendation
    <https://doi.org/10.1145/3477495.3532027>`_ (MMGCL, Yi et al., 2022) gives to dropping edges of the modalities'
    user-item graphs. Its released code draws one graph for all modalities, which is :func:`edge_dropout`; here an edge
    that one modality loses stays in the others.

    Args:
        graph: The user-item graph.
        names: Names of the modalities; they draw in this order.
        rate: Share of edges that each loses, in [0, 1).
        generator: Source of randomness, torch's global one if not given; see :func:`edge_dropout`.

    Returns:
        By modality, a graph of the same users and items.

    Raises:
        ValueError: If ``rate`` is out of range.
    """
    return {name: edge_dropout(graph, rate, generator) for name in names}
