"""AudioCLIP's audio head: a learned spectrogram and a ResNeXt with attention."""

from typing import NamedTuple

import torch
from torch import Tensor, nn
from torch.nn import functional

from encoders.audioclip.attention2d import Attention2d
from encoders.audioclip.bottleneck import Bottleneck, make_layer
from encoders.audioclip.fbsp import FrequencyBSpline
from encoders.audioclip.spectrogram import frames_of, scale_amplitude, to_decibel
from encoders.errors import ArgumentError

__all__ = ["AudioFeatures", "ESResNeXt"]


class AudioFeatures(NamedTuple):
    """What the audio head gives.

    Args:
        vectors: Shape: (batch, out_features).
        regularization: Deviation of the learned transform from unit length, to be added to the loss; a number.
    """

    vectors: Tensor
    regularization: Tensor


class ESResNeXt(nn.Module):
    """ESResNe(X)t-fbsp: waveforms in, vectors out.

    From `ESResNe(X)t-fbsp <https://arxiv.org/abs/2104.11587>`_ (Guzhov et al., 2021). Frames of the waveform go through
    a learned Fourier-like transform; its power in decibel, cut into three bands of frequencies, is the picture that a
    ResNeXt-50 (32x4d) with an attention beside each stage sees. Channels of the sound go through the network one by
    one, and their pooled features are added.

    Args:
        out_features: Length of the vectors; the number of classes of a stand-alone classifier.
        n_fft: Samples of the transform; frames are padded to it.
        hop_length: Samples from frame to frame.
        win_length: Samples a frame.
        layers: Blocks of the four stages.
        base_channels: Channels of the first stage, 64 in the paper.
        groups: Groups of the blocks' convolutions.
        width_per_group: Channels a group.
        apply_attention: Whether to have the attentions.

    Shapes:
        waveform (batch, channels, samples) of 16-bit amplitude -> (batch, out_features)
    """

    window: Tensor

    def __init__(
        self,
        out_features: int = 1024,
        *,
        n_fft: int = 2048,
        hop_length: int = 561,
        win_length: int = 1654,
        layers: tuple[int, int, int, int] = (3, 4, 6, 3),
        base_channels: int = 64,
        groups: int = 32,
        width_per_group: int = 4,
        apply_attention: bool = True,
    ) -> None:
        super().__init__()
        if not 0 < win_length <= n_fft:
            raise ArgumentError(f"'win_length' must be positive and at most n_fft {n_fft} (got {win_length})")
        if hop_length < 1:
            raise ArgumentError(f"'hop_length' must be a positive integer (got {hop_length})")
        self.hop_length, self.win_length, self.apply_attention = hop_length, win_length, apply_attention
        self.register_buffer("window", _blackman_harris(win_length))
        self.fbsp = FrequencyBSpline(n_fft)
        self.conv1 = nn.Conv2d(3, base_channels, 7, stride=2, padding=3, bias=False)
        self.bn1 = nn.BatchNorm2d(base_channels)
        widths = [base_channels * 2**stage for stage in range(4)]
        inputs = [base_channels, *(Bottleneck.expansion * width for width in widths)]
        stages = [
            make_layer(
                inputs[stage],
                widths[stage],
                layers[stage],
                groups=groups,
                width_per_group=width_per_group,
                stride=1 if stage == 0 else 2,
            )
            for stage in range(4)
        ]
        self.layer1, self.layer2, self.layer3, self.layer4 = stages
        if apply_attention:
            self.att1 = Attention2d(inputs[0], inputs[1], (3, 1))
            self.att2 = Attention2d(inputs[1], inputs[2], (1, 5))
            self.att3 = Attention2d(inputs[2], inputs[3], (3, 1))
            self.att4 = Attention2d(inputs[3], inputs[4], (1, 5))
            self.att5 = Attention2d(inputs[4], inputs[4], (3, 5))
        self.fc = nn.Linear(inputs[4], out_features)
        self.reset_parameters()

    def reset_parameters(self) -> None:
        """He initialisation of the convolutions; batch normalisation starts as the identity."""
        self.fbsp.reset_parameters()
        self.fc.reset_parameters()
        for module in self.modules():
            if isinstance(module, nn.Conv2d):
                module.reset_parameters()
                nn.init.kaiming_normal_(module.weight, mode="fan_out", nonlinearity="relu")
            elif isinstance(module, nn.BatchNorm2d):
                module.reset_parameters()

    def spectrogram(self, waveform: Tensor) -> tuple[Tensor, Tensor]:
        """The picture of a sound, in decibel.

        Args:
            waveform: Samples between -32768 and 32767, floating. Shape: (batch, channels, samples).

        Returns:
            Bands of the learned spectrogram, shape (batch, channels, 3, bins, frames), and the transform's
            regularization.
        """
        # Decibel span more than half precision can tell apart, so this part is never computed in it.
        with torch.autocast(waveform.device.type, enabled=False):
            # As in the reference no gradient reaches the waveform.
            scaled = scale_amplitude(waveform.detach().float())
            frames = frames_of(scaled, win_length=self.win_length, hop_length=self.hop_length)
            kernel = self.fbsp.kernel()
            # Frames are padded to n_fft by zeros on both sides: those columns of the kernel need no product.
            left = (self.fbsp.num_samples - self.win_length) // 2
            real, imaginary = self.fbsp(frames * self.window, kernel[..., left : left + self.win_length])
            return to_decibel(real, imaginary), self.fbsp.regularization(kernel)

    def pooled(self, picture: Tensor) -> Tensor:
        """Features of one channel's picture before the last layer.

        Args:
            picture: Shape: (batch, 3, bins, frames).

        Returns:
            Shape: (batch, features).
        """
        x = functional.max_pool2d(functional.relu(self.bn1(self.conv1(picture))), 3, stride=2, padding=1)
        for stage in (1, 2, 3, 4):
            x = self._attend(stage, x, getattr(self, f"layer{stage}")(x))
        return self._attend(5, x, functional.adaptive_avg_pool2d(x, 1)).flatten(1)

    def forward(self, waveform: Tensor) -> AudioFeatures:
        """Encode sounds.

        Args:
            waveform: Samples between -32768 and 32767, floating. Shape: (batch, channels, samples).

        Raises:
            ArgumentError: If a batch of one is given in training, where batch normalisation needs more.
        """
        if self.training and waveform.shape[0] < 2:
            raise ArgumentError(
                "training needs at least 2 sounds a batch: batch normalisation of the last attention sees one value "
                f"a sound and channel (got {waveform.shape[0]}); call .eval() to encode"
            )
        picture, regularization = self.spectrogram(waveform)
        features = torch.stack([self.pooled(channel) for channel in picture.unbind(1)]).sum(dim=0)
        return AudioFeatures(self.fc(features), regularization)

    def _attend(self, stage: int, before: Tensor, after: Tensor) -> Tensor:
        if not self.apply_attention:
            return after
        height, width = after.shape[-2:]
        weights: Tensor = getattr(self, f"att{stage}")(before, (height, width))
        return after * weights


def _blackman_harris(length: int) -> Tensor:
    """Scipy's periodic window of this name, in float32. Shape: (length,)."""
    from scipy.signal import get_window

    return torch.from_numpy(get_window("blackmanharris", length)).to(torch.float32)
