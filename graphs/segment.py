"""Reductions over consecutive runs of rows."""

from __future__ import annotations

from typing import Literal, get_args

import torch
from torch import Tensor

__all__ = ["Reduction", "segment_reduce"]

Reduction = Literal["sum", "mean", "min", "max"]


def segment_reduce(values: Tensor, pointer: Tensor, reduce: Reduction) -> Tensor:
    """Reduce each run of rows ``values[pointer[i]:pointer[i + 1]]``; an empty run gives 0.

    Goes through ``torch_geometric.utils``, which uses torch_scatter where that is installed; results are the
    same. Only the gradient of a minimum or maximum differs at ties: torch shares it among the rows,
    torch_scatter gives it to one.

    Args:
        values: Rows; finite where they are floating. Shape: (E, ...).
        pointer: Where each run starts, and E at the end; non-decreasing. Shape: (n + 1,), int64.
        reduce: ``"sum"``, ``"mean"``, ``"min"`` or ``"max"``.

    Returns:
        One row a run; of the type of ``values``, but floating for the mean of integers. Shape: (n, ...).

    Raises:
        ValueError: If ``reduce`` is unknown or ``pointer`` does not cut the rows into runs.

    Example:
        >>> segment_reduce(torch.tensor([1.0, 3.0, 5.0]), torch.tensor([0, 2, 2, 3]), "mean")
        tensor([2., 0., 5.])
    """
    from torch_geometric.utils import scatter, segment

    if reduce not in get_args(Reduction):
        raise ValueError(f"'reduce' must be one of {', '.join(get_args(Reduction))} (got {reduce!r})")
    if pointer.dim() != 1 or pointer.numel() == 0 or pointer.dtype != torch.int64:
        raise ValueError(f"'pointer' must be int64 of shape (n + 1,) (got {pointer.dtype}, {tuple(pointer.shape)})")
    size, rows = pointer.diff(), values.shape[0]
    # The kernels trust the pointer and would read beyond the values.
    if not bool((pointer[0] == 0) & (pointer[-1] == rows) & (size >= 0).all()):
        raise ValueError(f"'pointer' must rise from 0 to the number of rows, {rows}")
    if values.is_floating_point():
        reduced: Tensor = segment(values, pointer, reduce=reduce)
        return reduced
    # Integers: torch's segment kernel has none, and torch_scatter's would round the mean down.
    index = torch.repeat_interleave(size, output_size=rows)
    scattered: Tensor = scatter(values, index, dim=0, dim_size=size.numel(), reduce=reduce)
    return scattered
