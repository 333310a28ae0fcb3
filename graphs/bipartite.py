"""The user-item graph."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

import torch
from torch import Tensor

from graphs.normalize import Normalization, build_csr, normalized_operator
from graphs.sparse import SparseOperator

if TYPE_CHECKING:
    import networkx
    from torch_geometric.data import HeteroData

__all__ = ["BipartiteGraph"]


class _Interactions(Protocol):
    @property
    def edge_index(self) -> Tensor: ...
    @property
    def num_users(self) -> int: ...
    @property
    def num_items(self) -> int: ...


class BipartiteGraph:
    """Users, items and who took what.

    Edges are deduplicated and sorted by user, then item. Normalised adjacencies are built once for each norm and kept
    with the graph; :meth:`to` gives a graph on another device that has its own.

    Args:
        edge_index: User-to-item edges in any order. Shape: (2, E), int64.
        num_users: Number of users, isolated ones included.
        num_items: Number of items, isolated ones included.

    Raises:
        ValueError: If the shape is wrong or a position lies outside its range.

    Example:
        >>> graph = BipartiteGraph(torch.tensor([[0, 1, 1], [2, 0, 2]]), num_users=2, num_items=3)
        >>> graph
        BipartiteGraph(num_users=2, num_items=3, num_edges=3)
    """

    def __init__(self, edge_index: Tensor, num_users: int, num_items: int) -> None:
        if edge_index.dim() != 2 or edge_index.shape[0] != 2 or edge_index.dtype != torch.int64:
            raise ValueError(
                f"'edge_index' must be int64 of shape (2, E) (got {edge_index.dtype}, {tuple(edge_index.shape)})"
            )
        for name, index, size in (("users", edge_index[0], num_users), ("items", edge_index[1], num_items)):
            if index.numel() and (int(index.min()) < 0 or int(index.max()) >= size):
                raise ValueError(f"{name} in 'edge_index' must lie in [0, {size}) (got {int(index.min())} to {int(index.max())})")
        self.num_users = num_users
        self.num_items = num_items
        self.keys = torch.unique(edge_index[0] * num_items + edge_index[1])
        """Sorted ``user * num_items + item`` of every edge. Shape: (E,)."""
        self.edge_index = torch.stack([self.keys // max(num_items, 1), self.keys % max(num_items, 1)])
        self._operators: dict[str, SparseOperator] = {}

    @classmethod
    def from_edge_index(cls, edge_index: Tensor, num_users: int, num_items: int) -> BipartiteGraph:
        """The graph of PyG-style edges; the same as the constructor."""
        return cls(edge_index, num_users, num_items)

    @classmethod
    def from_interactions(cls, interactions: _Interactions) -> BipartiteGraph:
        """The graph of an interaction log (``gnnrec.data.Interactions`` or anything with its three attributes)."""
        return cls(interactions.edge_index, interactions.num_users, interactions.num_items)

    @classmethod
    def from_hetero_data(
        cls, data: HeteroData, user: str = "user", item: str = "item", relation: str | None = None
    ) -> BipartiteGraph:
        """The graph of a PyG ``HeteroData``; see :func:`graphs.convert.from_hetero_data`."""
        from graphs.convert import from_hetero_data

        return from_hetero_data(data, user=user, item=item, relation=relation)

    def to_hetero_data(self, features: dict[str, Tensor] | None = None) -> HeteroData:
        """A PyG ``HeteroData`` with both edge directions; see :func:`graphs.convert.to_hetero_data`."""
        from graphs.convert import to_hetero_data

        return to_hetero_data(self, features)

    def to_networkx(self) -> networkx.Graph:
        """A networkx graph with nodes ``("user", 0)``, ``("item", 0)``; see :func:`graphs.convert.to_networkx`."""
        from graphs.convert import to_networkx

        return to_networkx(self)

    @property
    def num_edges(self) -> int:
        """Number of different user-item pairs."""
        return self.keys.numel()

    @property
    def num_nodes(self) -> int:
        """Users and items together."""
        return self.num_users + self.num_items

    @property
    def device(self) -> torch.device:
        """Where the edges are."""
        return self.keys.device

    @property
    def user_degree(self) -> Tensor:
        """Items of each user. Shape: (num_users,), int64."""
        return torch.bincount(self.edge_index[0], minlength=self.num_users)

    @property
    def item_degree(self) -> Tensor:
        """Users of each item. Shape: (num_items,), int64."""
        return torch.bincount(self.edge_index[1], minlength=self.num_items)

    @property
    def user_pointer(self) -> Tensor:
        """Where each user's edges start in :attr:`edge_index`. Shape: (num_users + 1,), int64."""
        pointer = torch.zeros(self.num_users + 1, dtype=torch.int64, device=self.device)
        pointer[1:] = self.user_degree.cumsum(0)
        return pointer

    def adjacency(self, norm: Normalization = "symmetric") -> SparseOperator:
        """Adjacency over users first, then items, cached.

        Args:
            norm: ``"symmetric"``, ``"row"`` or ``"none"``; see :func:`graphs.normalize.normalized_operator`.

        Returns:
            An operator of shape (num_nodes, num_nodes); the symmetric one is its own backward.
        """
        if norm not in self._operators:
            self._operators[norm] = normalized_operator(self.edge_index, self.num_users, self.num_items, norm)
        return self._operators[norm]

    def user_item_matrix(self) -> SparseOperator:
        """The binary (num_users, num_items) matrix and its transpose, cached."""
        if "user_item" not in self._operators:
            user, item = self.edge_index
            ones = torch.ones(self.num_edges, device=self.device)
            by_item = torch.argsort(item, stable=True)
            self._operators["user_item"] = SparseOperator(
                build_csr(user, item, ones, (self.num_users, self.num_items)),
                build_csr(item[by_item], user[by_item], ones, (self.num_items, self.num_users)),
            )
        return self._operators["user_item"]

    def has_edges(self, users: Tensor, items: Tensor) -> Tensor:
        """Whether each pair is an edge, by a sorted-key lookup. Shapes: (B,), (B,) -> (B,) bool."""
        wanted = users * self.num_items + items
        if not self.num_edges:
            return torch.zeros_like(wanted, dtype=torch.bool)
        place = torch.searchsorted(self.keys, wanted).clamp_(max=self.num_edges - 1)
        return self.keys[place] == wanted

    def to(self, device: torch.device | str) -> BipartiteGraph:
        """The same graph on ``device``; itself when it is there already."""
        if torch.empty(0, device=device).device == self.device:
            return self
        return BipartiteGraph(self.edge_index.to(device), self.num_users, self.num_items)

    def __repr__(self) -> str:
        return f"BipartiteGraph(num_users={self.num_users}, num_items={self.num_items}, num_edges={self.num_edges})"
