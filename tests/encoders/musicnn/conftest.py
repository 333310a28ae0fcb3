from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

Arrays = dict[str, np.ndarray]

CONVOLUTIONS = {
    "conv2d": (7, 38, 1, 204),
    "conv2d_1": (7, 67, 1, 204),
    "conv2d_2": (128, 1, 1, 51),
    "conv2d_3": (64, 1, 1, 51),
    "conv2d_4": (32, 1, 1, 51),
    "midend_conv1": (7, 561, 1, 64),
    "midend_conv2": (7, 64, 1, 64),
    "midend_conv3": (7, 64, 1, 64),
    "dense": (1506, 200),
    "dense_1": (200, 50),
}
NORMS = {
    "batch_normalization": 1,
    "batch_normalization_1": 204,
    "batch_normalization_2": 204,
    "batch_normalization_3": 51,
    "batch_normalization_4": 51,
    "batch_normalization_5": 51,
    "bn_midend_conv1": 64,
    "bn_midend_conv2": 64,
    "bn_midend_conv3": 64,
    "bn_flatpool": 1506,
    "bn_dense": 200,
}


@pytest.fixture
def keras_arrays() -> Arrays:
    """Random weights by the names in the published files; normalisations have factors of either sign."""
    generator = np.random.default_rng(0)
    arrays: Arrays = {}
    for layer, shape in CONVOLUTIONS.items():
        fan_in = np.prod(shape[:-1])
        arrays[f"{layer}/{layer}/kernel:0"] = generator.normal(scale=fan_in**-0.5, size=shape)
        arrays[f"{layer}/{layer}/bias:0"] = generator.normal(scale=0.1, size=shape[-1])
    for layer, width in NORMS.items():
        arrays[f"{layer}/{layer}/gamma:0"] = generator.normal(size=width)
        arrays[f"{layer}/{layer}/beta:0"] = generator.normal(size=width)
        arrays[f"{layer}/{layer}/moving_mean:0"] = generator.normal(size=width)
        arrays[f"{layer}/{layer}/moving_variance:0"] = generator.uniform(0.5, 2, size=width)
    return {name: array.astype(np.float32) for name, array in arrays.items()}


@pytest.fixture
def write_keras_file(tmp_path: Path) -> Callable[..., Path]:
    """Writes arrays as Keras does, layers without weights too; ``group`` is where in the file."""
    h5py = pytest.importorskip("h5py")

    def write(arrays: Arrays, group: str = "/") -> Path:
        path = tmp_path / "weights.h5"
        with h5py.File(path, "w") as file:
            top = file.require_group(group)
            for name, array in arrays.items():
                top.create_dataset(name, data=array)
            for layer in ("input_1", "dropout", "flatten"):
                top.create_group(layer).attrs["weight_names"] = np.zeros(0)
        return path

    return write


@pytest.fixture
def numpy_forward() -> Callable[[Arrays, np.ndarray], tuple[np.ndarray, np.ndarray, np.ndarray]]:
    """The network again, from the Keras arrays and one log-mel image (frames, 96), in float64 numpy."""
    return _forward


def _forward(arrays: Arrays, image: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    def weight(layer: str, part: str) -> np.ndarray:
        return arrays[f"{layer}/{layer}/{part}:0"].astype(np.float64)

    def norm(values: np.ndarray, layer: str) -> np.ndarray:
        deviation = np.sqrt(weight(layer, "moving_variance") + 0.001)
        return (values - weight(layer, "moving_mean")) / deviation * weight(layer, "gamma") + weight(layer, "beta")

    def convolve(values: np.ndarray, layer: str, norm_layer: str, before: int, after: int) -> np.ndarray:
        kernel = weight(layer, "kernel")[:, :, 0]  # (frames, width, filters)
        padded = np.pad(values, ((before, after), (0, 0)))
        patches = np.lib.stride_tricks.sliding_window_view(padded, kernel.shape[:2])
        answers = np.maximum(np.tensordot(patches, kernel, axes=2) + weight(layer, "bias"), 0)
        return norm(answers, norm_layer).max(axis=1)  # over frequency; (frames, filters)

    image = norm(image[..., None].astype(np.float64), "batch_normalization")[..., 0]
    front = np.concatenate(
        [
            convolve(image, "conv2d", "batch_normalization_1", 3, 3),
            convolve(image, "conv2d_1", "batch_normalization_2", 3, 3),
            convolve(image, "conv2d_2", "batch_normalization_3", 63, 64),
            convolve(image, "conv2d_3", "batch_normalization_4", 31, 32),
            convolve(image, "conv2d_4", "batch_normalization_5", 15, 16),
        ],
        axis=1,
    )
    first = convolve(front, "midend_conv1", "bn_midend_conv1", 3, 3)
    second = first + convolve(first, "midend_conv2", "bn_midend_conv2", 3, 3)
    third = second + convolve(second, "midend_conv3", "bn_midend_conv3", 3, 3)
    channels = np.concatenate([front, first, second, third], axis=1)  # (frames, 753)
    pooled = np.empty(1506)
    pooled[0::2], pooled[1::2] = channels.max(axis=0), channels.mean(axis=0)
    dense = norm(pooled, "bn_flatpool") @ weight("dense", "kernel") + weight("dense", "bias")
    penultimate = norm(np.maximum(dense, 0), "bn_dense")
    return pooled, penultimate, penultimate @ weight("dense_1", "kernel") + weight("dense_1", "bias")
