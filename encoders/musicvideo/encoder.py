"""Backbone and trained head as an encoder of items."""

from collections.abc import Sequence
from pathlib import Path

from torch import Tensor

from encoders.base import Encoder
from encoders.errors import WeightsError
from encoders.musicvideo.configurations import MusicVideoConfiguration
from encoders.musicvideo.dual_encoder import MusicVideoModel
from encoders.musicvideo.features import create_backbone
from encoders.musicvideo.model_file import load_music_video_model
from encoders.musicvideo.projection_head import ProjectionHead
from encoders.weights import seeded, warn_random

__all__ = ["MusicVideoEncoder", "create_music_video_encoders"]


class MusicVideoEncoder(Encoder):
    """Sounds or films to the common space of a music-video model.

    An item's vector is the mean over the middles of equal sections, the same moments for both modalities.

    Args:
        backbone: musicnn, or R(2+1)D.
        head: Of the same modality.
        name: Under which features are stored.

    Raises:
        WeightsError: If the head is for features of another width.
    """

    def __init__(self, backbone: Encoder, head: ProjectionHead, *, name: str = "musicvideo") -> None:
        super().__init__(name=name, modality=backbone.modality, dim=head.out_features, preprocess=backbone.preprocess)
        if head.in_features != backbone.dim:
            raise WeightsError(
                f"the {backbone.modality} head must take the {backbone.dim} features of '{backbone.name}' "
                f"(got one for {head.in_features})"
            )
        self.backbone, self.head = backbone, head

    def forward(self, batch: Tensor) -> Tensor:
        """Encode what the backbone's preprocessing gives."""
        vectors: Tensor = self.head(self.backbone(batch).float())
        return vectors

    @property
    def feature_name(self) -> str:
        """Name and modality."""
        return f"{self.name}.{self.modality}"

    def weights_in_use(self) -> dict[str, Tensor]:
        """Those of the backbone that matter to its features, and the head's."""
        backbone = {f"backbone.{name}": tensor for name, tensor in self.backbone.weights_in_use().items()}
        return backbone | {f"head.{name}": tensor for name, tensor in self.head.state_dict().items()}


def create_music_video_encoders(
    modalities: Sequence[str] = ("audio", "video"),
    *,
    weights: str | Path | None = None,
    musicnn: str | Path | None = None,
    r2plus1d: str | Path | None = None,
    sections: int = 6,
    seed: int = 0,
    name: str = "musicvideo",
) -> list[MusicVideoEncoder]:
    """Encoders of a trained model.

    Args:
        modalities: ``"audio"``, ``"video"`` or both.
        weights: ``model.safetensors`` of a run [default: random heads of the base configuration, with a warning].
        musicnn: File of musicnn's weights [default: random, with a warning].
        r2plus1d: File of R(2+1)D's weights [default: random, with a warning].
        sections: Of an item; 3 seconds of each are encoded.
        seed: Of random weights.
        name: Under which features are stored.

    Raises:
        WeightsError: If a file does not fit.
    """
    if weights is None:
        warn_random(name, seed)
        model = seeded(lambda: MusicVideoModel(MusicVideoConfiguration()), seed)
    else:
        model = load_music_video_model(weights)
    heads = {"audio": model.audio_head, "video": model.video_head}
    return [
        MusicVideoEncoder(
            create_backbone(
                modality, weights={"audio": musicnn, "video": r2plus1d}[modality], sections=sections, seed=seed
            ),
            heads[modality],
            name=name,
        ).eval()
        for modality in modalities
    ]
