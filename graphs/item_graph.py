"""Weighted graphs between items."""

from __future__ import annotations

from functools import cached_property
from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor
from torch.autograd.function import once_differentiable

from graphs.normalize import Normalization, check_normalization
from graphs.pair_pattern import PairPattern
from graphs.sparse import SparseOperator, whole

if TYPE_CHECKING:
    import networkx
    from torch_geometric.data import HeteroData

__all__ = ["ItemGraph"]


class ItemGraph:
    r"""A sparse matrix over items: row i lists the neighbours j that item i listens to.

    Its product is :math:`(Ax)_i = \sum_j w_{ij} x_j`. Weights may carry a gradient. Operators are worked out once and
    kept with the graph, so its tensors must not be changed in place. Graphs of the same pairs share what follows from
    them. Copies and pickles leave all this out, and weights that were computed from others come without gradient.

    Args:
        edge_index: Pairs (item, neighbour), sorted by item, then neighbour, without duplicates. Shape: (2, E), int64.
        weight: Weight of each pair. Shape: (E,), float32.
        num_items: Number of items, isolated ones included.

    Raises:
        ValueError: If shapes or types are wrong, a position lies outside its range or pairs are not sorted.

    Example:
        >>> ItemGraph(torch.tensor([[0, 1], [1, 0]]), torch.ones(2), num_items=3)
        ItemGraph(num_items=3, num_edges=2)
    """

    def __init__(self, edge_index: Tensor, weight: Tensor, num_items: int) -> None:
        if edge_index.dim() != 2 or edge_index.shape[0] != 2 or edge_index.dtype != torch.int64:
            raise ValueError(
                f"'edge_index' must be int64 of shape (2, E) (got {edge_index.dtype}, {tuple(edge_index.shape)})"
            )
        _check_weight(weight, edge_index.shape[1])
        if num_items < 0:
            raise ValueError(f"'num_items' must be a non-negative integer (got {num_items})")
        keys = edge_index[0] * num_items + edge_index[1]
        if edge_index.numel():
            if int(edge_index.min()) < 0 or int(edge_index.max()) >= num_items:
                found = f"{int(edge_index.min())} to {int(edge_index.max())}"
                raise ValueError(f"items in 'edge_index' must lie in [0, {num_items}) (got {found})")
            if not bool((keys[1:] > keys[:-1]).all()):
                raise ValueError("'edge_index' must be sorted by item, then neighbour, without duplicates")
        self._pattern = PairPattern(edge_index, num_items)
        self.weight = weight

    def __getstate__(self) -> dict[str, Any]:
        # Operators are worked out again where a copy needs them. A copy is not computed from what weights came from.
        return {"_pattern": self._pattern, "weight": self.weight if self.weight.is_leaf else self.weight.detach()}

    @classmethod
    def _of_pattern(cls, pattern: PairPattern, weight: Tensor) -> ItemGraph:
        graph = cls.__new__(cls)
        graph._pattern, graph.weight = pattern, weight
        return graph

    @classmethod
    def _from_sorted(cls, edge_index: Tensor, weight: Tensor, num_items: int) -> ItemGraph:
        """A graph of pairs known to be valid, sorted and different."""
        return cls._of_pattern(PairPattern(edge_index, num_items), weight)

    @property
    def edge_index(self) -> Tensor:
        """Pairs (item, neighbour), sorted by item, then neighbour. Shape: (2, E), int64."""
        return self._pattern.edge_index

    @property
    def num_items(self) -> int:
        """Number of items, isolated ones included."""
        return self._pattern.shape[0]

    @property
    def num_edges(self) -> int:
        """Number of pairs (item, neighbour)."""
        return self.weight.numel()

    @property
    def device(self) -> torch.device:
        """Where the tensors are."""
        return self.weight.device

    @property
    def degree(self) -> Tensor:
        """Neighbours of each item. Shape: (num_items,), int64."""
        return self._pattern.degree

    def with_weight(self, weight: Tensor) -> ItemGraph:
        """The same pairs with other weights.

        Args:
            weight: Weight of each pair. Shape: (E,), float32.

        Raises:
            ValueError: If shape or type are wrong.
        """
        _check_weight(weight, self.num_edges)
        return self._of_pattern(self._pattern, weight)

    def binary(self) -> ItemGraph:
        """The same pairs, each of weight 1."""
        return self.with_weight(torch.ones_like(self.weight))

    def detach(self) -> ItemGraph:
        """The same graph without gradient; itself where it has none."""
        if not self.weight.requires_grad:
            return self
        graph = self.with_weight(self.weight.detach())
        if "_operator" in vars(self):
            graph._operator = self._operator
        return graph

    def normalized(self, norm: Normalization) -> ItemGraph:
        r"""Weights normalised by the row sums :math:`d_i = \sum_j w_{ij}`; differentiable.

        ``"symmetric"`` is :math:`d_i^{-1/2} w_{ij} d_j^{-1/2}` (LATTICE, equation 4: row sums on both sides, though a
        nearest-neighbour graph is not symmetric), ``"row"`` is :math:`w_{ij} / d_i`, ``"none"`` changes nothing.
        Negative weights count as 0, so that no root is taken of a negative sum. Items whose row sum is 0 get and give
        nothing.

        Raises:
            ValueError: If ``norm`` is unknown.
        """
        check_normalization(norm)
        if norm == "none":
            return self
        item, neighbour = self.edge_index
        weight = self.weight.clamp(min=0)
        total = weight.new_zeros(self.num_items).index_add(0, item, weight)
        filled = total > 0
        safe = torch.where(filled, total, 1.0)
        if norm == "row":
            share = torch.where(filled, safe.reciprocal(), 0.0)
            return self.with_weight(weight * share[item])
        share = torch.where(filled, safe.rsqrt(), 0.0)
        return self.with_weight(weight * share[item] * share[neighbour])

    def operator(self) -> SparseOperator:
        """The constant matrix of shape (num_items, num_items) and its transpose, cached."""
        return self._operator

    @cached_property
    def _operator(self) -> SparseOperator:
        return self._pattern.operator(self.weight.detach())

    def matmul(self, x: Tensor) -> Tensor:
        """Product with a dense matrix, differentiable in ``x`` and in the weights. Shapes: (num_items, d) -> same."""
        if self.weight.requires_grad and torch.is_grad_enabled():
            product: Tensor = _WeightedProduct.apply(whole(x), self.weight, self)  # type: ignore[no-untyped-call]
            return product
        return self.operator().matmul(x)

    def convolve(self, x: Tensor, num_layers: int) -> Tensor:
        """``num_layers`` products in a row, :math:`A^L x`. Shapes: (num_items, d) -> same."""
        for _ in range(num_layers):
            x = self.matmul(x)
        return x

    def to(self, device: torch.device | str) -> ItemGraph:
        """The same graph on ``device``; itself when it is there already."""
        if torch.empty(0, device=device).device == self.device:
            return self
        return self._from_sorted(self.edge_index.to(device), self.weight.to(device), self.num_items)

    def to_networkx(self) -> networkx.DiGraph:
        """A networkx graph; see :func:`graphs.convert.item_graph_to_networkx`."""
        from graphs.convert import item_graph_to_networkx

        return item_graph_to_networkx(self)

    def to_hetero_data(self, relation: str = "like") -> HeteroData:
        """A PyG ``HeteroData``; see :func:`graphs.convert.item_graph_to_hetero_data`."""
        from graphs.convert import item_graph_to_hetero_data

        return item_graph_to_hetero_data(self, relation)

    def __repr__(self) -> str:
        return f"ItemGraph(num_items={self.num_items}, num_edges={self.num_edges})"


class _WeightedProduct(torch.autograd.Function):
    """The product where the weights get a gradient too, row i of the gradient times row j of x, on the pairs only."""

    @staticmethod
    def forward(ctx: Any, x: Tensor, weight: Tensor, graph: ItemGraph) -> Tensor:
        ctx.graph = graph
        ctx.save_for_backward(x)
        operator = graph.operator().like(x)
        return operator.matmul_into(x, x.new_empty(operator.shape[0], x.shape[1]))

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, gradient: Tensor) -> tuple[Tensor | None, Tensor, None]:
        (x,) = ctx.saved_tensors
        gradient = gradient.contiguous()
        for_x = None
        if ctx.needs_input_grad[0]:
            transposed = ctx.graph.operator().like(x).transposed
            for_x = transposed.matmul_into(gradient, torch.empty_like(x))
        return for_x, ctx.graph._pattern.products(gradient, x).to(torch.float32), None


def _check_weight(weight: Tensor, num_edges: int) -> None:
    if weight.shape != (num_edges,) or weight.dtype != torch.float32:
        raise ValueError(
            f"'weight' must be float32 of shape ({num_edges},) (got {weight.dtype}, {tuple(weight.shape)})"
        )
