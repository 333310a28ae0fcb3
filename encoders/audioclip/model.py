"""AudioCLIP: pictures, texts and sounds in one space."""

import math
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional

from encoders.audioclip.checkpoint import load_weights, read_checkpoint, save_weights
from encoders.audioclip.esresnext import ESResNeXt
from encoders.audioclip.output import AudioCLIPOutput
from encoders.audioclip.presets import PRESETS
from encoders.audioclip.waveform import prepare_waveform
from encoders.clip_text import tokenize
from encoders.errors import ArgumentError, MissingPackageError, UnknownEncoderError
from encoders.losses import tri_modal_loss

__all__ = ["AudioCLIP"]

_GREATEST_LOG_SCALE = math.log(100.0)


class AudioCLIP(nn.Module):
    r"""CLIP with a third head, for sound.

    From `AudioCLIP: Extending CLIP to Image, Text and Audio <https://arxiv.org/abs/2106.13043>`_ (Guzhov et al., 2021).
    The image and text towers are those of open_clip's ``RN50-quickgelu``, the audio head is
    :class:`~encoders.audioclip.ESResNeXt`. The names in ``state_dict()`` are those of the official files.

    Args:
        embed_dim: Length of the vectors.
        image_resolution: Height and width of the pictures.
        vision_layers: Blocks of the image tower's stages.
        vision_width: Channels of its first stage.
        context_length: Tokens a text at most.
        vocab_size: Number of tokens.
        transformer_width: Width of the text tower.
        transformer_heads: Its heads.
        transformer_layers: Its layers.
        sample_rate: Samples a second of the audio head's input.
        n_fft: Samples of its transform.
        hop_length: Samples from frame to frame.
        win_length: Samples a frame.
        audio_layers: Blocks of its stages.
        audio_width: Channels of its first stage.
        audio_groups: Groups of its blocks' convolutions.
        audio_width_per_group: Channels a group.

    Shapes:
        - image (batch, 3, image_resolution, image_resolution) -> (batch, embed_dim)
        - audio (batch, samples) or (batch, channels, samples) -> (batch, embed_dim)
        - batch texts -> (batch, embed_dim)

    Differs from the reference:
        - Sounds are int16, or floating between -1 and 1 and scaled inside; other floating input is an error.
        - Scales are limited in the logarithm, with a gradient at the limit. The reference limits the exponential, which
          rounds to 100.0000076 at the start, so that its scales never get a gradient.
        - Texts that are too long are cut unless ``truncate=False``, instead of always refused.
    """

    def __init__(
        self,
        *,
        embed_dim: int = 1024,
        image_resolution: int = 224,
        vision_layers: tuple[int, int, int, int] = (3, 4, 6, 3),
        vision_width: int = 64,
        context_length: int = 77,
        vocab_size: int = 49408,
        transformer_width: int = 512,
        transformer_heads: int = 8,
        transformer_layers: int = 12,
        sample_rate: int = 44_100,
        n_fft: int = 2048,
        hop_length: int = 561,
        win_length: int = 1654,
        audio_layers: tuple[int, int, int, int] = (3, 4, 6, 3),
        audio_width: int = 64,
        audio_groups: int = 32,
        audio_width_per_group: int = 4,
    ) -> None:
        super().__init__()
        self.embed_dim, self.image_resolution = embed_dim, image_resolution
        self.context_length, self.sample_rate = context_length, sample_rate
        clip = _clip(
            embed_dim,
            {"layers": vision_layers, "width": vision_width, "image_size": image_resolution},
            {
                "context_length": context_length,
                "vocab_size": vocab_size,
                "width": transformer_width,
                "heads": transformer_heads,
                "layers": transformer_layers,
            },
        )
        self.visual: nn.Module = clip.visual
        self.transformer: nn.Module = clip.transformer
        self.token_embedding: nn.Embedding = clip.token_embedding
        self.positional_embedding: nn.Parameter = clip.positional_embedding
        self.ln_final: nn.Module = clip.ln_final
        self.text_projection: nn.Parameter = clip.text_projection
        self.register_buffer("attn_mask", clip.attn_mask, persistent=False)
        self.audio = ESResNeXt(
            embed_dim,
            n_fft=n_fft,
            hop_length=hop_length,
            win_length=win_length,
            layers=audio_layers,
            base_channels=audio_width,
            groups=audio_groups,
            width_per_group=audio_width_per_group,
        )
        self.logit_scale = nn.Parameter(torch.tensor(math.log(1 / 0.07)))
        self.logit_scale_ai = nn.Parameter(torch.tensor(_GREATEST_LOG_SCALE))
        self.logit_scale_at = nn.Parameter(torch.tensor(_GREATEST_LOG_SCALE))

    @classmethod
    def from_preset(cls, name: str) -> "AudioCLIP":
        """A model with random weights of a known size: ``"audioclip"`` or ``"audioclip-tiny"``.

        Raises:
            UnknownEncoderError: If there is no preset of this name.
        """
        if name not in PRESETS:
            raise UnknownEncoderError(name, PRESETS)
        return cls(**PRESETS[name])

    @classmethod
    def from_checkpoint(cls, path: str | Path) -> "AudioCLIP":
        """A model with the weights of a file.

        Reads the authors' files (full or partial training, CLIP alone, the audio head alone with its classifier) and
        those that :meth:`save` wrote. What a file does not hold stays random, and a warning says so.

        Args:
            path: ``.pt`` with a state dict or a TorchScript archive of CLIP, or ``.safetensors``.

        Raises:
            WeightsError: If the file cannot be read, or names or shapes differ; all of them are listed.
        """
        checkpoint = read_checkpoint(Path(path))
        model = cls.from_preset(checkpoint.preset)
        load_weights(model, checkpoint)
        return model

    def save(self, path: str | Path, *, preset: str) -> None:
        """Write the weights as safetensors, with the name of the preset in the header.

        Args:
            path: The file, replaced at once if it exists.
            preset: Of which the model's sizes are.
        """
        save_weights(Path(path), self.state_dict(), preset=preset)

    def encode_image(self, pixels: Tensor, *, normalize: bool = False) -> Tensor:
        """Vectors of pictures.

        Args:
            pixels: Normalised as CLIP's (see :class:`~encoders.image_preprocess.ImagePreprocess`).
                Shape: (batch, 3, image_resolution, image_resolution).
            normalize: Whether to scale to length 1.

        Returns:
            Shape: (batch, embed_dim).

        Raises:
            ArgumentError: If the shape or type is wrong.
        """
        wanted = (3, self.image_resolution, self.image_resolution)
        if pixels.dim() != 4 or tuple(pixels.shape[1:]) != wanted or not pixels.is_floating_point():
            raise ArgumentError(
                f"'pixels' must be floating of shape (batch, {', '.join(map(str, wanted))}) "
                f"(got {pixels.dtype}, {tuple(pixels.shape)})"
            )
        return _finish(self.visual(pixels), normalize)

    def encode_text(self, text: Sequence[str] | Tensor, *, normalize: bool = False, truncate: bool = True) -> Tensor:
        """Vectors of texts.

        Args:
            text: Texts, or their tokens of shape (batch, context_length), int64.
            normalize: Whether to scale to length 1.
            truncate: Cut texts with more tokens than the context; False refuses them.

        Returns:
            Shape: (batch, embed_dim).

        Raises:
            ArgumentError: If a text is too long and ``truncate`` is False.
        """
        device = self.positional_embedding.device
        if isinstance(text, Tensor):
            tokens = text.to(device)
        else:
            if isinstance(text, str):
                raise ArgumentError("'text' must be a list of texts (got one text)")
            tokens, long = tokenize(list(text), self.context_length)
            if not truncate and any(long):
                raise ArgumentError(
                    f"'text' must have at most {self.context_length} tokens a text; text {long.index(True)} has more"
                )
            tokens = tokens.to(device)
        x = self.token_embedding(tokens) + self.positional_embedding
        x = self.ln_final(self.transformer(x, attn_mask=self.attn_mask))
        # The end token has the greatest number.
        x = x[torch.arange(len(tokens), device=device), tokens.argmax(dim=-1)]
        return _finish(x @ self.text_projection, normalize)

    def encode_audio(self, waveform: Tensor, sample_rate: int, *, normalize: bool = False) -> Tensor:
        """Vectors of sounds.

        Args:
            waveform: int16, or floating between -1 and 1. Shape: (batch, samples) or (batch, channels, samples).
            sample_rate: Samples a second; brought to the model's own.
            normalize: Whether to scale to length 1.

        Returns:
            Shape: (batch, embed_dim).

        Raises:
            ArgumentError: If shape, type or range are wrong, or if a batch of one is given in training.
        """
        prepared = prepare_waveform(waveform, sample_rate=sample_rate, wanted_rate=self.sample_rate)
        return _finish(self.audio(prepared).vectors, normalize)

    def forward(
        self,
        *,
        audio: Tensor | None = None,
        image: Tensor | None = None,
        text: Sequence[str] | Tensor | None = None,
        sample_rate: int = 44_100,
        sample_weights: Tensor | None = None,
    ) -> AudioCLIPOutput:
        """Encode a batch of items and compare its modalities pair by pair.

        Args:
            audio: As for :meth:`encode_audio`.
            image: As for :meth:`encode_image`.
            text: As for :meth:`encode_text`.
            sample_rate: Of ``audio``.
            sample_weights: Weight of each item in the loss. Shape: (batch,).

        Raises:
            ArgumentError: If nothing is given or the numbers of items differ.
        """
        counts = {
            name: len(value)
            for name, value in (("audio", audio), ("image", image), ("text", text))
            if value is not None
        }
        if not counts or len(set(counts.values())) > 1:
            raise ArgumentError(f"'audio', 'image', 'text' must hold equally many items, one at least (got {counts})")
        regularization = None
        sounds = pictures = texts = None
        if audio is not None:
            prepared = prepare_waveform(audio, sample_rate=sample_rate, wanted_rate=self.sample_rate)
            features = self.audio(prepared)
            sounds, regularization = _finish(features.vectors, True), features.regularization
        if image is not None:
            pictures = self.encode_image(image, normalize=True)
        if text is not None:
            texts = self.encode_text(text, normalize=True)
        return self.compare(
            audio=sounds, image=pictures, text=texts, regularization=regularization, sample_weights=sample_weights
        )

    def compare(
        self,
        *,
        audio: Tensor | None = None,
        image: Tensor | None = None,
        text: Tensor | None = None,
        regularization: Tensor | None = None,
        sample_weights: Tensor | None = None,
    ) -> AudioCLIPOutput:
        """Compare vectors of a batch's items, pair by pair; for vectors that are there already.

        Args:
            audio: Vectors of length 1. Shape: (batch, embed_dim).
            image: The same of the pictures.
            text: The same of the texts.
            regularization: Of the audio head, added to the loss.
            sample_weights: Weight of each item in the loss. Shape: (batch,).
        """
        of_audio_image, of_audio_text, of_image_text = map(
            _limited_scale, (self.logit_scale_ai, self.logit_scale_at, self.logit_scale)
        )
        pairs = [
            (first, second, scale)
            for first, second, scale in (
                (audio, image, of_audio_image),
                (audio, text, of_audio_text),
                (image, text, of_image_text),
            )
            if first is not None and second is not None
        ]
        return AudioCLIPOutput(
            audio=audio,
            image=image,
            text=text,
            audio_image_scale=of_audio_image,
            audio_text_scale=of_audio_text,
            image_text_scale=of_image_text,
            loss=tri_modal_loss(pairs, regularization=regularization, sample_weights=sample_weights) if pairs else None,
        )

    @torch.no_grad()
    def limit_logit_scales(self) -> None:
        """Bring the scales back between 1 and 100; call it after each step of an optimizer."""
        for scale in (self.logit_scale, self.logit_scale_ai, self.logit_scale_at):
            scale.clamp_(0.0, _GREATEST_LOG_SCALE)


def _clip(embed_dim: int, vision: dict[str, Any], text: dict[str, Any]) -> Any:
    try:
        from open_clip.model import CLIP
    except ImportError:
        raise MissingPackageError("open_clip_torch", "encoders", "AudioCLIP") from None
    return CLIP(embed_dim, vision, text, quick_gelu=True)


def _finish(vectors: Tensor, normalize: bool) -> Tensor:
    return functional.normalize(vectors, dim=-1) if normalize else vectors


def _limited_scale(log_scale: Tensor) -> Tensor:
    # Limits are on the logarithm: clamp has a gradient at its bounds, so a scale at the greatest value can learn.
    return log_scale.clamp(0.0, _GREATEST_LOG_SCALE).exp()
