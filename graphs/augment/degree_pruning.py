"""A view that keeps edges of unpopular nodes rather than of popular ones."""

from __future__ import annotations

import torch

from graphs.augment._drawing import check_rate
from graphs.bipartite import BipartiteGraph

__all__ = ["degree_pruning"]


def degree_pruning(graph: BipartiteGraph, drop_rate: float, generator: torch.Generator | None = None) -> BipartiteGraph:
    r"""The graph of edges drawn with a probability that falls with the degrees of their ends.

    Degree-sensitive edge pruning of `A Tale of Two Graphs: Freezing and Denoising Graph Structures for Multimodal
    Recommendation <https://arxiv.org/abs/2211.06924>`_ (FREEDOM, Zhou and Shen, 2023): edges are kept by multinomial
    sampling without replacement with

    .. math:: p_{ui} \propto \frac{1}{\sqrt{d_u}\sqrt{d_i}}.

    The draws are those of exponential clocks: of :math:`t_e / p_e` with standard exponential :math:`t_e`, the smallest
    are kept, which has the distribution of drawing one after another. ``torch.multinomial`` would refuse graphs of more
    than :math:`2^{24}` edges.

    Args:
        graph: The user-item graph.
        drop_rate: Share of edges to drop, in [0, 1); ``round(drop_rate * num_edges)`` edges go.
        generator: Source of randomness, torch's global one if not given; see :func:`graphs.edge_dropout`.

    Returns:
        A graph of the same users and items; its adjacency is normalised by its own degrees.

    Raises:
        ValueError: If ``drop_rate`` is out of range.
    """
    check_rate(drop_rate, "drop_rate")
    dropped = round(drop_rate * graph.num_edges)
    user, item = graph.edge_index
    device = graph.device if generator is None else generator.device
    # In float32, several clocks of a large graph would show the same time.
    clock = torch.empty(graph.num_edges, dtype=torch.float64, device=device).exponential_(generator=generator)
    time = clock.to(graph.device) * (graph.user_degree[user] * graph.item_degree[item]).sqrt()
    latest = time.topk(dropped, sorted=False).indices
    kept = torch.ones(graph.num_edges, dtype=torch.bool, device=graph.device).index_fill_(0, latest, False)
    return graph._subgraph(kept, graph.num_edges - dropped)
