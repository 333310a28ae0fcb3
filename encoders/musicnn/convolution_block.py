"""The one kind of convolution that musicnn is made of."""

import torch
from torch import Tensor, nn
from torch.nn import functional

__all__ = ["KERAS_EPSILON", "KERAS_MOMENTUM", "ConvolutionBlock"]

KERAS_EPSILON = 1e-3
"""What Keras adds to variances in batch normalisation."""
KERAS_MOMENTUM = 0.01
"""Keras's default of .99 in PyTorch's way of counting: the share of the new batch."""


class ConvolutionBlock(nn.Module):
    """Filters over a time-by-width image, ReLU, batch normalisation, then the maximum over the remaining width.

    Time is padded with zeros to keep its length; width is not padded. The maximum comes last, as in the original:
    the normalisation may have negative factors, so that the two cannot change places.

    Args:
        channels: Number of filters.
        kernel_size: Frames and width of each filter.
    """

    def __init__(self, channels: int, kernel_size: tuple[int, int]) -> None:
        super().__init__()
        frames = kernel_size[0]
        # An even number of frames leaves one more to pad; it goes to the end, as in TensorFlow.
        self.padding = ((frames - 1) // 2, frames // 2)
        self.convolution = nn.Conv2d(1, channels, kernel_size)
        self.norm = nn.BatchNorm2d(channels, eps=KERAS_EPSILON, momentum=KERAS_MOMENTUM)

    def forward(self, image: Tensor) -> Tensor:
        """Filter an image.

        Args:
            image: Shape: (batch, frames, width), at least as wide as the filters.

        Returns:
            Shape: (batch, frames, channels).
        """
        padded = functional.pad(image[:, None], (0, 0, *self.padding))
        answers: Tensor = self.norm(torch.relu(self.convolution(padded)))  # (batch, channels, frames, remaining width)
        return answers.amax(dim=3).transpose(1, 2)
