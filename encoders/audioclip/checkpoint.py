"""Files of AudioCLIP's weights."""

import warnings
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from torch import Tensor, nn

from encoders.errors import RandomWeightsWarning, WeightsError
from encoders.store.tensor_file import write_tensor_file
from encoders.torchscript import OPENAI_SIZES, is_torchscript, read_torchscript
from encoders.weights import check_fit, read_state_dict

__all__ = ["AudioCLIPCheckpoint", "load_weights", "read_checkpoint", "save_weights"]

_AUDIO = "audio."
_AUDIO_SCALES = ("logit_scale_ai", "logit_scale_at")
_CLASSIFIER = ("audio.fc.weight", "audio.fc.bias")


@dataclass(frozen=True)
class AudioCLIPCheckpoint:
    """The content of a file.

    Args:
        path: The file.
        state: Tensors by the names of the whole model.
        part: ``"full"``, ``"clip"`` (pictures and texts alone) or ``"audio"`` (the audio head without its last layer).
        preset: Of which the sizes are.
    """

    path: Path
    state: dict[str, Tensor]
    part: str
    preset: str


def read_checkpoint(path: Path) -> AudioCLIPCheckpoint:
    """Read a file of weights and find out what is in it.

    Raises:
        WeightsError: If it is missing, damaged or holds none of the known parts.
    """
    state, preset = _read_tensors(path)
    for name in OPENAI_SIZES:
        state.pop(name, None)
    has_clip, has_audio = "visual.conv1.weight" in state, "audio.fbsp.m" in state
    if has_clip:
        return AudioCLIPCheckpoint(path, state, "full" if has_audio else "clip", preset)
    if not has_audio and "fbsp.m" in state:
        state = {f"{_AUDIO}{name}": tensor for name, tensor in state.items()}
        has_audio = True
    if has_audio:
        return AudioCLIPCheckpoint(path, state, "audio", preset)
    raise WeightsError(
        f"{path}: holds neither AudioCLIP nor CLIP nor its audio head (first names: {', '.join(list(state)[:3])})"
    )


def save_weights(path: Path, state: Mapping[str, Tensor], *, preset: str, **header: str) -> None:
    """Write weights as safetensors, at once.

    Args:
        path: The file, replaced if it exists.
        state: Tensors by name.
        preset: Of which the sizes are.
        **header: Further texts of the header.
    """
    write_tensor_file(path, state, {"preset": preset, **header})


def load_weights(model: nn.Module, checkpoint: AudioCLIPCheckpoint) -> None:
    """Copy a file's weights into a model of its size; float16 becomes float32.

    Raises:
        WeightsError: If names or shapes differ; all of them are listed.
    """
    wanted = {name: tensor for name, tensor in model.state_dict().items() if _belongs(name, checkpoint.part)}
    given = checkpoint.state
    if checkpoint.part == "audio":  # the stand-alone network ends in a classifier of its own
        given = {name: tensor for name, tensor in given.items() if name not in _CLASSIFIER}
    check_fit(checkpoint.path, wanted, given)
    missing = model.load_state_dict(given, strict=False).missing_keys
    if missing:
        heads = {"clip": "the audio head", "audio": "the image and text towers and the audio head's last layer"}
        warnings.warn(
            f"{checkpoint.path} does not hold {heads[checkpoint.part]}, which stay random: their features mean nothing",
            RandomWeightsWarning,
            stacklevel=3,
        )


def _belongs(name: str, part: str) -> bool:
    is_audio = name.startswith(_AUDIO)
    if part == "clip":
        return not is_audio and name not in _AUDIO_SCALES
    return (is_audio and name not in _CLASSIFIER) if part == "audio" else True


def _read_tensors(path: Path) -> tuple[dict[str, Tensor], str]:
    if is_torchscript(path):
        return read_torchscript(path), "audioclip"
    state, header = read_state_dict(path)
    return state, header.get("preset", "audioclip")
