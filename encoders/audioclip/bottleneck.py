"""The block of a ResNeXt."""

from torch import Tensor, nn

__all__ = ["Bottleneck", "make_layer"]


class Bottleneck(nn.Module):
    """Narrow, filter in groups, widen, and add the input.

    From `Aggregated Residual Transformations <https://arxiv.org/abs/1611.05431>`_ (Xie et al., 2017), figure 3c;
    parameter names are torchvision's.

    Args:
        in_channels: Channels of the input.
        channels: Channels of the stage, a quarter of its output's.
        groups: Groups of the middle convolution.
        width_per_group: Channels a group where ``channels`` is 64; more in proportion.
        stride: Of the middle convolution.

    Shapes:
        (batch, in_channels, h, w) -> (batch, 4 * channels, ceil(h / stride), ceil(w / stride))
    """

    expansion = 4

    def __init__(
        self, in_channels: int, channels: int, *, groups: int = 32, width_per_group: int = 4, stride: int = 1
    ) -> None:
        super().__init__()
        width = channels * width_per_group // 64 * groups
        out_channels = channels * self.expansion
        self.conv1 = nn.Conv2d(in_channels, width, 1, bias=False)
        self.bn1 = nn.BatchNorm2d(width)
        self.conv2 = nn.Conv2d(width, width, 3, stride=stride, padding=1, groups=groups, bias=False)
        self.bn2 = nn.BatchNorm2d(width)
        self.conv3 = nn.Conv2d(width, out_channels, 1, bias=False)
        self.bn3 = nn.BatchNorm2d(out_channels)
        self.relu = nn.ReLU(inplace=True)
        self.downsample: nn.Module | None = None
        if stride != 1 or in_channels != out_channels:
            self.downsample = nn.Sequential(
                nn.Conv2d(in_channels, out_channels, 1, stride=stride, bias=False), nn.BatchNorm2d(out_channels)
            )

    def forward(self, x: Tensor) -> Tensor:
        """Apply the block."""
        shortcut = x if self.downsample is None else self.downsample(x)
        y = self.relu(self.bn1(self.conv1(x)))
        y = self.relu(self.bn2(self.conv2(y)))
        y = self.bn3(self.conv3(y))
        y += shortcut
        result: Tensor = self.relu(y)
        return result


def make_layer(
    in_channels: int, channels: int, blocks: int, *, groups: int, width_per_group: int, stride: int
) -> nn.Sequential:
    """A stage of blocks, the first of which has the stride."""
    wide = channels * Bottleneck.expansion
    return nn.Sequential(
        *(
            Bottleneck(
                in_channels if block == 0 else wide,
                channels,
                groups=groups,
                width_per_group=width_per_group,
                stride=stride if block == 0 else 1,
            )
            for block in range(blocks)
        )
    )
