"""Cross-entropy of two views of a batch, without their similarity matrix."""

from typing import Literal, get_args

from torch import Tensor

from encoders.errors import ArgumentError
from encoders.losses.pair_log_sum_exp import pair_log_sum_exp, row_log_sum_exp

__all__ = ["Direction", "check_pair", "pair_cross_entropy"]

Direction = Literal["both", "first_to_second", "second_to_first"]
"""Which side asks for the other."""


def pair_cross_entropy(
    first: Tensor,
    second: Tensor,
    *,
    scale: Tensor | float = 1.0,
    direction: Direction = "both",
    sample_weights: Tensor | None = None,
    block_size: int = 1024,
) -> Tensor:
    r"""Every row must find the row of the same place on the other side: cross-entropy of :math:`s \, X Y^\top`.

    One direction is the weighted mean over rows i of :math:`\log \sum_j e^{S_{ij}} - S_{ii}`; both are added.

    Args:
        first: X, compared as they are: normalise before for cosines. Shape: (N, d).
        second: Y. Shape: (N, d).
        scale: s, one number.
        direction: Which sums to take.
        sample_weights: Weight of each row, in both directions [default: equal]. Shape: (N,).
        block_size: Rows of the similarity matrix at a time.

    Returns:
        A number.

    Raises:
        ArgumentError: If shapes or options cannot be.
    """
    check_pair(first, second)
    if direction not in get_args(Direction):
        raise ArgumentError(f"'direction' must be one of {', '.join(get_args(Direction))} (got {direction!r})")
    if sample_weights is not None and sample_weights.shape != first.shape[:1]:
        raise ArgumentError(
            f"'sample_weights' must hold a weight for each of the {len(first)} rows (got {tuple(sample_weights.shape)})"
        )
    if direction == "both":
        sums = pair_log_sum_exp(first, second, scale, block_size=block_size)
        losses = sums.rows + sums.columns - 2 * sums.diagonal
    else:
        rows, columns = (first, second) if direction == "first_to_second" else (second, first)
        log_sums, own = row_log_sum_exp(rows, columns, scale, block_size=block_size)
        losses = log_sums - own
    return losses.mean() if sample_weights is None else (sample_weights * losses).sum() / sample_weights.sum()


def check_pair(first: Tensor, second: Tensor) -> None:
    """Refuse anything but two floating matrices of one shape with a row at least.

    Raises:
        ArgumentError: If they are not.
    """
    if first.dim() != 2 or first.shape != second.shape or not len(first):
        raise ArgumentError(
            "'first' and 'second' must be of one shape (N, d) with N at least 1 "
            f"(got {tuple(first.shape)} and {tuple(second.shape)})"
        )
    if not (first.is_floating_point() and second.is_floating_point()):
        raise ArgumentError(f"'first' and 'second' must be floating (got {first.dtype} and {second.dtype})")
