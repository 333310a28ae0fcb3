"""Where a sparse matrix over items has entries."""

from __future__ import annotations

from functools import cached_property
from typing import Any

import torch
from torch import Tensor

from graphs.normalize import csr_tensor, index_type, row_pointer
from graphs.sparse import SparseOperator

__all__ = ["PairPattern"]


class PairPattern:
    """Sorted pairs (item, neighbour) without their weights; what follows from them is worked out once.

    All graphs of the same pairs share one pattern.

    Args:
        edge_index: Pairs, sorted by item, then neighbour, without duplicates; not checked. Shape: (2, E), int64.
        num_items: Number of items.
    """

    def __init__(self, edge_index: Tensor, num_items: int) -> None:
        self.edge_index = edge_index
        self.shape = (num_items, num_items)

    def __getstate__(self) -> dict[str, Any]:
        return {"edge_index": self.edge_index, "shape": self.shape}

    @cached_property
    def degree(self) -> Tensor:
        """Neighbours of each item. Shape: (num_items,), int64."""
        return torch.bincount(self.edge_index[0], minlength=self.shape[0])

    def operator(self, weight: Tensor) -> SparseOperator:
        """The matrix of these weights and its transpose. Shape of ``weight``: (E,)."""
        pointer, column = self._rows
        order, transposed_pointer, transposed_column = self._columns
        return SparseOperator(
            csr_tensor(pointer, column, weight, self.shape),
            csr_tensor(transposed_pointer, transposed_column, weight.index_select(0, order), self.shape),
        )

    def products(self, left: Tensor, right: Tensor) -> Tensor:
        """Scalar product of the item's row of ``left`` and the neighbour's row of ``right`` for each pair.

        No row is copied for a pair. Not differentiable.

        Args:
            left: Rows by item. Shape: (num_items, d).
            right: Rows by neighbour. Shape: (num_items, d).

        Returns:
            Shape: (E,).
        """
        pointer, column = self._rows
        pattern = csr_tensor(pointer, column, left.new_zeros(column.numel()), self.shape)
        found: Tensor = torch.sparse.sampled_addmm(pattern, left, right.T, beta=0.0).values()
        return found

    @cached_property
    def _rows(self) -> tuple[Tensor, Tensor]:
        """Row pointer and columns in CSR."""
        kind = index_type(max(self.shape[0], self.edge_index.shape[1]))
        return row_pointer(self.degree).to(kind), self.edge_index[1].to(kind)

    @cached_property
    def _columns(self) -> tuple[Tensor, Tensor, Tensor]:
        """Order of the pairs by neighbour, and the transpose's row pointer and columns in CSR."""
        item, neighbour = self.edge_index.to(self._rows[0].dtype)
        order = torch.argsort(neighbour, stable=True)
        count = torch.bincount(neighbour, minlength=self.shape[0])
        return order, row_pointer(count).to(item.dtype), item.index_select(0, order)
