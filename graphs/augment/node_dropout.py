"""A view without the edges of some users and items."""

from __future__ import annotations

import torch

from graphs.augment._drawing import check_rate, draw_kept
from graphs.bipartite import BipartiteGraph

__all__ = ["node_dropout"]


def node_dropout(graph: BipartiteGraph, rate: float, generator: torch.Generator | None = None) -> BipartiteGraph:
    """The graph without the edges of a random share of users and of items.

    Node dropout of `Self-supervised Graph Learning for Recommendation <https://arxiv.org/abs/2010.10783>`_ (SGL, Wu et
    al., 2021), section 3.1; the released code of MMGCL masks a modality by it. Dropped nodes stay, without edges, so
    that positions keep their meaning. An edge stays where both ends do: about ``(1 - rate) ** 2`` of them.

    Args:
        graph: The user-item graph.
        rate: Share of users and share of items to drop, in [0, 1): ``round(rate * num_users)`` and
            ``round(rate * num_items)``, drawn without replacement, isolated ones among them.
        generator: Source of randomness, torch's global one if not given; see :func:`graphs.edge_dropout`.

    Returns:
        A graph of the same users and items.

    Raises:
        ValueError: If ``rate`` is out of range.
    """
    check_rate(rate)
    user, item = graph.edge_index
    kept_users = draw_kept(graph.num_users, rate, generator, graph.device)
    kept_items = draw_kept(graph.num_items, rate, generator, graph.device)
    kept = kept_users[user] & kept_items[item]
    return graph._subgraph(kept, int(kept.sum()))
