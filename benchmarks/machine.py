"""What this machine can do: the rates that floors are computed from."""

import time
from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import Tensor

from graphs import SparseOperator

__all__ = ["Machine", "best_and_median", "measure_machine"]


def best_and_median(function: Callable[[], object], repeats: int) -> tuple[float, float]:
    """Seconds of one call: the least, and the median, after a warm-up call."""
    function()
    seconds = []
    for _ in range(repeats):
        started = time.perf_counter()
        function()
        seconds.append(time.perf_counter() - started)
    return min(seconds), sorted(seconds)[len(seconds) // 2]


@dataclass(frozen=True)
class Machine:
    """Rates measured here and now, each the best of several tries.

    Args:
        gemm: Floating-point operations a second of a float32 product.
        copy: Bytes read and written a second by a copy of one embedding table.
        spmm: Floating-point operations a second of the CSR product with that table.
    """

    gemm: float
    copy: float
    spmm: float


def measure_machine(operator: SparseOperator, dim: int, *, repeats: int = 30) -> Machine:
    """Measure the rates on matrices of the shapes that the benchmark uses.

    Args:
        operator: The propagation matrix.
        dim: Columns of the embedding table.
        repeats: Tries.
    """
    size = operator.shape[0]
    x, out = torch.randn(size, dim), torch.empty(size, dim)
    spmm, _ = best_and_median(lambda: operator.matmul_into(x, out), repeats)
    copy, _ = best_and_median(lambda: out.copy_(x), repeats)
    left, right, product = torch.randn(2048, 1024), torch.randn(1024, 2048), torch.empty(2048, 2048)
    gemm, _ = best_and_median(lambda: torch.mm(left, right, out=product), repeats)
    return Machine(
        gemm=2 * 2048 * 1024 * 2048 / gemm,
        copy=2 * x.numel() * 4 / copy,
        spmm=2 * operator.num_nonzeros * dim / spmm,
    )


def bare_ranking(user: Tensor, item: Tensor, k: int, block: int) -> None:
    """The product and the top-k that no full ranking can do without, into kept memory."""
    scores = torch.empty(block, item.shape[0])
    values, indices = torch.empty(block, k), torch.empty(block, k, dtype=torch.int64)
    for start in range(0, user.shape[0], block):
        part = user[start : start + block]
        size = part.shape[0]
        torch.mm(part, item.T, out=scores[:size])
        torch.topk(scores[:size], k, dim=1, out=(values[:size], indices[:size]))
