"""What a stage starts from."""

import inspect
import warnings
from pathlib import Path

from torch import Tensor, nn

from encoders.audioclip import PRESETS, AudioCLIP, ESResNeXt
from encoders.audioclip.checkpoint import AudioCLIPCheckpoint, load_weights, read_checkpoint
from encoders.errors import RandomWeightsWarning, WeightsError
from encoders.training.stages.settings import StageSettings
from encoders.training.stages.stage import find_stage
from encoders.weights import check_fit, read_state_dict, seeded, warn_random

__all__ = ["initial_audioclip", "initial_head", "new_head", "sample_rate_of", "weights_file"]

_AUDIO_ARGUMENTS = {
    "n_fft": "n_fft",
    "hop_length": "hop_length",
    "win_length": "win_length",
    "audio_layers": "layers",
    "audio_width": "base_channels",
    "audio_groups": "groups",
    "audio_width_per_group": "width_per_group",
}
_AUDIO = "audio."
_OWN = ("fbsp.", "att", "fc.", "window")


def new_head(size: str, num_classes: int) -> ESResNeXt:
    """The audio head of a size, as a classifier with random weights."""
    preset = PRESETS[size]
    return ESResNeXt(num_classes, **{name: preset[key] for key, name in _AUDIO_ARGUMENTS.items() if key in preset})


def initial_head(settings: StageSettings, num_classes: int, *, weights: Path | None = None, seed: int = 0) -> ESResNeXt:
    """The audio head as a classifier; its last layer is always random.

    Args:
        settings: Of a stage for the head alone.
        num_classes: Outputs.
        weights: A folder or file of an earlier stage, AudioCLIP's own files, or torchvision's ``resnext50_32x4d`` of
            ImageNet, from which the convolutions are taken [default: random].
        seed: Of random weights.

    Raises:
        WeightsError: If the file does not fit.
    """
    head = seeded(lambda: new_head(settings.size, num_classes), seed)
    if weights is None:
        if settings.stage == "finetune-standalone":
            warn_random("the audio head", seed)
        return head
    file = weights_file(weights)
    try:
        checkpoint = read_checkpoint(file)
    except WeightsError as error:
        state = _imagenet_state(file, error)
        own = {name: tensor for name, tensor in head.state_dict().items() if not name.startswith(_OWN)}
        check_fit(file, own, state)
        head.load_state_dict(state, strict=False)
        _open_attention(head)
        return head
    _require_size(checkpoint, settings.size)
    given = {
        name.removeprefix(_AUDIO): tensor
        for name, tensor in checkpoint.state.items()
        if name.startswith(_AUDIO) and not name.startswith(f"{_AUDIO}fc.")
    }
    if not given:
        raise WeightsError(f"{file}: does not hold an audio head")
    check_fit(file, {name: tensor for name, tensor in head.state_dict().items() if not name.startswith("fc.")}, given)
    head.load_state_dict(given, strict=False)
    return head


def initial_audioclip(
    settings: StageSettings, *, weights: Path | None = None, clip: Path | None = None, seed: int = 0
) -> AudioCLIP:
    """The whole model; the last layer of an audio head from a classifier is random.

    Args:
        settings: Of a stage with all heads.
        weights: A folder or file of an earlier stage, or one of AudioCLIP's own files [default: random].
        clip: A file of CLIP, for the heads of pictures and texts, read first [default: random].
        seed: Of random weights.

    Raises:
        WeightsError: If a file does not fit.

    Warns:
        RandomWeightsWarning: If the heads that a stage leaves as they are are random.
    """
    model = seeded(lambda: AudioCLIP.from_preset(settings.size), seed)
    parts = set()
    for path in (clip, weights):
        if path is None:
            continue
        checkpoint = read_checkpoint(weights_file(path))
        _require_size(checkpoint, settings.size)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", RandomWeightsWarning)  # the other file may bring what this one lacks
            load_weights(model, checkpoint)
        parts |= {"audio", "clip"} if checkpoint.part == "full" else {checkpoint.part}
    if "clip" not in parts and not find_stage(settings.stage).trains_all:
        warnings.warn(
            f"'{settings.stage}' trains against the heads of pictures and texts, which are random (seed {seed}): give "
            "the weights of CLIP or of an earlier stage",
            RandomWeightsWarning,
            stacklevel=2,
        )
    return model


def sample_rate_of(size: str) -> int:
    """Samples a second that the audio head of a size takes."""
    default = inspect.signature(AudioCLIP).parameters["sample_rate"].default
    return int(PRESETS[size].get("sample_rate", default))


def weights_file(path: Path) -> Path:
    """The file of weights that a path means: itself, or that of a run's folder.

    Raises:
        WeightsError: If there is none.
    """
    file = path / "model.safetensors" if path.is_dir() else path
    if not file.is_file():
        raise WeightsError(f"{file}: there is no such file")
    return file


def _require_size(checkpoint: AudioCLIPCheckpoint, size: str) -> None:
    """Our own files tell their size; without this, hundreds of shapes would be listed."""
    if checkpoint.path.suffix == ".safetensors" and checkpoint.preset != size:
        raise WeightsError(f"{checkpoint.path}: is of size '{checkpoint.preset}', and 'size' is '{size}'")


def _imagenet_state(file: Path, error: WeightsError) -> dict[str, Tensor]:
    """Convolutions of a ResNeXt of ImageNet; the error of reading it as an AudioCLIP if it is none."""
    state, _ = read_state_dict(file)
    if "layer4.0.conv3.weight" not in state or "conv1.weight" not in state:
        raise error
    return {name: tensor for name, tensor in state.items() if not name.startswith("fc.")}


def _open_attention(head: ESResNeXt) -> None:
    """Weight and bias of the attentions' batch normalisation to 1, as the reference does for ImageNet's weights."""
    for name, module in head.named_modules():
        if name.startswith("att") and isinstance(module, nn.BatchNorm2d):
            nn.init.ones_(module.weight)
            nn.init.ones_(module.bias)
