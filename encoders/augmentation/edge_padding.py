"""Longer sounds by what they start and end with."""

from torch import Tensor

__all__ = ["pad_with_edges"]


def pad_with_edges(waveform: Tensor, *, left: int, length: int) -> Tensor:
    """Place a sound within a longer one.

    What comes before it is its first sample, what comes after it its last, each as the mean over the channels.

    Args:
        waveform: Shape: (channels, samples), floating.
        left: Samples before it, from 0 to ``length - samples``.
        length: Samples of the result, at least those of the waveform.

    Returns:
        Shape: (channels, length).
    """
    channels, samples = waveform.shape
    padded = waveform.new_empty((channels, length))
    padded[:, :left] = waveform[:, 0].mean()
    padded[:, left : left + samples] = waveform
    padded[:, left + samples :] = waveform[:, -1].mean()
    return padded
