"""Normalised adjacency matrices in CSR form."""

from __future__ import annotations

import warnings
from typing import Literal, get_args

import torch
from torch import Tensor

from graphs.sparse import SparseOperator

__all__ = ["Normalization", "build_csr", "normalized_operator"]

Normalization = Literal["symmetric", "row", "none"]


def build_csr(row: Tensor, column: Tensor, value: Tensor, shape: tuple[int, int]) -> Tensor:
    """CSR matrix of entries that are sorted by row, then column, without duplicates.

    Indices are 32-bit where they fit: the CPU and CUDA kernels want them so and would convert at every product.

    Args:
        row: Row of each entry. Shape: (E,).
        column: Column of each entry. Shape: (E,).
        value: Value of each entry. Shape: (E,).
        shape: Rows and columns.
    """
    row_pointer = torch.zeros(shape[0] + 1, dtype=torch.int64, device=row.device)
    row_pointer[1:] = torch.bincount(row, minlength=shape[0]).cumsum(0)
    index_type = torch.int32 if max(*shape, row.numel()) < 2**31 else torch.int64
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", message="Sparse")
        return torch.sparse_csr_tensor(
            row_pointer.to(index_type), column.to(index_type), value, size=shape, check_invariants=False
        )


def normalized_operator(edge_index: Tensor, num_users: int, num_items: int, norm: Normalization) -> SparseOperator:
    r"""Adjacency of the bipartite graph over users first, then items.

    ``"symmetric"`` is :math:`D^{-1/2} A D^{-1/2}` (LightGCN, equation 3), ``"row"`` is :math:`D^{-1} A`, ``"none"``
    is :math:`A`. Nodes without edges have empty rows.

    Args:
        edge_index: User-to-item edges, sorted by user, then item, without duplicates. Shape: (2, E).
        num_users: Number of users.
        num_items: Number of items.
        norm: Normalisation.

    Returns:
        An operator of shape (num_users + num_items, num_users + num_items).

    Raises:
        ValueError: If ``norm`` is unknown.
    """
    if norm not in get_args(Normalization):
        raise ValueError(f"'norm' must be one of {', '.join(get_args(Normalization))} (got {norm!r})")
    user, item = edge_index
    by_item = torch.argsort(item, stable=True)
    row = torch.cat([user, item[by_item] + num_users])
    column = torch.cat([item + num_users, user[by_item]])
    num_nodes = num_users + num_items
    degree = torch.bincount(row, minlength=num_nodes).to(torch.float32)
    value = torch.ones(row.numel(), dtype=torch.float32, device=row.device)
    if norm == "symmetric":
        value = (degree[row] * degree[column]).rsqrt()
    elif norm == "row":
        value = degree[row].reciprocal()
    csr = build_csr(row, column, value, (num_nodes, num_nodes))
    if norm != "row":
        return SparseOperator(csr)
    return SparseOperator(csr, build_csr(row, column, degree[column].reciprocal(), (num_nodes, num_nodes)))
