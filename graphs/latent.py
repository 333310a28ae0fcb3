"""Item graphs that carry a gradient: learned ones, and weighted sums of several."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor
from torch.autograd.function import once_differentiable

from graphs.item_graph import ItemGraph
from graphs.knn import knn_graph

__all__ = ["fuse_graphs", "learned_graph"]


def learned_graph(x: Tensor, k: int, mask: Tensor | None = None) -> ItemGraph:
    r"""The nearest-neighbour graph of learned item vectors, with gradient from its weights to the vectors.

    The learned structure of `Mining Latent Structures for Multimedia Recommendation
    <https://arxiv.org/abs/2104.09036>`_ (LATTICE, Zhang et al., 2021), equations 5 to 7: which pairs are kept is
    decided by :func:`graphs.knn_graph` without gradient; their cosines

    .. math:: S_{ij} = \frac{x_i^\top x_j}{\lVert x_i \rVert \lVert x_j \rVert}

    are differentiable. Neither direction forms a matrix of all pairs or keeps a vector of each pair: memory is
    O(n k + n d).

    Args:
        x: Item vectors, of any precision; the graph is float32. Shape: (n, d).
        k: Neighbours of each item, in [1, n - 1].
        mask: Whether each item takes part; all by default. Shape: (n,), bool.

    Returns:
        The graph, not normalised; negative cosines are kept, ``ItemGraph.normalized`` counts them as 0.

    Raises:
        ValueError: If ``k`` is out of range or a shape or type is wrong.
    """
    x = x.float()
    graph = knn_graph(x.detach(), k, mask)
    if not (x.requires_grad and torch.is_grad_enabled()):
        return graph
    cosine: Tensor = _PairCosine.apply(x, graph)  # type: ignore[no-untyped-call]
    return graph.with_weight(cosine)


def fuse_graphs(graphs: Sequence[ItemGraph], weights: Tensor) -> ItemGraph:
    r"""The weighted sum of graphs, :math:`\sum_m \alpha_m S_m`, on the union of their pairs.

    LATTICE, equation 8. Differentiable in ``weights`` and in the weights of each graph; sparse throughout.

    Args:
        graphs: Graphs over the same items.
        weights: Weight of each graph. Shape: (len(graphs),), float32.

    Returns:
        The sum; a pair that several graphs have is one edge, and one whose weights cancel stays an edge.

    Raises:
        ValueError: If there is no graph, sizes differ or ``weights`` has another shape or type.
    """
    if not graphs:
        raise ValueError("'graphs' must hold at least one graph (got none)")
    num_items = graphs[0].num_items
    if any(graph.num_items != num_items for graph in graphs):
        sizes = ", ".join(str(graph.num_items) for graph in graphs)
        raise ValueError(f"'graphs' must be over the same items (got num_items: {sizes})")
    if weights.shape != (len(graphs),) or weights.dtype != torch.float32:
        raise ValueError(
            f"'weights' must be float32 of shape ({len(graphs)},) (got {weights.dtype}, {tuple(weights.shape)})"
        )
    parts = [weight * graph.weight for weight, graph in zip(weights.unbind(), graphs, strict=True)]
    if all(graph._pattern is graphs[0]._pattern for graph in graphs):
        return graphs[0].with_weight(torch.stack(parts).sum(0))
    keys = [graph.edge_index[0] * num_items + graph.edge_index[1] for graph in graphs]
    union, place = torch.unique(torch.cat(keys), return_inverse=True)
    total = parts[0].new_zeros(union.numel())
    # One graph has no pair twice, so that each sum of its own is in a fixed order, on a GPU too.
    for part, where in zip(parts, place.split([len(part) for part in parts]), strict=True):
        total = total.index_add(0, where, part)
    item = union // num_items
    return ItemGraph._from_sorted(torch.stack([item, union - item * num_items]), total, num_items)


class _PairCosine(torch.autograd.Function):
    """Cosines of a graph's pairs; the gradient is a sparse product with the vectors, not a vector of each pair."""

    @staticmethod
    def forward(ctx: Any, x: Tensor, graph: ItemGraph) -> Tensor:
        length = torch.linalg.vector_norm(x, dim=1, keepdim=True)
        unit = x / torch.where(length > 0, length, 1.0)
        cosine = graph._pattern.products(unit, unit)
        ctx.graph = graph
        ctx.save_for_backward(unit, length, cosine)
        return cosine

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, gradient: Tensor) -> tuple[Tensor, None]:
        unit, length, cosine = ctx.saved_tensors
        graph = ctx.graph
        item, neighbour = graph.edge_index
        operator = graph.with_weight(gradient).operator()
        # d cos / d x_i = (u_j - cos u_i) / |x_i|, and the same with the ends exchanged.
        turn = gradient * cosine
        along = turn.new_zeros(graph.num_items).index_add_(0, item, turn).index_add_(0, neighbour, turn)
        for_x = unit * -along.unsqueeze(1)
        operator.matmul_into(unit, for_x, beta=1.0)
        operator.transposed.matmul_into(unit, for_x, beta=1.0)
        touched = (graph.degree > 0) & (length.flatten() > 0)
        # Rows without edges may hold anything, NaN included, and get no gradient.
        return torch.where(touched.unsqueeze(1), for_x / length, 0.0), None
