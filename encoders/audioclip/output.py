"""What a pass of AudioCLIP over a batch gives."""

from dataclasses import dataclass

from torch import Tensor

__all__ = ["AudioCLIPOutput"]


@dataclass(frozen=True)
class AudioCLIPOutput:
    """What one pass over a batch gives; what was not passed in is None.

    The similarities of a pair are computed each time they are asked for, so that a training step, which needs only the
    loss, never holds a matrix of the batch's size squared.

    Args:
        audio: Vectors of length 1. Shape: (batch, embed_dim).
        image: The same of the pictures.
        text: The same of the texts.
        audio_image_scale: Factor of the cosines of sounds and pictures. Shape: ().
        audio_text_scale: The same of sounds and texts.
        image_text_scale: The same of pictures and texts.
        loss: The loss over the pairs, with the regularization of the audio head where sounds were given; None for a
            single modality.
    """

    audio: Tensor | None
    image: Tensor | None
    text: Tensor | None
    audio_image_scale: Tensor
    audio_text_scale: Tensor
    image_text_scale: Tensor
    loss: Tensor | None

    @property
    def audio_image(self) -> Tensor | None:
        """Scaled similarities, a row a sound and a column a picture. Shape: (batch, batch)."""
        return _similarity(self.audio, self.image, self.audio_image_scale)

    @property
    def audio_text(self) -> Tensor | None:
        """The same of sounds and texts."""
        return _similarity(self.audio, self.text, self.audio_text_scale)

    @property
    def image_text(self) -> Tensor | None:
        """The same of pictures and texts."""
        return _similarity(self.image, self.text, self.image_text_scale)


def _similarity(rows: Tensor | None, columns: Tensor | None, scale: Tensor) -> Tensor | None:
    return None if rows is None or columns is None else scale * (rows @ columns.T)
