"""Trained heads on disk."""

import json
from collections.abc import Mapping
from pathlib import Path

from encoders.errors import ArgumentError, WeightsError
from encoders.musicvideo.configurations import MusicVideoConfiguration
from encoders.musicvideo.dual_encoder import MusicVideoModel
from encoders.store.tensor_file import write_tensor_file
from encoders.weights import check_fit, read_state_dict

__all__ = ["load_music_video_model", "save_music_video_model"]

_KIND = "music-video model"


def save_music_video_model(path: Path, model: MusicVideoModel, *, notes: Mapping[str, str] | None = None) -> None:
    """Write a safetensors file whose header says how to build the model; whole or not at all.

    Args:
        path: The file.
        model: Heads and temperature.
        notes: Further text for the header.
    """
    header = {
        **(notes or {}),
        "kind": _KIND,
        "configuration": json.dumps(model.configuration.to_dict(), sort_keys=True),
        "audio_features": str(model.audio_features),
        "video_features": str(model.video_features),
    }
    write_tensor_file(path, model.state_dict(), header)


def load_music_video_model(path: str | Path) -> MusicVideoModel:
    """Read what :func:`save_music_video_model` wrote, in evaluation mode.

    Raises:
        WeightsError: If the file is missing, damaged or holds something else.
    """
    path = Path(path)
    state, header = read_state_dict(path)
    if header.get("kind") != _KIND:
        raise WeightsError(f"{path}: holds no music-video model; one is written by: gnnrec encoder train musicvideo")
    try:
        configuration = MusicVideoConfiguration(**json.loads(header["configuration"]))
        widths = {name: int(header[name]) for name in ("audio_features", "video_features")}
    except (KeyError, ValueError, TypeError, ArgumentError) as error:
        raise WeightsError(f"{path}: its header cannot be used: {error}") from None
    model = MusicVideoModel(configuration, **widths)
    check_fit(path, model.state_dict(), state)
    model.load_state_dict(state)
    return model.eval()
