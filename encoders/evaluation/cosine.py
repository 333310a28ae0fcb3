"""Cosine similarities that tie where they should."""

import torch
from torch import Tensor
from torch.nn import functional

from encoders.errors import ArgumentError

__all__ = ["cosines", "unit_rows"]

_STEPS = 2.0**24


def unit_rows(vectors: Tensor, name: str) -> Tensor:
    """Rows at length 1, in float64; rows of zeros stay.

    Args:
        vectors: Shape: (N, d).
        name: Of the argument, for the error.

    Raises:
        ArgumentError: If it is not a floating matrix with a row at least, or holds NaN or an infinity. A diverged
            encoder must not get a figure: comparisons with NaN are all false, which would put everything first.
    """
    if vectors.dim() != 2 or not vectors.is_floating_point() or not len(vectors):
        raise ArgumentError(
            f"'{name}' must be floating of shape (N, d) with N at least 1 (got {vectors.dtype}, {tuple(vectors.shape)})"
        )
    if not bool(vectors.isfinite().all()):
        raise ArgumentError(f"'{name}' must be finite (got NaN or an infinity)")
    return functional.normalize(vectors.to(torch.float64), dim=1)


def cosines(rows: Tensor, columns: Tensor) -> Tensor:
    """Products of unit rows, summed in float64 and then rounded to multiples of 2 to the power of -24.

    The last bits of a product depend on the shape of the block that it is part of, so equal vectors would not reliably
    give equal figures. Here that difference is rounded away, next to zero as well, where float32 alone would keep it.

    Args:
        rows: Of :func:`unit_rows`. Shape: (N, d).
        columns: The same. Shape: (M, d).

    Returns:
        Shape: (N, M), float32, which holds these multiples exactly.
    """
    return (rows @ columns.T).mul_(_STEPS).round_().div_(_STEPS).to(torch.float32)
