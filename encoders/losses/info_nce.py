"""InfoNCE: the two views of an item must find each other among the batch."""

from torch import Tensor
from torch.nn import functional

from encoders.errors import ArgumentError
from encoders.losses.pair_cross_entropy import Direction, check_pair, pair_cross_entropy

__all__ = ["check_temperature", "info_nce"]


def info_nce(
    first: Tensor,
    second: Tensor,
    *,
    temperature: float | Tensor = 1.0,
    direction: Direction = "both",
    sample_weights: Tensor | None = None,
    block_size: int = 1024,
) -> Tensor:
    r"""Cross-entropy of cosine similarities over a temperature.

    .. math:: \ell_i = -\log \frac{e^{\cos(x_i, y_i) / \tau}}{\sum_j e^{\cos(x_i, y_j) / \tau}}

    From `Representation Learning with Contrastive Predictive Coding <https://arxiv.org/abs/1807.03748>`_ (van den Oord
    et al., 2018), equation 4. A direction is the (weighted) mean over rows. ``"both"`` is the sum of the two directions
    and not their mean, as in the code of AudioCLIP and in that of the music-video paper (Veldkamp et al.).

    The positive is in the denominator. Equations 1 and 2 of the music-video paper leave it out, its code does not;
    without it the loss has no lower bound.

    Args:
        first: Vectors x of one view, of any length above 0. Shape: (N, d).
        second: Vectors y of the other, row by row the same items. Shape: (N, d).
        temperature: :math:`\tau`, above 0; a tensor of one number gets a gradient.
        direction: ``"both"``, ``"first_to_second"`` (x asks, y are the answers) or ``"second_to_first"``.
        sample_weights: Weights w of the rows, for :math:`\sum_i w_i \ell_i / \sum_i w_i` as the weights of
            ``torch.nn.functional.cross_entropy`` [default: equal]. Shape: (N,).
        block_size: Rows of the similarity matrix at a time: memory grows with this times N, not with N squared.

    Returns:
        A number.

    Raises:
        ArgumentError: If shapes differ, ``temperature`` is not above 0 or an option is unknown.
    """
    check_pair(first, second)
    check_temperature(temperature)
    return pair_cross_entropy(
        functional.normalize(first, dim=1),
        functional.normalize(second, dim=1),
        scale=1 / temperature,
        direction=direction,
        sample_weights=sample_weights,
        block_size=block_size,
    )


def check_temperature(temperature: float | Tensor) -> None:
    """Refuse anything but one number above 0.

    Raises:
        ArgumentError: If it is not.
    """
    if isinstance(temperature, Tensor) and temperature.numel() != 1:
        raise ArgumentError(f"'temperature' must be one number (got shape {tuple(temperature.shape)})")
    if not temperature > 0:  # also refuses NaN
        raise ArgumentError(f"'temperature' must be above 0 (got {float(temperature):g})")
