"""Seconds that this machine needs for one operation of a given shape, measured here and now."""

from functools import cache

import torch
from machine import best_and_median
from torch import Tensor

from graphs import SparseOperator

__all__ = ["Rates"]

_WIDTHS = (32, 64)
"""Column blocks in which a sparse product may be faster than as a whole."""
_SMALLEST, _LARGEST = 2**20, 2**27
"""Bytes of the smallest and largest table whose copy is measured."""


class Rates:
    """Times of single operations, each the best of several tries into kept memory, remembered by shape.

    Args:
        repeats: Tries.
    """

    def __init__(self, repeats: int = 7) -> None:
        self.repeats = repeats
        self.product = cache(self._product)
        self.copy_rate = cache(self._copy_rate)
        self.exponential = cache(self._exponential)
        self.nearest = cache(self._nearest)
        self._sparse: dict[tuple[int, int], tuple[float, Tensor]] = {}

    def _best(self, function: object) -> float:
        assert callable(function)
        return best_and_median(function, self.repeats)[0]

    def _product(self, rows: int, inner: int, columns: int, transposed: bool) -> float:
        """Seconds of (rows, inner) @ (inner, columns); ``transposed``: the left side is stored as (inner, rows)."""
        left = torch.randn(inner, rows).T if transposed else torch.randn(rows, inner)
        right, out = torch.randn(inner, columns), torch.empty(rows, columns)
        return self._best(lambda: torch.mm(left, right, out=out))

    def sparse(self, operator: SparseOperator, columns: int) -> float:
        """Seconds of a product with a dense matrix of so many columns, whole or in blocks, whichever is faster."""
        return min(
            self._sparse_once(operator, width) * columns / width for width in {*_WIDTHS, columns} if width <= columns
        )

    def _sparse_once(self, operator: SparseOperator, columns: int) -> float:
        key = (id(operator.csr), columns)  # the matrix is kept, so that no other gets its id
        if key not in self._sparse:
            x, out = torch.randn(operator.shape[1], columns), torch.empty(operator.shape[0], columns)
            self._sparse[key] = self._best(lambda: operator.matmul_into(x, out)), operator.csr
        return self._sparse[key][0]

    def _copy_rate(self, table: int) -> float:
        """Bytes read and written a second by copies of a table of this size."""
        source = torch.zeros(table // 4)
        out = torch.zeros_like(source)
        return 2 * source.numel() * 4 / self._best(lambda: out.copy_(source))

    def moved(self, num_bytes: float, table: float) -> float:
        """Seconds to read or write so many bytes, part of a table of ``table`` bytes: small ones stay in the caches."""
        size = min(max(int(table), _SMALLEST), _LARGEST)
        return num_bytes / self.copy_rate(1 << size.bit_length() - 1)

    def _exponential(self, count: int) -> float:
        """Seconds of so many exponentials."""
        x = torch.randn(count)
        out = torch.empty_like(x)
        return self._best(lambda: torch.exp(x, out=out))

    def _nearest(self, count: int, dim: int, k: int) -> float:
        """Seconds of the block products and the top-k without which no exact neighbour search is."""
        x = torch.randn(count, dim)
        block = max(1, min(count, 8_000_000 // count))
        out = torch.empty(block, count)

        def search() -> None:
            for start in range(0, count, block):
                part = x[start : start + block]
                torch.mm(part, x.T, out=out[: part.shape[0]]).topk(k, dim=1)

        return self._best(search)
