"""LightGCN's propagation where only the users or only the items start with vectors."""

from collections.abc import Iterator
from typing import Any

import torch
from torch import Tensor
from torch.autograd.function import once_differentiable

from graphs import SparseOperator
from graphs.sparse import whole

__all__ = ["one_sided_layer_mean"]

_COLUMNS = 32
"""Columns propagated at a time on a CPU: blocks of them stay in the caches from layer to layer."""

_CACHED_BYTES = 16_000_000
"""Largest block for which that holds."""


def one_sided_layer_mean(
    x: Tensor, there: SparseOperator, num_layers: int, *, dropout: float = 0.0
) -> tuple[Tensor, Tensor]:
    r"""LightGCN's mean of layers where the other side of the graph starts at zero.

    Edges lead from one side to the other only, so vectors are on the near side in even layers and on the far side in
    odd ones. With B for ``there``:

    .. math::
        near = \frac{1}{K+1} \sum_{2j \le K} (B^\top B)^j x, \quad
        far = \frac{1}{K+1} B \sum_{2j+1 \le K} (B^\top B)^j x

    This takes half the work of products over all nodes. Propagation is linear, so that of both sides is the sum of two
    calls, and what several propagations have in common need be done once.

    Args:
        x: Layer 0 of the near side. Shape: (n, d).
        there: From the near to the far side. Shape: (f, n).
        num_layers: K.
        dropout: Probability that an entry of a layer above 0 is zeroed, the others being scaled up.

    Returns:
        Means of the near side, shape (n, d), and of the far side, shape (f, d).
    """
    if dropout:
        return _with_dropout(x, there, num_layers, dropout)
    x = whole(x)
    near, far = _OneSidedLayerMean.apply(x, there.like(x), num_layers)  # type: ignore[no-untyped-call]
    return near, far


def _with_dropout(x: Tensor, there: SparseOperator, num_layers: int, dropout: float) -> tuple[Tensor, Tensor]:
    current = x / (num_layers + 1)
    sums = [current, x.new_zeros(there.shape[0], x.shape[1])]
    for layer in range(1, num_layers + 1):
        operator = there if layer % 2 else there.transposed
        current = operator.matmul(current)
        # On a CPU, uniform draws take a third of the time of torch's dropout; what is kept is scaled up in the sum.
        current = current * (torch.rand_like(current) >= dropout)
        sums[layer % 2] = torch.add(sums[layer % 2], current, alpha=(1 - dropout) ** -layer)
    return sums[0], sums[1]


class _OneSidedLayerMean(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, x: Tensor, there: SparseOperator, num_layers: int) -> tuple[Tensor, Tensor]:
        ctx.there, ctx.num_layers = there, num_layers
        near, far = torch.empty_like(x), x.new_empty(there.shape[0], x.shape[1])
        for columns in _blocks(x, there):
            near[:, columns], far[:, columns] = _forward(x[:, columns].contiguous(), there, num_layers)
        return near, far

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, near: Tensor, far: Tensor) -> tuple[Tensor, None, None]:
        gradient = torch.empty_like(near)
        for columns in _blocks(near, ctx.there):
            parts = near[:, columns].contiguous(), far[:, columns].contiguous()
            gradient[:, columns] = _backward(*parts, ctx.there, ctx.num_layers)
        return gradient, None, None


def _blocks(x: Tensor, there: SparseOperator) -> Iterator[slice]:
    fits = max(there.shape) * _COLUMNS * x.element_size() <= _CACHED_BYTES
    width = _COLUMNS if x.device.type == "cpu" and fits else max(x.shape[1], 1)
    return (slice(start, start + width) for start in range(0, x.shape[1], width))


def _forward(x: Tensor, there: SparseOperator, num_layers: int) -> tuple[Tensor, Tensor]:
    start = x / (num_layers + 1)
    if num_layers == 0:
        return start, x.new_zeros(there.shape[0], x.shape[1])
    near, far, back = start, x.new_empty(there.shape[0], x.shape[1]), there.transposed
    for _ in range((num_layers - 1) // 2):  # Horner's rule for the sum of the odd layers, less its last product
        far = there.matmul_into(near, far)
        near = back.matmul_into(far, start.clone(), beta=1.0)
    far = there.matmul_into(near, far)
    if num_layers % 2 == 0:
        near = back.matmul_into(far, start, beta=1.0)
    return near, far


def _backward(near: Tensor, far: Tensor, there: SparseOperator, num_layers: int) -> Tensor:
    if num_layers == 0:
        return near
    back = there.transposed
    if num_layers % 2:
        # Both sums have as many terms, so their gradients run through one.
        start = back.matmul_into(far, near.clone(), beta=1.0)
    else:
        far = there.matmul_into(near, far.clone(), beta=1.0)
        start = back.matmul_into(far, torch.empty_like(near))
    total, spare = start, torch.empty_like(far)
    for _ in range((num_layers - 1) // 2):
        spare = there.matmul_into(total, spare)
        total = back.matmul_into(spare, start.clone(), beta=1.0)
    return (total if num_layers % 2 else total + near) / (num_layers + 1)
