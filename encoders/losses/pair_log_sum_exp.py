"""Log-sum-exp over the rows and columns of a similarity matrix that is never held whole."""

from typing import Any, NamedTuple

import torch
from torch import Tensor
from torch.autograd import Function
from torch.autograd.function import once_differentiable

from encoders.errors import ArgumentError

__all__ = ["PairLogSumExp", "pair_log_sum_exp", "row_log_sum_exp"]


class PairLogSumExp(NamedTuple):
    """What a contrastive loss needs of a similarity matrix.

    Args:
        rows: Log-sum-exp of each row. Shape: (N,).
        columns: Log-sum-exp of each column. Shape: (M,).
        diagonal: Similarities of row i and column i, from the same product. Shape: (min(N, M),).
    """

    rows: Tensor
    columns: Tensor
    diagonal: Tensor


def pair_log_sum_exp(
    rows: Tensor,
    columns: Tensor,
    scale: Tensor | float = 1.0,
    *,
    exclude_diagonal: bool = False,
    block_size: int = 1024,
) -> PairLogSumExp:
    r"""Log-sum-exp of :math:`S = s \, X Y^\top` along both axes, with gradients of X, Y and s.

    S is computed in blocks of rows, and again in the backward pass: two blocks of ``block_size`` rows are held at a
    time, whatever N is. Half precision is computed in float32.

    Args:
        rows: X. Shape: (N, d).
        columns: Y. Shape: (M, d).
        scale: s, one number.
        exclude_diagonal: Leave :math:`S_{ii}` out of both sums; a sum of nothing is minus infinity.
        block_size: Rows of S at a time.

    Returns:
        The sums, and the diagonal, which is given whether or not it is excluded.

    Raises:
        ArgumentError: If shapes do not fit or ``block_size`` is not positive.
    """
    return PairLogSumExp(*_apply(rows, columns, scale, exclude_diagonal, block_size, True))


def row_log_sum_exp(
    rows: Tensor,
    columns: Tensor,
    scale: Tensor | float = 1.0,
    *,
    exclude_diagonal: bool = False,
    block_size: int = 1024,
) -> tuple[Tensor, Tensor]:
    """Rows and diagonal of :func:`pair_log_sum_exp`, without the work for the columns.

    Args:
        rows: Shape: (N, d).
        columns: Shape: (M, d).
        scale: One number.
        exclude_diagonal: As there.
        block_size: As there.

    Returns:
        Shapes: (N,), (min(N, M),).

    Raises:
        ArgumentError: As there.
    """
    sums, _, diagonal = _apply(rows, columns, scale, exclude_diagonal, block_size, False)
    return sums, diagonal


def _apply(
    rows: Tensor, columns: Tensor, scale: Tensor | float, exclude_diagonal: bool, block_size: int, with_columns: bool
) -> Any:
    if block_size < 1:
        raise ArgumentError(f"'block_size' must be a positive integer (got {block_size})")
    if rows.dim() != 2 or columns.dim() != 2 or rows.shape[1] != columns.shape[1] or not len(rows) or not len(columns):
        raise ArgumentError(
            "'rows' and 'columns' must be of shapes (N, d) and (M, d), not empty "
            f"(got {tuple(rows.shape)} and {tuple(columns.shape)})"
        )
    dtype = torch.promote_types(torch.promote_types(rows.dtype, columns.dtype), torch.float32)
    factor = torch.as_tensor(scale, dtype=dtype, device=rows.device)
    if factor.numel() != 1:
        raise ArgumentError(f"'scale' must be one number (got shape {tuple(factor.shape)})")
    return _PairLogSumExp.apply(  # type: ignore[no-untyped-call]
        rows.to(dtype), columns.to(dtype), factor.reshape(()), exclude_diagonal, block_size, with_columns
    )


