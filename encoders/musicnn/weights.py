"""The published weights of musicnn, from Keras."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor

from encoders.errors import MissingPackageError, WeightsError
from encoders.files import require_regular
from encoders.musicnn.network import MusicnnNetwork
from encoders.weights import check_fit

__all__ = ["load_keras_weights"]

_DENSE = {"kernel": "weight", "bias": "bias"}
_NORM = {"gamma": "weight", "beta": "bias", "moving_mean": "running_mean", "moving_variance": "running_var"}
_LAYERS = (
    ("batch_normalization", "input_norm", _NORM),
    ("conv2d", "front_end.0.convolution", _DENSE),
    ("conv2d_1", "front_end.1.convolution", _DENSE),
    ("conv2d_2", "front_end.2.convolution", _DENSE),
    ("conv2d_3", "front_end.3.convolution", _DENSE),
    ("conv2d_4", "front_end.4.convolution", _DENSE),
    ("batch_normalization_1", "front_end.0.norm", _NORM),
    ("batch_normalization_2", "front_end.1.norm", _NORM),
    ("batch_normalization_3", "front_end.2.norm", _NORM),
    ("batch_normalization_4", "front_end.3.norm", _NORM),
    ("batch_normalization_5", "front_end.4.norm", _NORM),
    ("midend_conv1", "mid_end.0.convolution", _DENSE),
    ("midend_conv2", "mid_end.1.convolution", _DENSE),
    ("midend_conv3", "mid_end.2.convolution", _DENSE),
    ("bn_midend_conv1", "mid_end.0.norm", _NORM),
    ("bn_midend_conv2", "mid_end.1.norm", _NORM),
    ("bn_midend_conv3", "mid_end.2.norm", _NORM),
    ("bn_flatpool", "pooled_norm", _NORM),
    ("dense", "dense", _DENSE),
    ("bn_dense", "dense_norm", _NORM),
    ("dense_1", "tags", _DENSE),
)
_PLACES = {
    f"{layer}/{layer}/{keras_part}:0": f"{module}.{torch_part}"
    for layer, module, parts in _LAYERS
    for keras_part, torch_part in parts.items()
}


def load_keras_weights(network: MusicnnNetwork, path: str | Path) -> None:
    """Fill a network from a Keras HDF5 file of musicnn; after an error it is as it was.

    The weights may lie at the top of the file (``save_weights``) or in ``model_weights`` (``save``).

    Args:
        network: Filled in place, on its device.
        path: An HDF5 file with the layers of the Keras port of musicnn for 50 tags.

    Raises:
        MissingPackageError: If h5py is not installed.
        WeightsError: If the file cannot be read, its names or shapes are not musicnn's (all differences are listed),
            or a weight is not finite.
    """
    state = network.state_dict()
    given = _read_tensors(Path(path), {name: _keras_order(state[place]) for name, place in _PLACES.items()})
    broken = [name for name, tensor in given.items() if not bool(torch.isfinite(tensor).all())]
    if broken:
        raise WeightsError(f"{path}: has NaN or infinity in {', '.join(broken)}")
    for name, place in _PLACES.items():
        state[place] = _torch_order(given[name])
    network.load_state_dict(state)


def _read_tensors(path: Path, wanted: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """All arrays in the file, by their path in it, once their shapes are seen to be those that are wanted."""
    try:
        import h5py
    except ImportError:
        raise MissingPackageError("h5py", "encoders", "reading Keras weights") from None
    require_regular(path, WeightsError)
    if not path.is_file():
        raise WeightsError(f"{path}: there is no such file")
    found: dict[str, Any] = {}

    def collect(name: str, node: Any) -> None:
        if isinstance(node, h5py.Dataset):
            if node.external or node.is_virtual:
                raise WeightsError(f"{path}: '{name}' lies in another file, which is not read")
            found[name] = node

    try:
        with h5py.File(path, "r") as file:
            # A link may lead to another file.
            inside = isinstance(file.get("model_weights", h5py.HardLink(), getlink=True), h5py.HardLink)
            top = file.get("model_weights", file) if inside else None
            if not isinstance(top, h5py.Group):
                raise WeightsError(f"{path}: 'model_weights' must be a group of this file")
            top.visititems(collect)
            check_fit(path, wanted, {name: torch.empty(node.shape, device="meta") for name, node in found.items()})
            return {name: torch.from_numpy(np.asarray(node[()], dtype=np.float32)) for name, node in found.items()}
    # Damaged files are OSErrors or RuntimeErrors; arrays of text, ValueErrors or TypeErrors.
    except (OSError, RuntimeError, ValueError, TypeError) as error:
        if isinstance(error, WeightsError):
            raise
        raise WeightsError(f"{path}: cannot be read as Keras weights: {' '.join(str(error).split())}") from None


def _keras_order(tensor: Tensor) -> Tensor:
    """(out, in, height, width) to (height, width, in, out); (out, in) to (in, out)."""
    return tensor.permute(2, 3, 1, 0) if tensor.dim() == 4 else tensor.permute(*reversed(range(tensor.dim())))


def _torch_order(tensor: Tensor) -> Tensor:
    """The way back of :func:`_keras_order`."""
    return tensor.permute(3, 2, 0, 1) if tensor.dim() == 4 else tensor.permute(*reversed(range(tensor.dim())))
