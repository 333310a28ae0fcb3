"""Base of the item-neighbourhood models."""

from abc import ABC, abstractmethod
from collections.abc import Iterator

import torch
from torch import Tensor

from gnnrec.models._arguments import check_positive_integer
from gnnrec.models._neighbours import SparseRows, add_product, block_rows, history_rows, top_k_rows, transpose
from gnnrec.models.base import Features
from gnnrec.models.item_based_scorer import ItemBasedScorer
from gnnrec.models.scorer import HistoryRows
from graphs import BipartiteGraph

__all__ = ["SparseItemScorer"]


class SparseItemScorer(ItemBasedScorer, ABC):
    r"""Scores an item by the history items that are among its k nearest neighbours.

    Users vote for pairs of items, :math:`c_{ij} = \sum_u w_u R_{ui} R_{uj}`; a subclass says what a user's
    vote weighs and turns votes into similarities. Blocks of rows are computed exactly and only each item's k
    largest similarities are kept, by history item, so that scoring touches nothing but the neighbours of what
    was taken.

    Args:
        k: Neighbours kept for each item.
    """

    neighbour_pointer: Tensor
    neighbour_item: Tensor
    neighbour_value: Tensor

    def __init__(self, k: int) -> None:
        super().__init__()
        check_positive_integer("k", k)
        self.k = k
        self.register_buffer("neighbour_pointer", torch.empty(0, dtype=torch.int64))
        self.register_buffer("neighbour_item", torch.empty(0, dtype=torch.int32))
        self.register_buffer("neighbour_value", torch.empty(0))

    @abstractmethod
    def _user_weight(self, degree: Tensor) -> Tensor:
        """What one user's vote for a pair of items weighs. Shapes: (num_users,) -> (num_users,), float32."""

    @abstractmethod
    def _weigh(self, votes: Tensor, start: int, degree: Tensor) -> Tensor:
        """Turn votes into similarities, in place.

        Args:
            votes: Votes for pairs of a target item (row) and a history item (column). Shape: (b, num_items).
            start: The first row's item.
            degree: Users of each item, at least 1. Shape: (num_items,), float32.
        """

    def state_shapes(self, num_users: int, num_items: int) -> dict[str, tuple[int | None, ...]]:
        """Shapes of the buffers after fitting."""
        return {"neighbour_pointer": (num_items + 1,), "neighbour_item": (None,), "neighbour_value": (None,)}

    def _fit(self, graph: BipartiteGraph, features: Features) -> None:
        by_target = top_k_rows(self._similarities(graph), self.k)
        rows = transpose(by_target, graph.num_items)
        self.neighbour_pointer, self.neighbour_item, self.neighbour_value = rows

    def _similarities(self, graph: BipartiteGraph) -> Iterator[Tensor]:
        """Blocks of rows of target items, in one buffer that is used again and again."""
        matrix = graph.user_item_matrix()
        weight = self._user_weight(graph.user_degree.clamp(min=1).to(torch.float32))
        user_rows = SparseRows.from_csr(matrix.csr)._replace(value=weight[graph.edge_index[0]])
        item_rows = SparseRows.from_csr(matrix.transposed.csr)
        degree = graph.item_degree.clamp(min=1).to(torch.float32)
        size = block_rows(graph.num_items)
        buffer = torch.empty(min(size, graph.num_items), graph.num_items, device=graph.device)
        for start in range(0, graph.num_items, size):
            stop = min(start + size, graph.num_items)
            votes = add_product(buffer[: stop - start].zero_(), item_rows.slice(start, stop), user_rows)
            votes.diagonal(start).zero_()
            yield self._weigh(votes, start, degree)

    def score_histories(self, histories: HistoryRows) -> Tensor:
        """Sum over the history of its items' similarity to each item. Shape: (B, num_items)."""
        num_items = self.neighbour_pointer.numel() - 1
        scores = torch.zeros(histories[0].numel() - 1, num_items, device=self.neighbour_value.device)
        rows = SparseRows(self.neighbour_pointer, self.neighbour_item, self.neighbour_value)
        return add_product(scores, history_rows(histories), rows)

    def extra_repr(self) -> str:
        """Hyper-parameters shown by ``repr``."""
        return f"k={self.k}"