class _PairLogSumExp(Function):
    @staticmethod
    def forward(
        ctx: Any,
        rows: Tensor,
        columns: Tensor,
        scale: Tensor,
        exclude_diagonal: bool,
        block_size: int,
        with_columns: bool,
    ) -> tuple[Tensor, Tensor | None, Tensor]:
        """See :func:`pair_log_sum_exp`."""
        count = min(len(rows), len(columns))
        row_sums, diagonal = rows.new_empty(len(rows)), rows.new_empty(count)
        greatest = rows.new_full((len(columns),), -torch.inf)  # of each column so far
        total = rows.new_zeros(len(columns))  # sum of exp(S - greatest)
        buffers = _Buffers(rows, columns, scale, exclude_diagonal, block_size)
        for start in range(0, len(rows), block_size):
            similarity, spare = buffers.similarity(start, diagonal)
            shift = _finite(similarity.amax(dim=1))
            torch.sub(similarity, shift[:, None], out=spare)
            row_sums[start : start + len(similarity)] = spare.exp_().sum(dim=1).log_().add_(shift)
            if with_columns:
                higher = torch.maximum(greatest, similarity.amax(dim=0))
                shift = _finite(higher)
                total *= (greatest - shift).exp_()
                total += similarity.sub_(shift).exp_().sum(dim=0)
                greatest = higher
        column_sums = total.log_().add_(_finite(greatest)) if with_columns else None
        ctx.save_for_backward(rows, columns, scale, row_sums, column_sums)
        ctx.options = (exclude_diagonal, block_size)
        ctx.set_materialize_grads(False)
        return row_sums, column_sums, diagonal

    @staticmethod
    @once_differentiable
    def backward(
        ctx: Any, of_rows: Tensor | None, of_columns: Tensor | None, of_diagonal: Tensor | None
    ) -> tuple[Tensor | None, ...]:
        """Gradients of rows, columns and scale."""
        rows, columns, scale, row_sums, column_sums = ctx.saved_tensors
        need_rows, need_columns, need_scale = ctx.needs_input_grad[:3]
        grad_rows = torch.zeros_like(rows) if need_rows else None
        grad_columns = torch.zeros_like(columns) if need_columns else None
        grad_scale = torch.zeros_like(scale) if need_scale else None
        buffers = _Buffers(rows, columns, scale, *ctx.options)
        row_sums = _finite(row_sums)
        column_sums = None if column_sums is None else _finite(column_sums)
        for start in range(0, len(rows), buffers.block_size):
            similarity, spare = buffers.similarity(start)
            part = slice(start, start + len(similarity))
            gradient = spare.zero_() if of_rows is None else torch.sub(similarity, row_sums[part, None], out=spare)
            if of_rows is not None:
                gradient.exp_().mul_(of_rows[part, None])
            if of_columns is not None and column_sums is not None:
                gradient += similarity.sub_(column_sums).exp_().mul_(of_columns)
            if of_diagonal is not None:
                gradient.diagonal(start)[:] += of_diagonal[part]
            if grad_columns is not None:
                grad_columns.addmm_(gradient.T, rows[part] * scale)
            if grad_rows is not None or grad_scale is not None:
                product = torch.empty_like(rows[part]) if grad_rows is None else grad_rows[part]
                torch.mm(gradient, columns, out=product)
                if grad_scale is not None:
                    grad_scale += (product * rows[part]).sum()
                product *= scale
        return grad_rows, grad_columns, grad_scale, None, None, None


class _Buffers:
    """Memory for two blocks, filled with one block of similarities after another."""

    def __init__(self, rows: Tensor, columns: Tensor, scale: Tensor, exclude_diagonal: bool, block_size: int) -> None:
        self.rows, self.columns, self.scale = rows, columns, scale
        self.exclude_diagonal, self.block_size = exclude_diagonal, block_size
        shape = (min(block_size, len(rows)), len(columns))
        self.first, self.second = rows.new_empty(shape), rows.new_empty(shape)

    def similarity(self, start: int, diagonal: Tensor | None = None) -> tuple[Tensor, Tensor]:
        """The block from row ``start`` on and a spare one of its shape; its diagonal is noted in ``diagonal``."""
        block = self.rows[start : start + self.block_size] * self.scale
        similarity = self.first[: len(block)]
        torch.mm(block, self.columns.T, out=similarity)  # with out=, autocast leaves the precision alone
        own = similarity.diagonal(start)  # empty below the last column
        if diagonal is not None:
            diagonal[start : start + len(own)] = own
        if self.exclude_diagonal:
            own.fill_(-torch.inf)
        return similarity, self.second[: len(block)]


def _finite(values: Tensor) -> Tensor:
    """Minus infinity, of a sum of nothing, as 0, so that no difference of infinities is formed."""
    return values.masked_fill(values == -torch.inf, 0.0)
