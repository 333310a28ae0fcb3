"""What one command writes every other takes, whatever came before; and a folder is replaced whole or not at all."""

import os
import shutil
import stat
from collections.abc import Callable
from itertools import product
from pathlib import Path

import pandas as pd
import pytest
import torch
from safetensors.torch import load_file, save_file

import gnnrec
from encoders import files
from gnnrec.data import read_dataset, write_dataset
from gnnrec.data.content_catalog import content_catalog
from gnnrec.data.demo_catalog import write_demo_catalog
from gnnrec.data.encoding import encode_items
from gnnrec.data.splits import apply_split
from gnnrec.errors import DataError
from gnnrec.serving.add_items import add_items
from gnnrec.training import TrainOptions
from gnnrec.training.encoder_source import EncoderSource, create_live_features
from gnnrec.training.experiment import run_experiment
from gnnrec.training.live_options import LiveOptions

QUICK = TrainOptions(max_epochs=1, device="cpu")
ENCODERS = ("colour-histogram", "hashed-words", "mean-spectrum")


@pytest.fixture(scope="module")
def demo(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("demo") / "catalog"
    write_demo_catalog(path, num_users=30, num_items=80)
    return path


def encode(folder: Path) -> Path:
    for encoder in ENCODERS:
        assert sum(report.encoded + report.reused for report in encode_items(folder, encoder).values()) > 60
    return folder


def convert(folder: Path) -> Path:
    return write_dataset(read_dataset(folder), folder.parent / f"{folder.name}-converted")


def split(folder: Path) -> Path:
    return write_dataset(apply_split(read_dataset(folder), "cold-item", 0), folder.parent / f"{folder.name}-split")


def move(folder: Path) -> Path:
    return folder.rename(folder.parent / f"{folder.name}-moved")


STEPS: dict[str, Callable[[Path], Path]] = {"encode": encode, "convert": convert, "split": split, "move": move}


@pytest.mark.parametrize(("first", "second"), product(STEPS, STEPS))
def test_every_pair_of_commands_hands_on(first: str, second: str, demo: Path, tmp_path: Path) -> None:
    shutil.copytree(demo, tmp_path / "data")
    folder = STEPS[second](STEPS[first](tmp_path / "data"))
    dataset = read_dataset(folder)
    names = [name for name in dataset.feature_names()]
    if "encode" in (first, second):
        assert set(ENCODERS) <= set(names) and not dataset.stale
        run_experiment("vbpr", dataset, tmp_path / "run", features=["colour-histogram"], options=QUICK)
    live = create_live_features(content_catalog(dataset), [EncoderSource("colour-histogram")], LiveOptions())
    encoding = {"encoders": [{"name": "colour-histogram"}], "templates": {}}
    run_experiment("vbpr", dataset, tmp_path / "live", options=QUICK, live=live, encoding=encoding)
    table = pd.read_parquet(folder / "items.parquet").dropna(subset=["image"]).head(2)
    assert add_items(tmp_path / "live", table.assign(item_id=["new-0", "new-1"]), folder).items == 2
    assert "new-1" in gnnrec.load(tmp_path / "live").items
    again = encode_items(folder, "colour-histogram")["image"]
    assert again.encoded + again.reused == len(pd.read_parquet(folder / "items.parquet").dropna(subset=["image"]))
    assert not read_dataset(folder).stale


def test_a_converted_folder_keeps_its_pictures_to_itself(demo: Path, tmp_path: Path) -> None:
    folder = write_dataset(read_dataset(demo), tmp_path / "own")
    names = pd.read_parquet(folder / "items.parquet")["image"].dropna()
    assert names.str.startswith("media/").all() and not names.str.contains(r"\.\.").any()
    assert all((folder / name).is_file() for name in names)
    again = write_dataset(read_dataset(folder), tmp_path / "again")
    assert pd.read_parquet(again / "items.parquet")["image"].dropna().tolist() == names.tolist()


def test_pictures_of_equal_names_stay_apart(demo: Path, tmp_path: Path) -> None:
    (tmp_path / "data" / "media").mkdir(parents=True)
    (tmp_path / "pics").mkdir()
    places = {"a.png": b"1", "media/a.png": b"2", "../pics/b.png": b"3"}
    for name, content in places.items():
        (tmp_path / "data" / name).write_bytes(content)
    pd.DataFrame({"user_id": [0, 0, 1], "item_id": [0, 1, 2]}).to_parquet(tmp_path / "data" / "interactions.parquet")
    pd.DataFrame({"item_id": range(3), "image": list(places)}).to_parquet(tmp_path / "data" / "items.parquet")
    for name in ("one", "two"):
        source = tmp_path / ("data" if name == "one" else "one")
        folder = write_dataset(read_dataset(source), tmp_path / name)
        names = pd.read_parquet(folder / "items.parquet")["image"]
        assert [(folder / one).read_bytes() for one in names] == [b"1", b"2", b"3"]


def test_written_files_are_for_everybody_that_new_files_are_for(demo: Path, tmp_path: Path) -> None:
    shutil.copytree(demo, tmp_path / "data")
    folder = convert(encode(tmp_path / "data"))
    (tmp_path / "plain").touch()
    wanted = stat.S_IMODE((tmp_path / "plain").stat().st_mode)
    ours = [*folder.glob("*.parquet"), *(folder / "features").iterdir()]
    assert {stat.S_IMODE(path.stat().st_mode) for path in ours} == {wanted}


def test_a_link_leads_where_it_led(demo: Path, tmp_path: Path) -> None:
    write_dataset(read_dataset(demo), tmp_path / "big" / "d")
    (tmp_path / "d").symlink_to(tmp_path / "big" / "d")
    write_dataset(apply_split(read_dataset(demo), "leave-one-out", 0), tmp_path / "d", force=True)
    assert (tmp_path / "d").is_symlink() and read_dataset(tmp_path / "d").split == "given"
    assert [path.name for path in (tmp_path / "big").iterdir()] == ["d"]


@pytest.mark.parametrize("at_once", [True, False])
def test_a_folder_written_over_itself_is_never_lost(
    at_once: bool, demo: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = write_dataset(read_dataset(demo), tmp_path / "own")
    other = apply_split(read_dataset(folder), "leave-one-out", 0)
    if not at_once:
        monkeypatch.setattr(files, "_exchange", lambda one, two: False)
    write_dataset(other, folder, force=True)
    assert read_dataset(folder).fingerprint == other.fingerprint
    assert [path.name for path in tmp_path.iterdir()] == ["own"]


def test_what_the_dead_left_is_cleared_away(demo: Path, tmp_path: Path) -> None:
    left = tmp_path / ".own.999999999-0123abcd.part"
    alive = tmp_path / f".own.{os.getpid()}-0123abcd.part"
    for folder in (left, alive):
        (folder / "features").mkdir(parents=True)
    write_dataset(read_dataset(demo), tmp_path / "own")
    assert not left.exists() and alive.exists()


def huge(x: torch.Tensor) -> torch.Tensor:
    return x * 1e19


ABSURD: dict[str, tuple[Callable[[Path], object], str]] = {
    "no columns": (lambda path: save_file({"x": torch.zeros(80, 0)}, path), "at least one number a row"),
    "huge": (lambda path: save_file({"x": huge(torch.ones(80, 4))}, path), "must be below 1e\\+15"),
    "infinite": (lambda path: save_file({"x": torch.full((80, 4), torch.inf)}, path), "must be finite"),
    "integers": (lambda path: save_file({"x": torch.ones(80, 4, dtype=torch.int64)}, path), "floating matrix 'x'"),
    "flat": (lambda path: save_file({"x": torch.ones(80)}, path), "floating matrix 'x'"),
    "other tensors": (lambda path: save_file({"y": torch.ones(80, 4)}, path), "no 'x'"),
    "fewer rows": (lambda path: save_file({"x": torch.ones(79, 4)}, path), "one row an item"),
    "mask of numbers": (lambda path: save_file({"x": torch.ones(80, 4), "mask": torch.ones(80)}, path), "'mask' must"),
    "mask of none": (
        lambda path: save_file({"x": torch.ones(80, 4), "mask": torch.zeros(80, dtype=torch.bool)}, path),
        "cover at least one",
    ),
    "empty file": (lambda path: path.write_bytes(b""), "not a safetensors file"),
    "junk": (lambda path: path.write_bytes(b"junk" * 99), "not a safetensors file"),
    "huge header": (lambda path: path.write_bytes((2**40).to_bytes(8, "little") + b"{}"), "not a safetensors file"),
    "deep header": (
        lambda path: path.write_bytes((10**6).to_bytes(8, "little") + b"[" * 10**6),
        "not a safetensors file",
    ),
    "a pipe": (os.mkfifo, "must be a file or a folder"),
}


@pytest.mark.parametrize("kind", ABSURD)
def test_absurd_feature_files_are_named(kind: str, demo: Path, tmp_path: Path) -> None:
    make, message = ABSURD[kind]
    folder = write_dataset(read_dataset(demo, features=()), tmp_path / "own")
    (folder / "features").mkdir()
    make(folder / "features" / "odd.image.safetensors")
    with pytest.raises(DataError, match=message) as caught:
        read_dataset(folder)
    assert "odd.image.safetensors" in str(caught.value)


def test_rows_of_nobody_are_told(demo: Path, tmp_path: Path) -> None:
    folder = write_dataset(read_dataset(demo, features=()), tmp_path / "own")
    (folder / "features").mkdir()
    save_file({"x": torch.randn(80, 4)}, folder / "features" / "odd.image.safetensors")
    assert any("do not say which items their rows are" in note for note in read_dataset(folder).notes)
    known = load_file(folder / "features" / "odd.image.safetensors")
    save_file(known, folder / "features" / "odd.image.safetensors", {"item_ids": str(list(range(80)))})
    ids = read_dataset(demo).items.array.tolist()
    save_file(known, folder / "features" / "odd.image.safetensors", {"item_ids": str(ids).replace("'", '"')})
    assert not [note for note in read_dataset(folder).notes if "do not say" in note]


def test_an_array_that_promises_too_much_is_named(tmp_path: Path) -> None:
    folder = tmp_path / "mm"
    folder.mkdir()
    (folder / "mm.inter").write_text("userID\titemID\n" + "".join(f"{u}\t{u % 4}\n" for u in range(8)))
    header = b"\x93NUMPY\x01\x00v\x00{'descr': '<f4', 'fortran_order': False, 'shape': (1000000000000, 2), }"
    (folder / "image_feat.npy").write_bytes(header.ljust(127) + b"\n" + b"\0" * 32)
    with pytest.raises(DataError, match=r"image_feat\.npy: truncated or damaged"):
        read_dataset(folder)
