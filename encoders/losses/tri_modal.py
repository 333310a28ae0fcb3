"""AudioCLIP's loss: every pair of modalities must find each other in the batch."""

from collections.abc import Sequence

import torch
from torch import Tensor

from encoders.errors import ArgumentError
from encoders.losses.pair_cross_entropy import pair_cross_entropy

__all__ = ["tri_modal_loss"]


def tri_modal_loss(
    pairs: Sequence[tuple[Tensor, Tensor, Tensor | float]],
    *,
    regularization: Tensor | None = None,
    sample_weights: Tensor | None = None,
    block_size: int = 1024,
) -> Tensor:
    """AudioCLIP's loss over the pairs of two or three modalities.

    The mean of six cross-entropies for three pairs; for one pair the sum of its two, as in the authors' code.
    From `AudioCLIP <https://arxiv.org/abs/2106.13043>`_ (Guzhov et al., 2021), section 4.

    Args:
        pairs: One or three pairs: vectors of one modality, of the other (row by row the same items), and the scale of
            their products. Vectors are taken as they are; AudioCLIP's have length 1. Shapes: (N, d), (N, d), ().
        regularization: Of the audio head's transform, added as it is.
        sample_weights: Weight of each item, in every direction [default: equal]. Shape: (N,).
        block_size: Rows of a similarity matrix at a time.

    Returns:
        A number.

    Raises:
        ArgumentError: If there are not one or three pairs, or their shapes differ.
    """
    if len(pairs) not in (1, 3):
        raise ArgumentError(f"'pairs' must hold those of two or three modalities, so 1 or 3 (got {len(pairs)})")
    losses = [
        pair_cross_entropy(first, second, scale=scale, sample_weights=sample_weights, block_size=block_size)
        for first, second, scale in pairs
    ]
    loss = torch.stack(losses).sum() / (6 if len(pairs) == 3 else 1)
    return loss if regularization is None else loss + regularization
