"""``gnnrec encode`` from raw files to a trained model, as a user runs it."""

import csv
import json
import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
import torch
from PIL import Image
from test_commands import TINY, call

from encoders.audioclip import AudioCLIP
from gnnrec.data.demo_catalog import write_demo_catalog

pytestmark = pytest.mark.filterwarnings("ignore::encoders.errors.RandomWeightsWarning")

NETWORK = "audioclip-tiny"
FAST = {"image": "colour-histogram", "audio": "mean-spectrum", "text": "hashed-words"}
HERE = ["--workers", "0", "--device", "cpu"]


@pytest.fixture(scope="module")
def raw(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Pictures, sounds and texts of 80 items; not to be changed."""
    folder = tmp_path_factory.mktemp("raw") / "catalog"
    write_demo_catalog(folder, num_users=40, num_items=80)
    return folder


@pytest.fixture(scope="module")
def encoded(raw: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The same with features of all encoders; not to be changed."""
    folder = tmp_path_factory.mktemp("encoded") / "catalog"
    shutil.copytree(raw, folder)
    for name in (NETWORK, *FAST.values()):
        encode(folder, "--encoder", name)
    return folder


@pytest.fixture
def data(encoded: Path, tmp_path: Path) -> Path:
    """A copy to change; files keep their times."""
    return Path(shutil.copytree(encoded, tmp_path / "catalog"))


@pytest.fixture(scope="module")
def log(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Interactions alone, with a picture for each of most items in a folder beside."""
    folder = tmp_path_factory.mktemp("log")
    random = np.random.default_rng(0)
    pairs = [(f"u{user}", item) for user in range(20) for item in random.choice(30, 8, replace=False)]
    pd.DataFrame(pairs, columns=["user_id", "item_id"]).to_csv(folder / "log.csv", index=False)
    (folder / "images").mkdir()
    for item in range(29):
        Image.fromarray(random.integers(0, 256, (8, 8, 3), dtype=np.uint8)).save(folder / f"images/{item}.png")
    table = pd.DataFrame({"item_id": range(30), "title": [f"song {item}" for item in range(30)]})
    table["text"] = [None if item % 3 == 0 else f"of rain and sea {item}" for item in range(30)]
    table.to_csv(folder / "table.csv", index=False)
    return folder


def encode(path: Path, *arguments: str) -> list[dict[str, Any]]:
    code, out, err = call("encode", str(path), "--json", *HERE, *arguments)
    assert code == 0, err
    rows: list[dict[str, Any]] = json.loads(out)
    return rows


def train(model: str, path: Path, out: Path, *arguments: str) -> dict[str, Any]:
    code, _, err = call("train", model, str(path), "--out", str(out), *arguments, *TINY)
    assert code == 0, err
    description: dict[str, Any] = json.loads((out / "run.json").read_text())
    return description


def refusal(*arguments: str) -> str:
    """The one line that a command fails with."""
    code, out, err = call(*arguments)
    lines = [line for line in err.splitlines() if line.startswith("error: ")]
    assert code == 2 and not out and len(lines) == 1 and err.endswith(lines[0] + "\n"), (code, out, err)
    return lines[0]


def refused_training(path: Path, out: Path, features: str) -> str:
    line = refusal("train", "vbpr", str(path), "--out", str(out), "--features", features, *TINY)
    assert not out.exists()
    return line


def test_a_model_trains_on_what_was_encoded(encoded: Path, tmp_path: Path) -> None:
    run = train("vbpr", encoded, tmp_path / "run", "--features", NETWORK)
    assert list(run["features"]) == [f"{NETWORK}.{modality}" for modality in ("audio", "image", "text")]
    for name, one in run["features"].items():
        assert (one["encoder"], one["modality"]) == (NETWORK, name.rpartition(".")[2])
        assert len(one["weights_hash"]) == 32 and "(" in one["preprocessing"] and 0.5 < one["coverage"] < 1
    code, out, err = call("evaluate", str(tmp_path / "run"), "--json")
    assert code == 0, err
    stored = json.loads((tmp_path / "run" / "metrics.json").read_text())
    figures = json.loads(out)
    for part in ("valid", "test"):
        assert figures[part]["recall@20"] == pytest.approx(stored[part]["recall@20"], abs=1e-6)


def test_features_of_several_encoders(encoded: Path, tmp_path: Path) -> None:
    run = train("vbpr", encoded, tmp_path / "run", "--features", ",".join(FAST.values()))
    for modality, name in FAST.items():
        one = run["features"][name]
        assert (one["encoder"], one["modality"], one["weights_hash"]) == (name, modality, "none")
        assert name in one["preprocessing"]


def test_the_figures_of_json(raw: Path, tmp_path: Path) -> None:
    (row,) = encode(raw, "--encoder", NETWORK, "--modality", "text", "--out", str(tmp_path / "out"))
    have = int(pd.read_parquet(raw / "items.parquet")["text"].notna().sum())
    assert row == {
        "features": f"{NETWORK}.text",
        "items": 80,
        "covered": have,
        "encoded": have,
        "reused": 0,
        "truncated": 0,
        "problems": {},
        "items_per_second": row["items_per_second"],
        "seconds": row["seconds"],
        "path": str(tmp_path / "out" / f"{NETWORK}.text.safetensors"),
    }
    assert row["items_per_second"] > 0 and row["seconds"].keys() == {"wait", "forward", "write"}
    assert [path.name for path in (tmp_path / "out").iterdir()] == [f"{NETWORK}.text.safetensors"]


def test_another_folder_of_features(raw: Path, tmp_path: Path) -> None:
    out = tmp_path / "elsewhere"
    code, shown, err = call("encode", str(raw), "--encoder", "hashed-words", "--out", str(out), *HERE)
    assert code == 0 and "hashed-words" in shown and not (raw / "features").exists()
    assert f"next: gnnrec train vbpr {raw} --features hashed-words --feature-folder {out}" in err
    run = train("vbpr", raw, tmp_path / "run", "--features", "hashed-words", "--feature-folder", str(out))
    assert run["features"].keys() == {"hashed-words"}
    code, shown, err = call("evaluate", str(tmp_path / "run"), "--json")
    assert code == 0, err
    stored = json.loads((tmp_path / "run" / "metrics.json").read_text())
    assert json.loads(shown)["test"]["recall@20"] == pytest.approx(stored["test"]["recall@20"], abs=1e-6)


def test_problems_are_shown_and_listed(data: Path) -> None:
    table = pd.read_parquet(data / "items.parquet")
    pictures = table[table["image"].notna()]
    broken = pictures.iloc[:7]
    for name in broken["image"]:
        (data / name).write_bytes(b"no picture")
    code, _, err = call("encode", str(data), "--encoder", "colour-histogram", *HERE)
    assert code == 0 and "... and 2 more; see the file ending in .problems.csv" in err
    assert f"colour-histogram, item {broken['item_id'].iloc[0]}: {broken['image'].iloc[0]}" in err
    with (data / "features" / "colour-histogram.image.problems.csv").open(newline="") as file:
        rows = list(csv.DictReader(file))
    assert [row["item_id"] for row in rows] == broken["item_id"].tolist()
    assert [row["content"] for row in rows] == broken["image"].tolist() and all(row["reason"] for row in rows)
    (row,) = encode(data, "--encoder", "colour-histogram")
    assert list(row["problems"]) == broken["item_id"].tolist()
    assert (row["encoded"], row["reused"], row["covered"]) == (0, len(pictures) - 7, len(pictures) - 7)


def test_strict_writes_nothing(raw: Path, tmp_path: Path) -> None:
    data = Path(shutil.copytree(raw, tmp_path / "catalog"))
    name = pd.read_parquet(data / "items.parquet")["image"].dropna().iloc[3]
    (data / name).write_bytes(b"")
    code, out, err = call("encode", str(data), "--encoder", "colour-histogram", "--strict", *HERE)
    assert code == 2 and not out and "not written, because 1 items have a problem" in err and name in err
    assert not [path for path in (data / "features").iterdir() if path.is_file()]


def change_picture(data: Path) -> None:
    name = pd.read_parquet(data / "items.parquet")["image"].dropna().iloc[0]
    Image.new("RGB", (32, 32), (200, 10, 10)).save(data / name)


def change_text(data: Path) -> None:
    table = pd.read_parquet(data / "items.parquet")
    table.loc[table["text"].notna().idxmax(), "text"] = "quite another text"
    table.to_parquet(data / "items.parquet")


@pytest.mark.parametrize(
    ("change", "modality", "untouched"),
    [(change_picture, "image", "hashed-words"), (change_text, "text", "colour-histogram")],
)
def test_a_changed_content_asks_to_encode_again(
    change: Any, modality: str, untouched: str, data: Path, tmp_path: Path
) -> None:
    change(data)
    for features, encoder in ((FAST[modality], FAST[modality]), (NETWORK, NETWORK), (f"{NETWORK}.{modality}", NETWORK)):
        line = refused_training(data, tmp_path / "refused", features)
        command = f"gnnrec encode {data} --encoder {encoder} --modality {modality}"
        assert f"the {modality} of 1 items has changed" in line and line.endswith(command)
    train("bpr-mf", data, tmp_path / "without")
    train("vbpr", data, tmp_path / "other", "--features", untouched)
    (row,) = encode(data, "--encoder", NETWORK, "--modality", modality)
    assert row["encoded"] == 1 and row["reused"] == row["covered"] - 1
    train("vbpr", data, tmp_path / "again", "--features", NETWORK)


def test_an_added_item_asks_to_encode_again(data: Path, tmp_path: Path) -> None:
    table = pd.read_parquet(data / "items.parquet")
    added = pd.DataFrame([{"item_id": "item-new", "title": "New", "text": "a new song of the sea"}])
    pd.concat([table, added]).to_parquet(data / "items.parquet")
    line = refused_training(data, tmp_path / "refused", "hashed-words")
    assert "made for other items or another order of them" in line
    assert line.endswith("encode them again with: gnnrec encode PATH --encoder hashed-words")
    train("bpr-mf", data, tmp_path / "without")
    (row,) = encode(data, "--encoder", "hashed-words")
    assert row["encoded"] == 1 and row["items"] == 81
    run = train("vbpr", data, tmp_path / "again", "--features", "hashed-words")
    assert run["features"].keys() == {"hashed-words"}
    code, _, err = call("train", "vbpr", str(data), "--out", str(tmp_path / "all"), *TINY)
    assert code == 2 and "encoder mean-spectrum" in err and not (tmp_path / "all").exists()


def test_changed_weights_ask_to_encode_again(raw: Path, tmp_path: Path) -> None:
    data, weights = Path(shutil.copytree(raw, tmp_path / "catalog")), tmp_path / "tiny.safetensors"
    for seed in (0, 1):
        torch.manual_seed(seed)
        AudioCLIP.from_preset(NETWORK).save(weights, preset=NETWORK)
        (row,) = encode(data, "--encoder", NETWORK, "--weights", str(weights), "--modality", "text")
        assert (row["encoded"], row["reused"]) == (row["covered"], 0)
        run = train("vbpr", data, tmp_path / f"run{seed}", "--features", NETWORK)
        assert list(run["features"]) == [f"{NETWORK}.text"]
    hashes = [
        json.loads((tmp_path / f"run{seed}" / "run.json").read_text())["features"][f"{NETWORK}.text"]["weights_hash"]
        for seed in (0, 1)
    ]
    assert hashes[0] != hashes[1]
    torch.manual_seed(2)
    AudioCLIP.from_preset(NETWORK).save(weights, preset=NETWORK)
    line = refused_training(data, tmp_path / "refused", NETWORK)
    assert f"the weights {weights} have changed" in line
    assert line.endswith(f"gnnrec encode {data} --encoder {NETWORK} --modality text --weights {weights}")
    train("bpr-mf", data, tmp_path / "without")
    encode(data, "--encoder", NETWORK, "--weights", str(weights), "--modality", "text")
    train("vbpr", data, tmp_path / "again", "--features", NETWORK)


def test_templates_on_a_log_without_contents(log: Path, tmp_path: Path) -> None:
    data = Path(shutil.copytree(log, tmp_path / "log")) / "log.csv"
    (picture,) = encode(data, "--encoder", "colour-histogram", "--image", "images/{item_id}.png")
    assert picture["covered"] == 29 and picture["problems"] == {"29": "images/29.png: does not exist"}
    templates = ["--text", "{title} {text}", "--items", str(data.with_name("table.csv"))]
    (text,) = encode(data, "--encoder", "hashed-words", *templates)
    assert text["covered"] == 30
    assert Path(text["path"]).parent == data.parent / "features"
    run = train("vbpr", data, tmp_path / "run", "--features", "colour-histogram,hashed-words")
    assert run["features"].keys() == {"colour-histogram", "hashed-words"}


def test_files_under_another_root(raw: Path, tmp_path: Path) -> None:
    data = tmp_path / "catalog"
    shutil.copytree(raw, data, ignore=shutil.ignore_patterns("images"))
    shutil.copytree(raw / "images", tmp_path / "files" / "images")
    (row,) = encode(data, "--encoder", "colour-histogram", "--root", str(tmp_path / "files"))
    assert row["problems"] == {} and Path(row["path"]).parent == data / "features"
    train("vbpr", data, tmp_path / "run", "--features", "colour-histogram")


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--encoder", "colour-histogramm"], "unknown encoder 'colour-histogramm'; did you mean 'colour-histogram'?"),
        (["--encoder", NETWORK, "--set", "wndow=3"], "'audioclip-tiny': got an unexpected keyword argument 'wndow'"),
        (["--encoder", NETWORK, "--set", "seed"], "'--set' takes key=value (got 'seed')"),
        (["--encoder", NETWORK, "--set", "seed=3"], "'seed' has an option of its own"),
        (["--encoder", NETWORK, "--set", "window_seconds=abc"], "'--set' gives 'audioclip-tiny' what it cannot use"),
        (["--encoder", "hashed-words", "--root", "nowhere"], "'root' must be a folder (got nowhere)"),
        (["--encoder", NETWORK, "--modality", "video"], "'audioclip-tiny' encodes image, text, audio (got video)"),
        (["--encoder", "r2plus1d"], "'r2plus1d' encodes video; no item has video (they have image, text, audio)"),
        (["--encoder", "r2plus1d", "--modality", "video"], "no item has video"),
        (["--encoder", "r2plus1d", "--modality", "video", "--merge"], "no item has video"),
        (["--encoder", NETWORK, "--weights", "nowhere.pt"], "nowhere.pt"),
        (["--encoder", "hashed-words", "--weights", "nowhere.pt"], "'hashed-words' has no weights"),
        (["--encoder", "hashed-words", "--shard", "half"], "must be a number and a count, such as 1/4 (got 'half')"),
        (["--encoder", "hashed-words", "--shard", "3/2"], "(got 3/2)"),
        (["--encoder", "hashed-words", "--shard", "0/0"], "(got 0/0)"),
        (["--encoder", "hashed-words", "--ray", "--shard", "1/2"], "leave --shard and --merge out"),
        (["--encoder", "hashed-words", "--merge"], "blocks of 'hashed-words' are not there yet"),
        (["--encoder", "hashed-words", "--text", "{titel}"], "(unknown: titel; there are: item_id, title, text"),
        (["--encoder", "hashed-words", "--text", "{title"], "template '{title' of text: expected '}'"),
        (["--encoder", "hashed-words", "--text", "{title:04d}"], "template '{title:04d}' of text: Unknown format code"),
        (["--encoder", "hashed-words", "--text", "words"], "must name columns"),
        (["--encoder", "hashed-words", "--items", "nowhere.csv"], "nowhere.csv"),
        (["--encoder", "hashed-words", "--items", "nowhere.txt"], "nowhere.txt: no such file"),
        (["--encoder", "hashed-words", "--batch-size", "0"], "'batch_size' must be a positive integer (got 0)"),
        (["--encoder", "hashed-words", "--device", "abacus"], "'device' must be one that there is"),
        (["--encoder", "hashed-words", "--precision", "fp8"], "'precision' must be one of"),
    ],
)
def test_bad_input_is_one_line_and_exit_code_2(
    arguments: list[str], message: str, raw: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    assert message in refusal("encode", str(raw), "--out", str(tmp_path / "out"), *arguments)
    assert not list((tmp_path / "out").rglob("*.safetensors"))


def test_a_log_without_contents_says_what_to_give(log: Path) -> None:
    line = refusal("encode", str(log / "log.csv"), "--encoder", "hashed-words")
    assert "nothing to encode" in line and "--image 'posters/{item_id}.jpg'" in line


def test_the_list_of_encoders() -> None:
    rows = json.loads(call("encoders", "audioclip*", "--json")[1])
    assert rows == [{"name": name, "modalities": ["image", "text", "audio"]} for name in ("audioclip", NETWORK)]
    code, out, _ = call("encoders")
    assert code == 0 and "r2plus1d" in out and "clip:NAME" in out


def test_every_command_has_help() -> None:
    for command in ("encode", "encoders"):
        code, out, _ = call(command, "--help")
        assert code == 0 and f"Usage: gnnrec {command}" in out


@pytest.mark.parametrize("content", [b"this is not a picture", b"\xff\xd8\xff\xe0\x00\x10JFIF", b""])
def test_weights_that_are_no_weights_are_one_short_line(content: bytes, tmp_path: Path) -> None:
    write_demo_catalog(tmp_path / "data", num_users=20, num_items=80)
    weights = tmp_path / "weights.pt"
    weights.write_bytes(content)
    message = refusal("encode", str(tmp_path / "data"), "--encoder", "resnet50", "--weights", str(weights))
    assert "cannot be read as a file of weights" in message
    assert len(message) < 300 and "weights_only" not in message
