"""State dicts from files, and seeded networks."""

import warnings
from collections import OrderedDict
from pathlib import Path

import pytest
import torch
from torch import nn

from encoders.errors import RandomWeightsWarning, WeightsError
from encoders.weights import check_fit, read_state_dict, seeded, warn_random


def network() -> nn.Module:
    return nn.Sequential(OrderedDict(map=nn.Linear(3, 2), norm=nn.BatchNorm1d(2)))


def test_equal_seeds_are_equal_and_the_global_state_is_left_alone():
    torch.manual_seed(5)
    before = torch.get_rng_state()
    first, again, other = seeded(network, 1), seeded(network, 1), seeded(network, 2)
    assert torch.equal(torch.get_rng_state(), before)
    assert torch.equal(first.map.weight, again.map.weight)
    assert not torch.equal(first.map.weight, other.map.weight)
    torch.manual_seed(1)
    assert torch.equal(network().map.weight, first.map.weight)


def test_the_global_state_is_left_alone_by_a_failure():
    before = torch.get_rng_state()
    with pytest.raises(ZeroDivisionError):
        seeded(lambda: nn.Linear(1 // 0, 1), 1)
    assert torch.equal(torch.get_rng_state(), before)


def test_the_warning_names_encoder_and_seed():
    with pytest.warns(RandomWeightsWarning, match=r"'resnet50' got no weights: .*\(seed 7\); pass weights=FILE"):
        warn_random("resnet50", 7)


@pytest.mark.parametrize("suffix", [".pth", ".safetensors"])
def test_a_file_comes_back(tmp_path, suffix):
    from safetensors.torch import save_file

    state = network().state_dict()
    path = tmp_path / f"weights{suffix}"
    if suffix == ".pth":
        torch.save(state, path)
    else:
        save_file(dict(state), path, {"made": "here"})
    loaded, header = read_state_dict(path)
    assert loaded.keys() == state.keys()
    assert all(torch.equal(tensor, state[name]) for name, tensor in loaded.items())
    assert header == ({} if suffix == ".pth" else {"made": "here"})


class Harm:
    def __init__(self, path: Path) -> None:
        self.path = path

    def __reduce__(self):
        return Path.touch, (self.path,)


@pytest.mark.parametrize("content", [b"", b"no weights", b"PK\x03\x04 cut off"])
@pytest.mark.parametrize("suffix", [".pt", ".safetensors"])
def test_damaged_files_are_one_error(tmp_path, content, suffix):
    path = tmp_path / f"weights{suffix}"
    path.write_bytes(content)
    with pytest.raises(WeightsError, match=r"weights\.(pt: cannot be read|safetensors: truncated or not)") as caught:
        read_state_dict(path)
    assert "\n" not in str(caught.value)


def test_other_contents_are_one_error(tmp_path):
    path = tmp_path / "weights.pt"
    with pytest.raises(WeightsError, match="there is no such file"):
        read_state_dict(path)
    with pytest.raises(WeightsError, match="there is no such file"):
        read_state_dict(tmp_path)
    for content in ([torch.zeros(1)], {"state_dict": {"a": torch.zeros(1)}}, torch.zeros(1)):
        torch.save(content, path)
        with pytest.raises(WeightsError, match="must hold a state dict, tensors by name"):
            read_state_dict(path)
    torch.save({"a": Harm(tmp_path / "harmed")}, path)
    with pytest.raises(WeightsError, match="cannot be read as a file of weights"):
        read_state_dict(path)
    assert not (tmp_path / "harmed").exists()


def test_all_differences_are_listed():
    wanted = network().state_dict()
    given = dict(wanted) | {"map.weight": torch.zeros(3, 2), "extra": torch.zeros(4)}
    del given["map.bias"], given["norm.running_var"]
    with pytest.raises(WeightsError) as caught:
        check_fit(Path("weights.pt"), wanted, given)
    assert str(caught.value).splitlines() == [
        "weights.pt: does not fit the network; 4 names differ:",
        "  - missing: map.bias (2,)",
        "  - missing: norm.running_var (2,)",
        "  - unexpected: extra (4,)",
        "  - wrong shape: map.weight must be (2, 3) (got (3, 2))",
    ]


def test_what_fits_gives_no_error_with_or_without_counts_of_batches():
    wanted = network().state_dict()
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        check_fit(Path("weights.pt"), wanted, wanted)
        check_fit(Path("weights.pt"), wanted, {n: t for n, t in wanted.items() if "num_batches" not in n})
