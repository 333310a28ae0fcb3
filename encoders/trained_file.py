"""Weights of encoders that were trained here, of whatever kind."""

from pathlib import Path

import torch

from encoders.base import Encoder
from encoders.errors import WeightsError
from encoders.store.tensor_file import write_tensor_file
from encoders.weights import check_fit, read_state_dict

__all__ = ["is_trained_file", "load_trained", "save_trained"]

_NAME = "gnnrec_encoder"


def save_trained(encoder: Encoder, path: str | Path) -> None:
    """Write an encoder's weights, for ``create_encoder(name, weights=path)`` and ``gnnrec encode --weights``.

    Of encoders that share a model one file is enough: it holds the whole model.

    Args:
        encoder: Of any kind.
        path: A safetensors file, written at once.
    """
    path = Path(path)
    path.parent.mkdir(parents=True, exist_ok=True)
    write_tensor_file(path, encoder.state_dict(), {_NAME: encoder.name})


def is_trained_file(path: str | Path) -> bool:
    """Whether a file is one that :func:`save_trained` wrote."""
    from safetensors import SafetensorError, safe_open

    if Path(path).suffix != ".safetensors" or not Path(path).is_file():
        return False
    try:
        with safe_open(path, framework="pt") as file:
            return _NAME in (file.metadata() or {})
    except SafetensorError:
        return False


def load_trained(encoder: Encoder, path: str | Path) -> None:
    """Read what :func:`save_trained` wrote.

    Raises:
        WeightsError: If it is of another encoder or does not fit.
    """
    state, header = read_state_dict(path)
    if header.get(_NAME) != encoder.name:
        raise WeightsError(f"{path}: holds weights of '{header.get(_NAME)}' (wanted '{encoder.name}')")
    check_fit(Path(path), encoder.state_dict(), state)
    with torch.no_grad():
        encoder.load_state_dict(state)
