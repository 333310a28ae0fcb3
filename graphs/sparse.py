"""The one sparse-times-dense product that every model propagates with."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor
from torch.autograd.function import once_differentiable

__all__ = ["SparseOperator", "whole"]


_COLUMNS = 32
"""Columns propagated at a time on a CPU: blocks of the usual 64 stay in the caches from layer to layer."""

_CACHED_BYTES = 16_000_000
"""Largest block for which that holds; beyond it, whole rows make better use of each access to memory."""


class SparseOperator:
    r"""A constant float32 CSR matrix that multiplies dense matrices, with gradient to the dense side.

    The transpose is kept beside the matrix, because autograd through a CSR tensor transposes at every step
    and is hundreds of times slower. A symmetric matrix is its own transpose.

    Args:
        csr: The matrix, ``torch.sparse_csr``. Shape: (rows, columns).
        transpose: Its transpose in CSR; ``None`` says that the matrix is symmetric.

    Raises:
        ValueError: If a layout is not CSR or the shapes do not fit.

    Example:
        >>> operator = SparseOperator(torch.eye(3).to_sparse_csr())
        >>> operator.matmul(torch.ones(3, 2)).sum().item()
        6.0
    """

    def __init__(self, csr: Tensor, transpose: Tensor | None = None) -> None:
        if csr.layout != torch.sparse_csr:
            raise ValueError(f"'csr' must have layout torch.sparse_csr (got {csr.layout})")
        if transpose is None and csr.shape[0] != csr.shape[1]:
            raise ValueError(f"a matrix of shape {tuple(csr.shape)} is not symmetric; give its 'transpose'")
        if transpose is not None and (transpose.layout, transpose.shape) != (csr.layout, csr.shape[::-1]):
            raise ValueError(
                f"'transpose' must have layout torch.sparse_csr and shape {tuple(csr.shape[::-1])} "
                f"(got {transpose.layout}, {tuple(transpose.shape)})"
            )
        self.csr = csr
        self._transpose = transpose
        self._double: SparseOperator | None = None

    @property
    def shape(self) -> tuple[int, int]:
        """Rows and columns."""
        return self.csr.shape[0], self.csr.shape[1]

    @property
    def is_symmetric(self) -> bool:
        """Whether the matrix is its own transpose."""
        return self._transpose is None

    @property
    def num_nonzeros(self) -> int:
        """Stored entries."""
        return int(self.csr.values().numel())

    @property
    def transposed(self) -> SparseOperator:
        """The transpose, without a copy."""
        return self if self._transpose is None else SparseOperator(self._transpose, self.csr)

    def __repr__(self) -> str:
        size = f"{self.shape[0]}, {self.shape[1]}, nonzeros={self.num_nonzeros}"
        return f"SparseOperator({size}, symmetric={self.is_symmetric})"

    def __deepcopy__(self, memo: dict[int, Any]) -> SparseOperator:
        # torch cannot copy sparse tensors in this way.
        return SparseOperator(self.csr.clone(), None if self._transpose is None else self._transpose.clone())

    def matmul(self, x: Tensor) -> Tensor:
        """Product with a dense matrix, differentiable in ``x``; of half precision in float32, as under autocast.

        Shapes: (columns, d) -> (rows, d).
        """
        product: Tensor = _Product.apply(whole(x), self.like(x))  # type: ignore[no-untyped-call]
        return product

    def like(self, x: Tensor) -> SparseOperator:
        """The operator that such a matrix can be multiplied with: of double precision for one of that, kept."""
        if x.dtype != torch.float64 or self.csr.dtype == torch.float64:
            return self
        if self._double is None:
            transpose = None if self._transpose is None else self._transpose.to(torch.float64)
            self._double = SparseOperator(self.csr.to(torch.float64), transpose)
        return self._double

    def matmul_into(self, x: Tensor, out: Tensor, *, alpha: float = 1.0, beta: float = 0.0) -> Tensor:
        """``out = beta * out + alpha * matrix @ x`` without autograd, in place.

        Args:
            x: Dense matrix. Shape: (columns, d).
            out: Where the result goes. Shape: (rows, d).
            alpha: Factor of the product.
            beta: Factor of what ``out`` held; 0 ignores it.
        """
        return torch.addmm(out, self.csr, x, beta=beta, alpha=alpha, out=out)

    def layer_mean(self, x: Tensor, num_layers: int) -> Tensor:
        r"""Mean of all layers, :math:`\frac{1}{K+1} \sum_{k=0}^{K} A^k x`, differentiable in ``x``.

        Evaluated by Horner's rule, so that no layer is kept; the backward is the same polynomial of the
        transpose.

        Args:
            x: Layer 0. Shape: (n, d).
            num_layers: K.

        Returns:
            The mean. Shape: (n, d).

        Raises:
            ValueError: If ``num_layers`` is negative.
        """
        if num_layers < 0:
            raise ValueError(f"'num_layers' must be a non-negative integer (got {num_layers})")
        mean: Tensor = _LayerMean.apply(whole(x), self.like(x), num_layers)  # type: ignore[no-untyped-call]
        return mean


def whole(x: Tensor) -> Tensor:
    """A matrix of half precision as float32: sparse products know no other, and sums over neighbours need it."""
    return x.float() if x.dtype in (torch.bfloat16, torch.float16) else x


class _Product(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, x: Tensor, operator: SparseOperator) -> Tensor:
        ctx.operator = operator
        return operator.matmul_into(x, x.new_empty(operator.shape[0], x.shape[1]))

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, gradient: Tensor) -> tuple[Tensor, None]:
        transposed = ctx.operator.transposed
        gradient = gradient.contiguous()
        out = gradient.new_empty(transposed.shape[0], gradient.shape[1])
        return transposed.matmul_into(gradient, out), None


class _LayerMean(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, x: Tensor, operator: SparseOperator, num_layers: int) -> Tensor:
        ctx.operator, ctx.num_layers = operator, num_layers
        return _layer_mean(operator, x, num_layers)

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, gradient: Tensor) -> tuple[Tensor, None, None]:
        return _layer_mean(ctx.operator.transposed, gradient.contiguous(), ctx.num_layers), None, None


def _layer_mean(operator: SparseOperator, x: Tensor, num_layers: int) -> Tensor:
    """The mean of the layers, on a CPU in blocks of columns that stay in its caches from layer to layer."""
    fits = x.shape[0] * _COLUMNS * x.element_size() <= _CACHED_BYTES
    if x.device.type != "cpu" or x.shape[1] <= _COLUMNS or not fits:
        return _horner(operator, x, num_layers)
    mean = torch.empty_like(x)
    for start in range(0, x.shape[1], _COLUMNS):
        columns = slice(start, start + _COLUMNS)
        mean[:, columns] = _horner(operator, x[:, columns].contiguous(), num_layers)
    return mean


def _horner(operator: SparseOperator, x: Tensor, num_layers: int) -> Tensor:
    share = 1.0 / (num_layers + 1)
    current = x * share
    if num_layers == 0:
        return current
    # The innermost term x / (K + 1) is folded into the first product's alpha: one pass over x less.
    current = operator.matmul_into(x, current, alpha=share, beta=1.0)
    spare: Tensor | None = None
    for _ in range(num_layers - 1):
        # Two buffers taken in turn stay in the caches; a fresh one a layer does not.
        spare = x * share if spare is None else torch.mul(x, share, out=spare)
        current, spare = operator.matmul_into(current, spare, beta=1.0), current
    return current
