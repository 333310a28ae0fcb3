"""CLIP: pictures and texts in one space, by open_clip."""

from pathlib import Path
from typing import Any

from torch import Tensor, nn

from encoders.base import Encoder, Preprocess
from encoders.clip_text import ClipTextPreprocess
from encoders.errors import ArgumentError, MissingPackageError, WeightsError
from encoders.files import require_regular
from encoders.image_preprocess import ImagePreprocess
from encoders.torchscript import OPENAI_SIZES, is_torchscript, read_torchscript
from encoders.weights import check_fit, seeded, warn_random

__all__ = ["CLIP_MODALITIES", "CLIPEncoder", "load_clip"]

CLIP_MODALITIES = ("image", "text")


class CLIPEncoder(Encoder):
    """One tower of a CLIP model.

    From `Learning Transferable Visual Models <https://arxiv.org/abs/2103.00020>`_ (Radford et al., 2021).

    Args:
        model: A model of open_clip, as :func:`load_clip` gives it; encoders of both modalities may share it.
        modality: ``"image"`` or ``"text"``.
        architecture: open_clip's name of the model, which decides about the tokenizer.
        name: Under which features are stored.
        long_text: See :class:`~encoders.clip_text.ClipTextPreprocess`.
    """

    def __init__(
        self, model: nn.Module, *, modality: str, architecture: str, name: str = "clip", long_text: str = "truncate"
    ) -> None:
        if modality not in CLIP_MODALITIES:
            raise ArgumentError(f"CLIP encodes {' and '.join(CLIP_MODALITIES)} (got modality {modality!r})")
        preprocess = (
            _image_preprocess(model)
            if modality == "image"
            else ClipTextPreprocess(
                context_length=int(model.context_length),  # type: ignore[arg-type]
                long_text=long_text,
                tokenizer=architecture,
            )
        )
        super().__init__(name=name, modality=modality, dim=_width(model), preprocess=preprocess)
        self.model = model

    def forward(self, batch: Tensor) -> Tensor:
        """Encode pixels or tokens."""
        tower: Any = self.model.encode_image if self.modality == "image" else self.model.encode_text
        vectors: Tensor = tower(batch)
        return vectors

    @property
    def feature_name(self) -> str:
        """Name and modality."""
        return f"{self.name}.{self.modality}"

    def weights_in_use(self) -> dict[str, Tensor]:
        """Those of this tower."""
        return {
            name: tensor
            for name, tensor in self.model.state_dict().items()
            if name.startswith("visual.") == (self.modality == "image") and not name.startswith("logit_")
        }


def load_clip(architecture: str, *, weights: str | Path | None = None, seed: int = 0) -> nn.Module:
    """A model of open_clip.

    Args:
        architecture: open_clip's name, such as ``"RN50-quickgelu"`` or ``"ViT-B-16"``. OpenAI's weights need a name
            with ``quickgelu``.
        weights: A file, or open_clip's tag of weights that it can download, such as ``"openai"``
            [default: random weights, with a warning].
        seed: Of random weights.

    Raises:
        ArgumentError: If open_clip has no such architecture.
        WeightsError: If the weights cannot be read, downloaded or do not fit.
        MissingPackageError: If open_clip is not installed.
    """
    try:
        import open_clip
    except ImportError:
        raise MissingPackageError("open_clip_torch", "encoders", "CLIP") from None
    if architecture not in open_clip.list_models():
        raise ArgumentError(
            f"open_clip has no model '{architecture}'; names are such as RN50-quickgelu, ViT-B-16, ViT-L-14"
        )
    if weights is None:
        warn_random(architecture, seed)
    elif not Path(weights).exists() and str(weights) not in open_clip.list_pretrained_tags_by_model(architecture):
        raise WeightsError(
            f"'weights' must be a file or one of open_clip's tags for {architecture} (got '{weights}'); tags: "
            f"{', '.join(open_clip.list_pretrained_tags_by_model(architecture)) or 'none'}"
        )

    def build() -> nn.Module:
        model: nn.Module
        if weights is not None and is_torchscript(Path(weights)):  # as OpenAI published its models
            model = open_clip.create_model(architecture, pretrained=None)
            state = {name: one for name, one in read_torchscript(Path(weights)).items() if name not in OPENAI_SIZES}
            check_fit(Path(weights), model.state_dict(), state)
            model.load_state_dict(state)
            return model
        model = open_clip.create_model(architecture, pretrained=None if weights is None else str(weights))
        return model

    if weights is not None:
        require_regular(Path(weights), WeightsError)
    try:
        return seeded(build, seed)
    except WeightsError:
        raise
    # open_clip checks nothing: what a file holds instead leads to KeyError, StopIteration, AttributeError and others.
    except Exception as error:
        reason = " ".join(str(error).split())
        named = type(error).__name__ + (f": {reason}" if reason else "")
        raise WeightsError(f"{architecture} with weights '{weights}': {named}") from None


def _image_preprocess(model: nn.Module) -> Preprocess:
    settings: Any = model.visual.preprocess_cfg  # type: ignore[union-attr]
    size = settings["size"] if isinstance(settings["size"], int) else settings["size"][0]
    if settings["resize_mode"] != "shortest":
        raise ArgumentError(f"models that resize pictures by '{settings['resize_mode']}' are not supported")
    return ImagePreprocess(
        size=size,
        interpolation=settings["interpolation"],
        mean=tuple(settings["mean"]),
        std=tuple(settings["std"]),
    )


def _width(model: Any) -> int:
    projection = getattr(model, "text_projection", None)
    return int(model.visual.output_dim if projection is None else projection.shape[-1])
