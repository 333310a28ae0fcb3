"""Contrastive losses."""

import torch
import torch.nn.functional as F
from torch import Tensor

from gnnrec.nn.unit_rows import unit_rows

__all__ = ["info_nce"]


def info_nce(
    anchor: Tensor,
    positive: Tensor,
    temperature: float,
    *,
    normalize: bool = True,
    extra_negatives: Tensor | None = None,
    positive_ids: Tensor | None = None,
) -> Tensor:
    r"""Pick each anchor's positive among those of all rows.

    .. math::
        -\frac{1}{B} \sum_i \ln
        \frac{e^{a_i^\top p_i / \tau}}{\sum_j e^{a_i^\top p_j / \tau} + \sum_j e^{a_i^\top q_j / \tau}}

    From `Representation Learning with Contrastive Predictive Coding <https://arxiv.org/abs/1807.03748>`_
    (van den Oord et al., 2018), equation 4, with the other rows' positives as negatives.

    Args:
        anchor: Vectors that choose. Shape: (B, d).
        positive: Row i is the right choice for anchor i and a wrong one for the others. Shape: (B, d).
        temperature: :math:`\tau`, above 0.
        normalize: Whether all vectors are scaled to length 1, which makes products cosines; a zero vector stays zero.
        extra_negatives: Further wrong choices :math:`q` for every anchor. Shape: (Q, d).
        positive_ids: What each positive is. Rows of the same are then no negatives of each other; without, all rows
            count as different. Shape: (B,), int64.

    Returns:
        A scalar.
    """
    choices = positive if extra_negatives is None else torch.cat([positive, extra_negatives])
    if normalize:
        anchor, choices = unit_rows(anchor)[0], unit_rows(choices)[0]
    # Scaling the anchors costs B x d instead of B x (B + Q); the loss of the logits is a stable log-sum-exp.
    logits = (anchor / temperature) @ choices.T
    if positive_ids is not None:
        same = (positive_ids.unsqueeze(1) == positive_ids).fill_diagonal_(False)
        logits = logits.masked_fill(F.pad(same, (0, choices.shape[0] - same.shape[1])), -torch.inf)
    return F.cross_entropy(logits, torch.arange(anchor.shape[0], device=anchor.device))
