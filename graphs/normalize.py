"""Normalised adjacency matrices in CSR form."""

from __future__ import annotations

import warnings
from typing import Literal, get_args

import torch
from torch import Tensor

from graphs.sparse import SparseOperator

__all__ = [
    "Normalization",
    "build_csr",
    "check_normalization",
    "csr_tensor",
    "index_type",
    "normalized_operator",
    "row_pointer",
]

Normalization = Literal["symmetric", "row", "none"]


def check_normalization(norm: str) -> None:
    """Refuse an unknown normalisation.

    Raises:
        ValueError: If ``norm`` is unknown.
    """
    if norm not in get_args(Normalization):
        raise ValueError(f"'norm' must be one of {', '.join(get_args(Normalization))} (got {norm!r})")


def index_type(largest: int) -> torch.dtype:
    """32-bit integers where ``largest`` fits: half the bytes, and what sparse kernels want."""
    return torch.int32 if largest < 2**31 else torch.int64


def build_csr(row: Tensor, column: Tensor, value: Tensor, shape: tuple[int, int]) -> Tensor:
    """CSR matrix of entries that are sorted by row, then column, without duplicates.

    Indices are 32-bit where they fit: the CPU and CUDA kernels would convert others at every product.

    Args:
        row: Row of each entry. Shape: (E,).
        column: Column of each entry. Shape: (E,).
        value: Value of each entry. Shape: (E,).
        shape: Rows and columns.
    """
    return _csr(torch.bincount(row, minlength=shape[0]), column, value, shape)


def normalized_operator(
    edge_index: Tensor, num_users: int, num_items: int, norm: Normalization, by_item: Tensor | None = None
) -> SparseOperator:
    r"""Adjacency of the bipartite graph over users first, then items.

    ``"symmetric"`` is :math:`D^{-1/2} A D^{-1/2}` (LightGCN, equation 3), ``"row"`` is :math:`D^{-1} A`,
    ``"none"`` is :math:`A`. Nodes without edges have empty rows.

    Args:
        edge_index: User-to-item edges, sorted by user, then item, without duplicates. Shape: (2, E).
        num_users: Number of users.
        num_items: Number of items.
        norm: Normalisation.
        by_item: Order of the edges by item, then user, where it is known. Shape: (E,), integer.

    Returns:
        An operator of shape (num_users + num_items, num_users + num_items).

    Raises:
        ValueError: If ``norm`` is unknown.
    """
    check_normalization(norm)
    num_nodes = num_users + num_items
    shape = (num_nodes, num_nodes)
    user, item = edge_index.to(index_type(max(num_nodes, 2 * edge_index.shape[1])))
    if by_item is None:
        by_item = torch.argsort(item, stable=True)
    column = torch.cat([item + num_users, user.index_select(0, by_item)])
    count = torch.cat([torch.bincount(user, minlength=num_users), torch.bincount(item, minlength=num_items)])
    degree = count.to(torch.float32)
    if norm == "none":
        return SparseOperator(_csr(count, column, degree.new_ones(column.numel()), shape))
    if norm == "symmetric":
        # An edge weighs the same in both directions, so half of the entries is worked out.
        weight = (degree.index_select(0, user) * degree[num_users:].index_select(0, item)).rsqrt_()
        weight = torch.cat([weight, weight.index_select(0, by_item)])
        return SparseOperator(_csr(count, column, weight, shape))
    share = degree.reciprocal_()
    return SparseOperator(
        _csr(count, column, torch.repeat_interleave(share, count), shape),
        _csr(count, column, share.index_select(0, column), shape),
    )


def row_pointer(count: Tensor) -> Tensor:
    """Where each row starts, and the end, from the number of entries in each. Shapes: (rows,) -> (rows + 1,), int64."""
    pointer = torch.zeros(count.numel() + 1, dtype=torch.int64, device=count.device)
    torch.cumsum(count, 0, out=pointer[1:])
    return pointer


def csr_tensor(pointer: Tensor, column: Tensor, value: Tensor, shape: tuple[int, int]) -> Tensor:
    """CSR matrix of its three parts, not checked; pointer and columns must have the same integer type."""
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", message="Sparse")
        return torch.sparse_csr_tensor(pointer, column, value, size=shape, check_invariants=False)


def _csr(count: Tensor, column: Tensor, value: Tensor, shape: tuple[int, int]) -> Tensor:
    """CSR matrix from the number of entries in each row, shape (rows,)."""
    kind = index_type(max(*shape, column.numel()))
    return csr_tensor(row_pointer(count).to(kind), column.to(kind), value, shape)
