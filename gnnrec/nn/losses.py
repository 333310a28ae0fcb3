"""Losses shared by models."""

import torch.nn.functional as F
from torch import Tensor

__all__ = ["bpr_loss", "embedding_penalty"]


def bpr_loss(positive: Tensor, negative: Tensor) -> Tensor:
    r"""Bayesian personalised ranking, :math:`-\frac{1}{B}\sum \ln \sigma(s^+ - s^-)` (Rendle et al. 2009).

    Args:
        positive: Scores of taken items. Shape: (B,).
        negative: Scores of sampled items. Shape: (B,).

    Returns:
        A scalar.
    """
    return F.softplus(negative - positive).mean()


def embedding_penalty(*embeddings: Tensor) -> Tensor:
    r"""Half the squared norm of a step's embeddings over its batch size, :math:`\frac{1}{2B}\sum \lVert e \rVert^2`.

    Args:
        *embeddings: Vectors or scalars of the step's users and items, each of shape (B, ...).

    Returns:
        A scalar.
    """
    total = sum((embedding.square().sum() for embedding in embeddings), start=embeddings[0].new_zeros(()))
    return total / (2 * embeddings[0].shape[0])
