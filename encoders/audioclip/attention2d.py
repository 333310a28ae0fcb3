"""The attention of ESResNeXt: which places and channels of a stage's output matter, told from its input."""

import torch
from torch import Tensor, nn
from torch.nn import functional

__all__ = ["Attention2d"]


class Attention2d(nn.Module):
    """Weights between 0 and 1 for every channel and place of a stage's output.

    From `ESResNet <https://arxiv.org/abs/2004.07301>`_ (Guzhov et al., 2020), section III-C: the stage's input is
    max-pooled to the output's size, filtered along frequency or time by channel, and mixed across channels.

    Args:
        in_channels: Channels of the stage's input.
        out_channels: Channels of its output.
        kernel_size: Height (frequencies) and width (frames) of the filters, both odd.

    Shapes:
        x (batch, in_channels, height, width), size (h, w) -> (batch, out_channels, h, w)
    """

    def __init__(self, in_channels: int, out_channels: int, kernel_size: tuple[int, int]) -> None:
        super().__init__()
        padding = (kernel_size[0] // 2, kernel_size[1] // 2)
        self.conv_depth = nn.Conv2d(in_channels, in_channels, kernel_size, padding=padding, groups=in_channels)
        self.conv_point = nn.Conv2d(in_channels, out_channels, 1)
        self.bn = nn.BatchNorm2d(out_channels)

    def forward(self, x: Tensor, size: tuple[int, int]) -> Tensor:
        """The weights for an output of ``size``."""
        pooled = functional.adaptive_max_pool2d(x, size)
        return torch.sigmoid(self.bn(self.conv_point(self.conv_depth(pooled))))
