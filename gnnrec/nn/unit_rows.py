"""Rows scaled to length 1."""

from typing import Any

import torch
from torch import Tensor
from torch.autograd.function import once_differentiable

from graphs.sparse import whole

__all__ = ["unit_rows"]

_SHORTEST = 1e-12
"""Rows no longer than this have no direction."""


def unit_rows(x: Tensor) -> tuple[Tensor, Tensor]:
    r"""Rows at length 1 and their lengths, :math:`x_i / \lVert x_i \rVert` and :math:`\lVert x_i \rVert`.

    A row without a direction stays zero and its direction gets no gradient; ``torch.nn.functional.normalize`` gives it
    one of :math:`10^{12}` times the incoming. Forward and backward make as few passes over ``x`` as there can be.

    Args:
        x: Shape: (n, d).

    Returns:
        The scaled rows, shape (n, d), and the lengths, shape (n, 1); of half precision in float32, as under autocast.
    """
    unit, length = _UnitRows.apply(whole(x))  # type: ignore[no-untyped-call]
    return unit, length


class _UnitRows(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, x: Tensor) -> tuple[Tensor, Tensor]:
        length = torch.linalg.vector_norm(x, dim=1, keepdim=True)
        inverse = torch.where(length > _SHORTEST, length.reciprocal(), 0.0)
        unit = x * inverse
        ctx.save_for_backward(unit, inverse)
        return unit, length

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, of_unit: Tensor, of_length: Tensor) -> Tensor:
        # d unit = (dx - unit (unit . dx)) / length and d length = unit . dx.
        unit, inverse = ctx.saved_tensors
        # A batched product of rows with rows is a dot product a row, without a product of the whole.
        along = torch.bmm(unit.unsqueeze(1), of_unit.unsqueeze(2)).squeeze(2)
        gradient: Tensor = (of_unit * inverse).addcmul_(unit, of_length - along * inverse)
        return gradient
