import builtins
import os
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import torch

from encoders.errors import MissingPackageError, WeightsError
from encoders.musicnn import MusicnnNetwork, load_keras_weights

Arrays = dict[str, np.ndarray]


@pytest.mark.parametrize("group", ["/", "model_weights"])
def test_kernels_are_turned(keras_arrays: Arrays, write_keras_file: Callable[..., Path], group: str) -> None:
    network = MusicnnNetwork()
    load_keras_weights(network, write_keras_file(keras_arrays, group))
    state = network.state_dict()
    kernel = keras_arrays["midend_conv1/midend_conv1/kernel:0"]
    assert state["mid_end.0.convolution.weight"][9, 0, 2, 300].item() == kernel[2, 300, 0, 9]
    assert state["tags.weight"][49, 7].item() == keras_arrays["dense_1/dense_1/kernel:0"][7, 49]
    variance = keras_arrays["batch_normalization_4/batch_normalization_4/moving_variance:0"]
    np.testing.assert_array_equal(state["front_end.3.norm.running_var"].numpy(), variance)


def test_every_weight_is_loaded(keras_arrays: Arrays, write_keras_file: Callable[..., Path]) -> None:
    network = MusicnnNetwork()
    load_keras_weights(network, write_keras_file(keras_arrays))
    sums = sum(
        tensor.double().sum().item()
        for name, tensor in network.state_dict().items()
        if not name.endswith("num_batches_tracked")
    )
    assert sums == pytest.approx(sum(array.sum(dtype=np.float64) for array in keras_arrays.values()))


def test_all_differences_are_in_one_error(keras_arrays: Arrays, write_keras_file: Callable[..., Path]) -> None:
    del keras_arrays["conv2d_3/conv2d_3/bias:0"]
    del keras_arrays["bn_dense/bn_dense/gamma:0"]
    keras_arrays["dense_2/dense_2/bias:0"] = np.zeros(3, dtype=np.float32)
    keras_arrays["dense_1/dense_1/bias:0"] = np.zeros(10, dtype=np.float32)
    kernel = keras_arrays["conv2d/conv2d/kernel:0"]
    keras_arrays["conv2d/conv2d/kernel:0"] = kernel.transpose(3, 2, 0, 1)
    network = MusicnnNetwork()
    before = {name: tensor.clone() for name, tensor in network.state_dict().items()}
    with pytest.raises(WeightsError) as caught:
        load_keras_weights(network, write_keras_file(keras_arrays))
    for line in (
        "weights.h5: does not fit",
        "missing: conv2d_3/conv2d_3/bias:0 (51,)",
        "missing: bn_dense/bn_dense/gamma:0 (200,)",
        "unexpected: dense_2/dense_2/bias:0 (3,)",
        "wrong shape: dense_1/dense_1/bias:0 must be (50,) (got (10,))",
        "wrong shape: conv2d/conv2d/kernel:0 must be (7, 38, 1, 204) (got (204, 1, 7, 38))",
    ):
        assert line in str(caught.value)
    assert all(torch.equal(before[name], tensor) for name, tensor in network.state_dict().items())


def test_weights_that_are_not_finite(keras_arrays: Arrays, write_keras_file: Callable[..., Path]) -> None:
    keras_arrays["conv2d/conv2d/bias:0"][3] = np.nan
    keras_arrays["dense/dense/kernel:0"][0, 0] = np.inf
    with pytest.raises(WeightsError, match="NaN or infinity in conv2d/conv2d/bias:0, dense/dense/kernel:0"):
        load_keras_weights(MusicnnNetwork(), write_keras_file(keras_arrays))


def test_arrays_of_text(keras_arrays: Arrays, write_keras_file: Callable[..., Path]) -> None:
    bias = keras_arrays["conv2d/conv2d/bias:0"]
    keras_arrays["conv2d/conv2d/bias:0"] = np.full(bias.shape, b"not a number")
    with pytest.raises(WeightsError, match="cannot be read as Keras weights"):
        load_keras_weights(MusicnnNetwork(), write_keras_file(keras_arrays))


def test_unreadable_files(tmp_path: Path) -> None:
    (tmp_path / "text.h5").write_text("no weights")
    for name, reason in (("text.h5", "cannot be read as Keras weights"), ("missing.h5", "there is no such file")):
        with pytest.raises(WeightsError, match=reason) as caught:
            load_keras_weights(MusicnnNetwork(), tmp_path / name)
        assert name in str(caught.value) and "\n" not in str(caught.value)


def test_without_h5py_the_extra_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    real_import = builtins.__import__

    def without_h5py(name, *arguments, **options):
        if name == "h5py":
            raise ImportError(name)
        return real_import(name, *arguments, **options)

    monkeypatch.setattr(builtins, "__import__", without_h5py)
    with pytest.raises(MissingPackageError, match=r"needs 'h5py'.*pip install 'gnnrec\[encoders\]'"):
        load_keras_weights(MusicnnNetwork(), "weights.h5")


def test_sizes_are_seen_before_memory_is_asked_for(tmp_path: Path) -> None:
    """Four terabytes that the file does not hold, and numbers of another file."""
    h5py = pytest.importorskip("h5py")
    with h5py.File(tmp_path / "huge.h5", "w") as file:
        file.create_dataset("dense/dense/kernel:0", shape=(10**12,), dtype="f4", chunks=(1024,))
    with pytest.raises(WeightsError, match="dense/dense/kernel:0"):
        load_keras_weights(MusicnnNetwork(), tmp_path / "huge.h5")
    (tmp_path / "secret").write_bytes(bytes(400))
    with h5py.File(tmp_path / "outside.h5", "w") as file:
        file.create_dataset("dense/dense/bias:0", shape=(100,), dtype="f4", external=[(tmp_path / "secret", 0, 400)])
    with pytest.raises(WeightsError, match="'dense/dense/bias:0' lies in another file"):
        load_keras_weights(MusicnnNetwork(), tmp_path / "outside.h5")
    os.mkfifo(tmp_path / "pipe.h5")
    with pytest.raises(WeightsError, match="named pipe"):
        load_keras_weights(MusicnnNetwork(), tmp_path / "pipe.h5")
