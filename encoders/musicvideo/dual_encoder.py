"""Two heads over frozen features."""

import math
from typing import NamedTuple

import torch
from torch import Tensor, nn

from encoders.errors import ArgumentError
from encoders.musicvideo.configurations import MusicVideoConfiguration
from encoders.musicvideo.projection_head import ProjectionHead
from encoders.musicvideo.segment_features import SegmentFeatures

__all__ = ["MusicVideoModel", "MusicVideoVectors"]


class MusicVideoVectors(NamedTuple):
    """Segments in the common space, row by row the same; vectors have length 1.

    Args:
        audio: Shape: (segments, out_features).
        video: Shape: (segments, out_features).
    """

    audio: Tensor
    video: Tensor


class MusicVideoModel(nn.Module):
    """The dual encoder of `Towards Contrastive Learning in Music Video Domain <https://arxiv.org/abs/2309.00347>`_.

    Args:
        configuration: Of the heads.
        audio_features: Width of the audio backbone.
        video_features: Width of the video backbone.

    Shapes:
        (batch, audio_features), (batch, video_features) -> (batch, out_features), (batch, out_features)
    """

    def __init__(
        self, configuration: MusicVideoConfiguration, *, audio_features: int = 1506, video_features: int = 512
    ) -> None:
        super().__init__()
        self.configuration = configuration
        self.audio_features, self.video_features = audio_features, video_features
        single = configuration.single_head
        out_features = audio_features if single else configuration.out_features
        self.audio_head, self.video_head = (
            ProjectionHead(
                in_features,
                out_features,
                hidden=configuration.hidden,
                num_layers=num_layers,
                dropout=configuration.dropout,
                sigmoid=not single,
            )
            for in_features, num_layers in (
                (audio_features, 0 if single else configuration.num_layers),
                (video_features, configuration.num_layers),
            )
        )
        # The logarithm, so that no step makes it negative.
        start = torch.tensor(math.log(configuration.temperature))
        self.log_temperature = nn.Parameter(start, requires_grad=configuration.learn_temperature)

    @property
    def out_features(self) -> int:
        """Width of the common space."""
        return self.video_head.out_features

    @property
    def temperature(self) -> Tensor:
        """Of the loss. Shape: ()."""
        return self.log_temperature.exp()

    def check_widths(self, features: SegmentFeatures) -> None:
        """Refuse features of other backbones.

        Raises:
            ArgumentError: If their widths are others.
        """
        wanted, got = (self.audio_features, self.video_features), (features.audio.shape[1], features.video.shape[1])
        if wanted != got:
            raise ArgumentError(f"'features' must have the widths that the heads were made for, {wanted} (got {got})")

    def forward(self, audio: Tensor, video: Tensor) -> MusicVideoVectors:
        """Project features of the same segments."""
        return MusicVideoVectors(self.audio_head(audio), self.video_head(video))

    def encode(self, features: SegmentFeatures) -> MusicVideoVectors:
        """Project all segments, in evaluation mode and without gradients; on the CPU."""
        return MusicVideoVectors(self.audio_head.encode(features.audio), self.video_head.encode(features.video))
