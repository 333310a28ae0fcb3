"""NT-Xent: the two views of an item must find each other among all other views of the batch."""

import torch
from torch import Tensor
from torch.nn import functional

from encoders.losses.info_nce import check_temperature
from encoders.losses.pair_cross_entropy import check_pair
from encoders.losses.pair_log_sum_exp import pair_log_sum_exp, row_log_sum_exp

__all__ = ["nt_xent"]


def nt_xent(first: Tensor, second: Tensor, *, temperature: float | Tensor = 0.5, block_size: int = 1024) -> Tensor:
    r"""SimCLR's loss over the 2N views of N items.

    .. math:: \ell_{ij} = -\log \frac{e^{\cos(z_i, z_j) / \tau}}{\sum_{k=1}^{2N} [k \ne i] \, e^{\cos(z_i, z_k) / \tau}}

    From `A Simple Framework for Contrastive Learning <https://arxiv.org/abs/2002.05709>`_ (Chen et al., 2020),
    equation 1: the mean over all 2N views i, with j the other view of the same item. Unlike in
    :func:`~encoders.losses.info_nce`, views of one kind are negatives of each other too.

    Args:
        first: A view of each item, of any length above 0. Shape: (N, d).
        second: The other, row by row the same items. Shape: (N, d).
        temperature: :math:`\tau`, above 0; a tensor of one number gets a gradient.
        block_size: Rows of a similarity matrix at a time: memory grows with this times N, not with N squared.

    Returns:
        A number; 0 for a single item, which has no negatives.

    Raises:
        ArgumentError: If shapes differ or ``temperature`` is not above 0.
    """
    check_pair(first, second)
    check_temperature(temperature)
    scale = 1 / temperature
    first, second = functional.normalize(first, dim=1), functional.normalize(second, dim=1)
    # Three of the four quarters of the (2N, 2N) matrix: the fourth is the transpose of the one across.
    across = pair_log_sum_exp(first, second, scale, block_size=block_size)
    within_first, _ = row_log_sum_exp(first, first, scale, exclude_diagonal=True, block_size=block_size)
    within_second, _ = row_log_sum_exp(second, second, scale, exclude_diagonal=True, block_size=block_size)
    of_first = torch.logaddexp(across.rows, within_first)
    of_second = torch.logaddexp(across.columns, within_second)
    return (of_first + of_second - 2 * across.diagonal).mean() / 2
