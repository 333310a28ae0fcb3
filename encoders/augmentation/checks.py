"""What all transforms ask of their arguments."""

from torch import Tensor

from encoders.errors import ArgumentError

__all__ = ["require_length", "require_probability", "require_waveform"]


def require_waveform(waveform: Tensor) -> None:
    """Refuse what is no sound.

    Raises:
        ArgumentError: If the waveform is not floating, not of shape (channels, samples) or empty.
    """
    if waveform.dim() != 2 or waveform.numel() == 0 or not waveform.is_floating_point():
        raise ArgumentError(
            "'waveform' must be floating of shape (channels, samples) and not be empty "
            f"(got {waveform.dtype}, {tuple(waveform.shape)})"
        )


def require_length(length: int) -> None:
    """Refuse a number of samples that is not positive.

    Raises:
        ArgumentError: If so.
    """
    if length < 1:
        raise ArgumentError(f"'length' must be a positive integer (got {length})")


def require_probability(probability: float) -> None:
    """Refuse what is no probability.

    Raises:
        ArgumentError: If it is not between 0 and 1.
    """
    if not 0 <= probability <= 1:
        raise ArgumentError(f"'probability' must be between 0 and 1 (got {probability})")
