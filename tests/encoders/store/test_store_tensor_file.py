import pytest
import torch
from safetensors import safe_open
from safetensors.torch import load_file

from encoders.errors import EncoderError
from encoders.store.tensor_file import read_tensor_file, write_tensor_file

TENSORS = {
    "flag": torch.tensor([True, False, True]),
    "x": torch.arange(6.0).reshape(2, 3),
    "byte": torch.tensor([[1, 255]], dtype=torch.uint8),
    "number": torch.tensor([-(2**62), 7]),
    "none": torch.zeros(0, 4),
}
HEADER = {"b": "zwei", "a": 'quotes " and é'}


def test_the_safetensors_package_reads_it(tmp_path):
    path = tmp_path / "x.safetensors"
    write_tensor_file(path, TENSORS, HEADER)
    loaded = load_file(path)
    assert loaded.keys() == TENSORS.keys()
    for name, tensor in TENSORS.items():
        assert loaded[name].dtype == tensor.dtype
        assert torch.equal(loaded[name], tensor)
    with safe_open(path, framework="pt") as file:
        assert file.metadata() == HEADER
    assert read_tensor_file(path, names=("number",))[0].keys() == {"number"}
    assert list(tmp_path.iterdir()) == [path]


def test_bytes_depend_on_the_content_alone(tmp_path):
    first, second = tmp_path / "a", tmp_path / "b"
    write_tensor_file(first, TENSORS, HEADER)
    write_tensor_file(second, dict(reversed(TENSORS.items())), dict(reversed(HEADER.items())))
    assert first.read_bytes() == second.read_bytes()


def test_a_damaged_file(tmp_path):
    path = tmp_path / "x.safetensors"
    write_tensor_file(path, TENSORS, HEADER)
    path.write_bytes(path.read_bytes()[:-3])
    with pytest.raises(EncoderError, match=r"x\.safetensors: truncated or not a safetensors file"):
        read_tensor_file(path)
