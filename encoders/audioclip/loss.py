"""AudioCLIP's loss: every pair of modalities must find each other in the batch."""

from collections.abc import Sequence

import torch
from torch import Tensor
from torch.nn import functional

from encoders.errors import ArgumentError

__all__ = ["pair_loss", "tri_modal_loss"]


def pair_loss(logits: Tensor, sample_weights: Tensor | None = None) -> Tensor:
    """Cross-entropy of one pair of modalities, in both directions, added.

    Row i and column i belong together; all others of the batch are negatives.

    Args:
        logits: Scaled similarities. Shape: (batch, batch).
        sample_weights: Weight of each sample as a class [default: equal]. Shape: (batch,).

    Returns:
        A number.
    """
    target = torch.arange(logits.shape[0], device=logits.device)
    return functional.cross_entropy(logits, target, weight=sample_weights) + functional.cross_entropy(
        logits.T, target, weight=sample_weights
    )


def tri_modal_loss(
    logits: Sequence[Tensor], *, regularization: Tensor | None = None, sample_weights: Tensor | None = None
) -> Tensor:
    """AudioCLIP's loss over the pairs of two or three modalities.

    The mean of six cross-entropies for three pairs; for one pair the sum of its two, as in the authors' code.
    From `AudioCLIP <https://arxiv.org/abs/2106.13043>`_ (Guzhov et al., 2021), section 4.

    Args:
        logits: Scaled similarities of one or three pairs, each of shape (batch, batch).
        regularization: Of the audio head's transform, added as it is.
        sample_weights: Shape: (batch,).

    Returns:
        A number.

    Raises:
        ArgumentError: If there are not one or three pairs.
    """
    if len(logits) not in (1, 3):
        raise ArgumentError(f"'logits' must hold the pairs of two or three modalities, so 1 or 3 (got {len(logits)})")
    loss = torch.stack([pair_loss(pair, sample_weights) for pair in logits]).sum() / (6 if len(logits) == 3 else 1)
    return loss if regularization is None else loss + regularization
