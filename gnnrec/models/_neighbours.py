"""Sparse rows: their product into a dense block, and exact top-k."""

from collections.abc import Iterable
from itertools import pairwise
from typing import NamedTuple

import torch
from torch import Tensor

__all__ = ["SparseRows", "add_product", "block_rows", "history_rows", "top_k_rows", "transpose"]

_CHUNK = 2**22
"""Products written in one go; bounds the temporary memory at about 100 MB."""

_BLOCK = 2**24
"""Entries of a dense block of rows: 64 MB of float32."""


class SparseRows(NamedTuple):
    """A sparse matrix by rows."""

    pointer: Tensor
    """Where each row starts in the other two. Shape: (rows + 1,), int32 or int64."""
    column: Tensor
    """Shape: (E,), int32 or int64."""
    value: Tensor
    """Shape: (E,), floating."""

    @classmethod
    def from_csr(cls, csr: Tensor) -> "SparseRows":
        """The entries of a ``torch.sparse_csr`` matrix, shared."""
        return cls(csr.crow_indices(), csr.col_indices(), csr.values())

    def slice(self, start: int, stop: int) -> "SparseRows":
        """Rows ``start`` to ``stop`` - 1, shared where possible."""
        first, last = self.pointer[[start, stop]].tolist()
        return SparseRows(
            self.pointer[start : stop + 1] - self.pointer[start],
            self.column[first:last],
            self.value[first:last],
        )


def history_rows(histories: tuple[Tensor, Tensor]) -> SparseRows:
    """Histories as rows of ones."""
    pointer, items = histories
    return SparseRows(pointer, items, torch.ones(items.shape, device=items.device))


def block_rows(num_columns: int) -> int:
    """How many dense rows of ``num_columns`` entries make a block."""
    return max(1, _BLOCK // max(1, num_columns))


def add_product(out: Tensor, left: SparseRows, right: SparseRows) -> Tensor:
    """``out += left @ right``, in place.

    Each entry of ``left`` adds a multiple of one sparse row of ``right``; the work is the number of such
    additions, not the size of ``out``.

    Args:
        out: Dense, contiguous, of the values' type. Shape: (B, n).
        left: B rows with m columns.
        right: m rows with n columns.

    Returns:
        ``out``.
    """
    device = out.device
    lengths = (right.pointer[1:] - right.pointer[:-1])[left.column].to(torch.int64)
    # Where the products of each entry start in the list of all products.
    place = torch.cat([lengths.new_zeros(1), lengths.cumsum(0)])
    limits = torch.arange(0, int(place[-1]) + _CHUNK, _CHUNK, device=device)
    cuts = torch.searchsorted(place, limits, right=True).sub_(1)  # entries before which a chunk may start
    row_start = torch.arange(out.shape[0], device=device) * out.shape[1]
    target = torch.repeat_interleave(row_start, left.pointer.diff())
    shift = right.pointer[left.column] - place[:-1]
    flat = out.view(-1)
    for (a, b), (begin, end) in zip(pairwise(cuts.tolist()), pairwise(place[cuts].tolist()), strict=True):
        entry = torch.repeat_interleave(torch.arange(a, b, device=device), lengths[a:b], output_size=end - begin)
        source = torch.arange(begin, end, device=device).add_(shift[entry])
        product = left.value[entry].mul_(right.value[source])
        flat.scatter_add_(0, target[entry].add_(right.column[source]), product)
    return out


def top_k_rows(blocks: Iterable[Tensor], k: int) -> SparseRows:
    """The k largest entries of each row, as far as they are above zero.

    Args:
        blocks: Dense rows in order; each block is read before the next one is asked for. Shapes: (b, n).
        k: Entries kept of a row at most.

    Returns:
        The kept entries, the largest first in each row; columns are int32.
    """
    counts, columns, values = [], [], []
    for block in blocks:
        value, column = block.topk(min(k, block.shape[1]), dim=1)
        keep = value > 0
        counts.append(keep.sum(1))
        columns.append(column[keep].to(torch.int32))
        values.append(value[keep])
    count = torch.cat(counts)
    return SparseRows(torch.cat([count.new_zeros(1), count.cumsum(0)]), torch.cat(columns), torch.cat(values))


def transpose(rows: SparseRows, num_columns: int) -> SparseRows:
    """The same matrix by columns.

    Args:
        rows: A sparse matrix with ``num_columns`` columns.
        num_columns: Number of columns.
    """
    order = torch.argsort(rows.column, stable=True)
    row = torch.repeat_interleave(
        torch.arange(rows.pointer.numel() - 1, dtype=torch.int32, device=order.device), rows.pointer.diff()
    )
    pointer = torch.zeros(num_columns + 1, dtype=torch.int64, device=order.device)
    pointer[1:] = torch.bincount(rows.column, minlength=num_columns).cumsum(0)
    return SparseRows(pointer, row[order], rows.value[order])
