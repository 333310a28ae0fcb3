"""Average precision of many lists at once."""

import torch
from torch import Tensor

__all__ = ["average_precision"]


def average_precision(scores: Tensor, relevant: Tensor) -> Tensor:
    r"""Area under precision over recall as a sum of steps, :math:`\sum_n (R_n - R_{n-1}) P_n`.

    Equal scores are retrieved together, as in scikit-learn's ``average_precision_score``: the order of ties in memory
    makes no difference.

    Args:
        scores: A list a row; higher comes first. Shape: (B, N).
        relevant: What should come first. Shape: (B, N), bool.

    Returns:
        Between 0 and 1; NaN where nothing is relevant. Shape: (B,), float64.
    """
    ordered, order = scores.sort(dim=1, descending=True)
    hits = relevant.gather(1, order)
    found = hits.cumsum(dim=1)
    place = torch.arange(scores.shape[1], device=scores.device)
    last = torch.ones_like(hits)  # of the scores equal to it
    last[:, :-1] = ordered[:, :-1] != ordered[:, 1:]
    end = place.where(last, scores.shape[1]).flip(1).cummin(dim=1).values.flip(1)
    precision = found.gather(1, end).double() / (end + 1)
    return (precision * hits).sum(dim=1) / found[:, -1]
