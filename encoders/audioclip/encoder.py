"""AudioCLIP's three heads as encoders of items."""

from torch import Tensor

from encoders.audioclip.model import AudioCLIP
from encoders.base import Encoder, Preprocess
from encoders.clip_text import ClipTextPreprocess
from encoders.errors import ArgumentError
from encoders.image_preprocess import ImagePreprocess
from encoders.waveform_preprocess import WaveformPreprocess

__all__ = ["AUDIOCLIP_MODALITIES", "AudioCLIPEncoder"]

AUDIOCLIP_MODALITIES = ("image", "text", "audio")
_TEXT_NAMES = ("transformer.", "token_embedding.", "positional_embedding", "ln_final.", "text_projection")


class AudioCLIPEncoder(Encoder):
    """One head of an :class:`~encoders.audioclip.AudioCLIP`.

    Args:
        model: The model; encoders of several modalities may share it.
        modality: ``"image"``, ``"text"`` or ``"audio"``.
        name: Under which features are stored.
        long_text: See :class:`~encoders.clip_text.ClipTextPreprocess`.
        window_seconds: See :class:`~encoders.waveform_preprocess.WaveformPreprocess`.
        stride_seconds: See :class:`~encoders.waveform_preprocess.WaveformPreprocess`.
        max_windows: See :class:`~encoders.waveform_preprocess.WaveformPreprocess`.
    """

    def __init__(
        self,
        model: AudioCLIP,
        *,
        modality: str,
        name: str = "audioclip",
        long_text: str = "truncate",
        window_seconds: float = 5.0,
        stride_seconds: float = 5.0,
        max_windows: int = 12,
    ) -> None:
        ways: dict[str, Preprocess] = {
            "image": ImagePreprocess(size=model.image_resolution),
            "text": ClipTextPreprocess(context_length=model.context_length, long_text=long_text),
            "audio": WaveformPreprocess(
                sample_rate=model.sample_rate,
                window_seconds=window_seconds,
                stride_seconds=stride_seconds,
                max_windows=max_windows,
            ),
        }
        if modality not in ways:
            raise ArgumentError(f"AudioCLIP encodes {', '.join(ways)} (got modality {modality!r})")
        super().__init__(name=name, modality=modality, dim=model.embed_dim, preprocess=ways[modality])
        self.model = model

    def forward(self, batch: Tensor) -> Tensor:
        """Encode pictures, tokens or windows, as the preprocessing gives them."""
        if self.modality == "image":
            return self.model.encode_image(batch)
        if self.modality == "text":
            return self.model.encode_text(batch)
        return self.model.encode_audio(batch, self.model.sample_rate)

    @property
    def feature_name(self) -> str:
        """Name and modality."""
        return f"{self.name}.{self.modality}"

    def weights_in_use(self) -> dict[str, Tensor]:
        """Those of this head."""
        prefixes = {"image": ("visual.",), "text": _TEXT_NAMES, "audio": ("audio.",)}[self.modality]
        return {name: tensor for name, tensor in self.model.state_dict().items() if name.startswith(prefixes)}
