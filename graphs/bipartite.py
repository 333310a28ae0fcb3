"""The user-item graph."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cached_property
from typing import TYPE_CHECKING, Any, Protocol

import torch
from torch import Tensor

from graphs.normalize import Normalization, build_csr, csr_tensor, index_type, normalized_operator
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

    Edges are deduplicated and sorted by user, then item. Degrees and normalised adjacencies are worked out
    once and kept with the graph, so none of its tensors may be changed in place; :meth:`to` gives a graph on
    another device that has its own.

    Args:
        edge_index: User-to-item edges in any order. Shape: (2, E), int64.
        num_users: Number of users, isolated ones included.
        num_items: Number of items, isolated ones included.

    Raises:
        ValueError: If a size is negative, the shape is wrong or a position lies outside its range.

    Example:
        >>> graph = BipartiteGraph(torch.tensor([[0, 1, 1], [2, 0, 2]]), num_users=2, num_items=3)
        >>> graph
        BipartiteGraph(num_users=2, num_items=3, num_edges=3)
    """

    def __init__(self, edge_index: Tensor, num_users: int, num_items: int) -> None:
        for name, size in (("num_users", num_users), ("num_items", num_items)):
            if size < 0:
                raise ValueError(f"'{name}' must be a non-negative integer (got {size})")
        if edge_index.dim() != 2 or edge_index.shape[0] != 2 or edge_index.dtype != torch.int64:
            raise ValueError(
                f"'edge_index' must be int64 of shape (2, E) (got {edge_index.dtype}, {tuple(edge_index.shape)})"
            )
        for name, index, size in (("users", edge_index[0], num_users), ("items", edge_index[1], num_items)):
            if index.numel() and (int(index.min()) < 0 or int(index.max()) >= size):
                found = f"{int(index.min())} to {int(index.max())}"
                raise ValueError(f"{name} in 'edge_index' must lie in [0, {size}) (got {found})")
        keys = torch.unique(edge_index[0] * num_items + edge_index[1])
        user = keys // max(num_items, 1)
        self._assign(torch.stack([user, keys - user * num_items]), num_users, num_items)

    def _assign(self, edge_index: Tensor, num_users: int, num_items: int) -> None:
        self.num_users = num_users
        self.num_items = num_items
        self.edge_index = edge_index
        self._adjacencies: dict[str, SparseOperator] = {}
        self._blocks: dict[str, tuple[SparseOperator, SparseOperator]] = {}

    def __getstate__(self) -> dict[str, Any]:
        # Degrees and matrices are worked out again where a copy needs them.
        return {"edge_index": self.edge_index, "num_users": self.num_users, "num_items": self.num_items}

    def __setstate__(self, state: dict[str, Any]) -> None:
        self._assign(**state)

    @classmethod
    def _from_sorted(cls, edge_index: Tensor, num_users: int, num_items: int) -> BipartiteGraph:
        """A graph of edges known to be valid, sorted and different, such as some of another graph's."""
        graph = cls.__new__(cls)
        graph._assign(edge_index, num_users, num_items)
        return graph

    def _subgraph(self, kept: Tensor, num_kept: int) -> BipartiteGraph:
        """The graph of ``num_kept`` edges where ``kept`` holds, shape (E,); its order by item is filtered, not sorted.

        With their number known, a GPU does not have to be waited for.
        """
        flag = kept.to(torch.int64)
        rank = flag.cumsum(0)
        place = _positions(flag, rank, num_kept)
        # Row by row: along the second dimension, index_select takes five times as long on a CPU.
        edge_index = torch.stack([row.index_select(0, place) for row in self.edge_index])
        graph = self._from_sorted(edge_index, self.num_users, self.num_items)
        flag = flag.index_select(0, self._by_item)
        order = self._by_item.index_select(0, _positions(flag, flag.cumsum(0), num_kept))
        graph._by_item = rank.sub_(1).index_select(0, order)
        return graph

    @cached_property
    def keys(self) -> Tensor:
        """Sorted ``user * num_items + item`` of every edge. Shape: (E,)."""
        return self.edge_index[0] * self.num_items + self.edge_index[1]

    @cached_property
    def _by_item(self) -> Tensor:
        """Order of the edges by item, then user. Shape: (E,), int64."""
        return torch.argsort(self.edge_index[1].to(index_type(self.num_items)), stable=True)

    @classmethod
    def from_edge_index(cls, edge_index: Tensor, num_users: int, num_items: int) -> BipartiteGraph:
        """The graph of PyG-style edges; the same as the constructor."""
        return cls(edge_index, num_users, num_items)

    @classmethod
    def from_interactions(cls, interactions: _Interactions) -> BipartiteGraph:
        """The graph of an interaction log: ``gnnrec.data.Interactions`` or all that has these attributes."""
        return cls(interactions.edge_index, interactions.num_users, interactions.num_items)

    @classmethod
    def from_hetero_data(
        cls,
        data: HeteroData,
        user: str = "user",
        item: str = "item",
        relation: str | tuple[str, str, str] | None = None,
    ) -> BipartiteGraph:
        """The graph of a PyG ``HeteroData``; see :func:`graphs.convert.from_hetero_data`."""
        from graphs.convert import from_hetero_data

        return from_hetero_data(data, user=user, item=item, relation=relation)

    @classmethod
    def from_networkx(cls, graph: networkx.Graph) -> BipartiteGraph:
        """The graph of a networkx graph with sides marked; see :func:`graphs.convert.from_networkx`."""
        from graphs.convert import from_networkx

        return from_networkx(graph)

    def to_hetero_data(self, features: Mapping[str, Tensor] | None = None) -> HeteroData:
        """A PyG ``HeteroData`` with both edge directions; see :func:`graphs.convert.to_hetero_data`."""
        from graphs.convert import to_hetero_data

        return to_hetero_data(self, features)

    def to_networkx(self) -> networkx.Graph:
        """A networkx graph of ``("user", 0)`` and so on; see :func:`graphs.convert.to_networkx`."""
        from graphs.convert import to_networkx

        return to_networkx(self)

    @property
    def num_edges(self) -> int:
        """Number of different user-item pairs."""
        return self.edge_index.shape[1]

    @property
    def num_nodes(self) -> int:
        """Users and items together."""
        return self.num_users + self.num_items

    @property
    def device(self) -> torch.device:
        """Where the edges are."""
        return self.edge_index.device

    @cached_property
    def user_degree(self) -> Tensor:
        """Items of each user. Shape: (num_users,), int64."""
        return torch.bincount(self.edge_index[0], minlength=self.num_users)

    @cached_property
    def item_degree(self) -> Tensor:
        """Users of each item. Shape: (num_items,), int64."""
        return torch.bincount(self.edge_index[1], minlength=self.num_items)

    @cached_property
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
        if norm not in self._adjacencies:
            sizes = self.num_users, self.num_items
            self._adjacencies[norm] = normalized_operator(self.edge_index, *sizes, norm, by_item=self._by_item)
        return self._adjacencies[norm]

    def user_item_matrix(self, norm: Normalization = "none") -> SparseOperator:
        """The (num_users, num_items) block of :meth:`adjacency` and its transpose, cached.

        It takes item vectors to users: their sum (``"none"``, the binary matrix), their mean (``"row"``), or
        LightGCN's sum (``"symmetric"``).
        """
        return self._user_item_matrix if norm == "none" else self._user_item_blocks(norm)[0]

    def item_user_matrix(self, norm: Normalization = "none") -> SparseOperator:
        """The (num_items, num_users) block of :meth:`adjacency` and its transpose, cached."""
        return self._user_item_matrix.transposed if norm == "none" else self._user_item_blocks(norm)[1]

    def _user_item_blocks(self, norm: Normalization) -> tuple[SparseOperator, SparseOperator]:
        if norm not in self._blocks:
            adjacency = self.adjacency(norm)
            to_users, to_items = self._cut(adjacency.csr)
            back_to_users, back_to_items = self._cut(adjacency.transposed.csr)
            self._blocks[norm] = SparseOperator(to_users, back_to_items), SparseOperator(to_items, back_to_users)
        return self._blocks[norm]

    def _cut(self, matrix: Tensor) -> tuple[Tensor, Tensor]:
        """The users-by-items and the items-by-users block of a CSR matrix over users first, then items."""
        pointer, column, value = matrix.crow_indices(), matrix.col_indices(), matrix.values()
        users, items, edges = self.num_users, self.num_items, self.num_edges
        # Users come first, so each block is a run of rows: nothing is sorted.
        by_user = pointer[: users + 1], column[:edges] - users, value[:edges]
        by_item = pointer[users:] - edges, column[edges:], value[edges:]
        return (
            csr_tensor(*by_user, (users, items)),
            csr_tensor(*by_item, (items, users)),
        )

    @cached_property
    def _user_item_matrix(self) -> SparseOperator:
        user, item = self.edge_index.to(index_type(max(self.num_users, self.num_items, self.num_edges)))
        ones = torch.ones(self.num_edges, device=self.device)
        return SparseOperator(
            build_csr(user, item, ones, (self.num_users, self.num_items)),
            build_csr(item[self._by_item], user[self._by_item], ones, (self.num_items, self.num_users)),
        )

    def has_edges(self, users: Tensor, items: Tensor) -> Tensor:
        """Whether each pair is an edge, by a sorted-key lookup.

        Args:
            users: Positions in [0, num_users), not checked. Shape: (B,).
            items: Positions in [0, num_items), not checked: one outside would stand for another pair.
                Shape: (B,).

        Returns:
            Shape: (B,), bool.
        """
        wanted = users * self.num_items + items
        if not self.num_edges:
            return torch.zeros_like(wanted, dtype=torch.bool)
        place = torch.searchsorted(self.keys, wanted).clamp_(max=self.num_edges - 1)
        return self.keys[place] == wanted

    def to(self, device: torch.device | str) -> BipartiteGraph:
        """The same graph on ``device``; itself when it is there already."""
        if torch.empty(0, device=device).device == self.device:
            return self
        return self._from_sorted(self.edge_index.to(device), self.num_users, self.num_items)

    def __repr__(self) -> str:
        sizes = f"num_users={self.num_users}, num_items={self.num_items}, num_edges={self.num_edges}"
        return f"BipartiteGraph({sizes})"


def _positions(flag: Tensor, rank: Tensor, count: int) -> Tensor:
    """The ``count`` positions whose flag is 1, from its running sum; ``nonzero`` takes twice the time on a CPU."""
    # The others all go to place 0, which is cut off.
    position = torch.arange(flag.numel(), device=flag.device)
    return position.new_empty(count + 1).scatter_(0, rank * flag, position)[1:]
