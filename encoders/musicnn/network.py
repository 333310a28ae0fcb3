"""The network of musicnn, from waveforms to tags."""

from typing import NamedTuple

import torch
from torch import Tensor, nn

from encoders.errors import ArgumentError
from encoders.musicnn.convolution_block import KERAS_EPSILON, KERAS_MOMENTUM, ConvolutionBlock
from encoders.musicnn.mel import NUM_MELS, LogMel

__all__ = ["NUM_TAGS", "PENULTIMATE_DIM", "POOLED_DIM", "MusicnnNetwork", "MusicnnOutput"]

_TIMBRAL_WIDTHS = (38, 67)  # .4 and .7 of the mel bands
_TEMPORAL_FRAMES = (128, 64, 32)
_TIMBRAL_CHANNELS, _TEMPORAL_CHANNELS = 204, 51
_FRONT_END_DIM = len(_TIMBRAL_WIDTHS) * _TIMBRAL_CHANNELS + len(_TEMPORAL_FRAMES) * _TEMPORAL_CHANNELS
_MID_END_DIM = 64
POOLED_DIM = 2 * (_FRONT_END_DIM + 3 * _MID_END_DIM)
"""Maximum and mean over time of 753 channels."""
PENULTIMATE_DIM = 200
"""Width of the layer before the tags."""
NUM_TAGS = 50
"""Tags of either training set."""


class MusicnnOutput(NamedTuple):
    """What the network makes of a batch.

    Args:
        pooled: Maximum and mean over time of the 561 front end and 192 mid end channels, before the batch
            normalisation that follows: the vector used as features. The two alternate, (max, mean, max, mean, ...),
            as they do in the original. Shape: (batch, 1506).
        penultimate: The normalised dense layer before the tags. Shape: (batch, 200).
        logits: The tags, before the sigmoid. Shape: (batch, 50).
    """

    pooled: Tensor
    penultimate: Tensor
    logits: Tensor


class MusicnnNetwork(nn.Module):
    """Timbral and temporal filters, three residual convolutions over time, pooling, two dense layers.

    From `musicnn: Pre-trained convolutional neural networks for music audio tagging
    <https://arxiv.org/abs/1909.06654>`_ (Pons & Serra, 2019), in the size of the models for MagnaTagATune and the
    Million Song Dataset.
    """

    def __init__(self) -> None:
        super().__init__()
        self.log_mel = LogMel()
        self.input_norm = nn.BatchNorm2d(1, eps=KERAS_EPSILON, momentum=KERAS_MOMENTUM)
        timbral = [ConvolutionBlock(_TIMBRAL_CHANNELS, (7, width)) for width in _TIMBRAL_WIDTHS]
        temporal = [ConvolutionBlock(_TEMPORAL_CHANNELS, (frames, 1)) for frames in _TEMPORAL_FRAMES]
        self.front_end = nn.ModuleList(timbral + temporal)
        widths = (_FRONT_END_DIM, _MID_END_DIM, _MID_END_DIM)
        self.mid_end = nn.ModuleList(ConvolutionBlock(_MID_END_DIM, (7, width)) for width in widths)
        self.pooled_norm = nn.BatchNorm1d(POOLED_DIM, eps=KERAS_EPSILON, momentum=KERAS_MOMENTUM)
        self.dropout = nn.Dropout(0.5)
        self.dense = nn.Linear(POOLED_DIM, PENULTIMATE_DIM)
        self.dense_norm = nn.BatchNorm1d(PENULTIMATE_DIM, eps=KERAS_EPSILON, momentum=KERAS_MOMENTUM)
        self.tags = nn.Linear(PENULTIMATE_DIM, NUM_TAGS)

    def forward(self, batch: Tensor) -> MusicnnOutput:
        """Features and tags of waveforms or of their log-mel images.

        Args:
            batch: Samples at 16 kHz, between -1 and 1, of shape (batch, samples), or the outcome of :class:`LogMel`,
                of shape (batch, frames, 96); float32. The network was trained on 3 seconds, 187 frames.

        Raises:
            ArgumentError: If the shape is neither or the waveforms are shorter than 512 samples.
        """
        if batch.dim() != 2 and (batch.dim() != 3 or batch.shape[2] != NUM_MELS or batch.shape[1] < 1):
            raise ArgumentError(
                f"'batch' must be of shape (batch, samples) or (batch, frames, {NUM_MELS}) (got {tuple(batch.shape)})"
            )
        log_mel = self.log_mel(batch) if batch.dim() == 2 else batch
        image = self.input_norm(log_mel[:, None])[:, 0]  # (batch, frames, 96)
        front = torch.cat([block(image) for block in self.front_end], dim=2)  # (batch, frames, 561)
        first = self.mid_end[0](front)  # (batch, frames, 64)
        second = self.mid_end[1](first) + first
        third = self.mid_end[2](second) + second
        channels = torch.cat([front, first, second, third], dim=2)  # (batch, frames, 753)
        pooled = torch.stack([channels.amax(dim=1), channels.mean(dim=1)], dim=2).flatten(start_dim=1)
        dense = torch.relu(self.dense(self.dropout(self.pooled_norm(pooled))))
        penultimate = self.dense_norm(dense)
        return MusicnnOutput(pooled, penultimate, self.tags(self.dropout(penultimate)))
