"""``gnnrec data`` from the command line."""

import json
import subprocess
import sys

import numpy as np
import pytest
from typer.main import get_command
from typer.testing import CliRunner

from gnnrec.cli.data import app
from gnnrec.data import read_dataset
from gnnrec.data.readers.external_log import COLUMN_NAMES
from gnnrec.errors import ArgumentError, DataError, UnknownNameError


@pytest.fixture
def shop(tmp_path):
    folder = tmp_path / "shop"
    folder.mkdir()
    rows = [(user, item, 0) for user in range(10) for item in range(user % 3, 20, 2)]
    rows += [(0, 20, 2), (10, 3, 2), (1, 18, 1)]
    lines = ["userID\titemID\ttimestamp\tx_label"]
    lines += [f"{user}\t{item}\t{user * 86400 + item}\t{part}" for user, item, part in rows]
    (folder / "log.inter").write_text("\n".join(lines))
    values = np.ones((21, 4), dtype=np.float16)
    values[5] = 0
    np.save(folder / "image_feat.npy", values)
    np.save(folder / "whisper.npy", np.ones((21, 2)))
    return folder


def call(*arguments):
    result = CliRunner().invoke(app, [str(argument) for argument in arguments])
    if result.exception is not None and not isinstance(result.exception, SystemExit):
        raise result.exception
    assert result.exit_code == 0, result.output
    return result.output


def test_info_json(shop):
    summary = json.loads(call("info", shop, "--json"))
    dataset = read_dataset(shop)
    assert (summary["users"], summary["items"]) == (11, 21)
    assert summary["interactions"] == {
        "train": len(dataset.train),
        "valid": 1,
        "test": 2,
        "total": len(dataset.train) + 3,
    }
    assert summary["density"] == pytest.approx(summary["interactions"]["total"] / 231)
    assert summary["user_degree"] == {"min": 1, "median": 10.0, "max": 11}
    assert summary["cold"]["test"] == {
        "users": 2,
        "items": 2,
        "cold_users": 1,
        "cold_items": 1,
        "cold_item_interactions": 1,
    }
    assert summary["features"]["image"] == {
        "modality": "image",
        "dim": 4,
        "items": 20,
        "coverage": pytest.approx(20 / 21),
    }
    assert summary["timestamps"] == {"first": 0, "last": 864003}
    assert summary["fingerprint"] == dataset.fingerprint
    assert "features 'image' cover 20 of 21 items (95.2%)" in summary["notes"]


def test_info_table(shop):
    output = call("info", shop, "--features", "whisper")
    assert "1970-01-01 00:00 to 1970-01-11 00:00" in output
    assert "1 of 2 (1 interactions)" in output
    assert "whisper" in output
    assert "image" not in output


def test_convert_and_back(shop, tmp_path):
    out = tmp_path / "own"
    assert f"written to {out}" in call("convert", shop, out)
    assert read_dataset(out).fingerprint == read_dataset(shop).fingerprint
    with pytest.raises(DataError, match="has content already"):
        call("convert", shop, out)
    summary = json.loads(call("convert", shop, out, "--force", "--features", "whisper", "--json"))
    assert summary["written"] == str(out)
    assert list(read_dataset(out).features) == ["whisper"]


def test_split(shop, tmp_path):
    summary = json.loads(
        call("split", shop, tmp_path / "own", "--by", "cold-item", "--seed", "3", "--k-core", "2", "--json")
    )
    dataset = read_dataset(tmp_path / "own")
    assert summary["fingerprint"] == dataset.fingerprint
    assert not set(dataset.train.item.tolist()) & set(dataset.test.item.tolist())
    assert summary["cold"]["test"]["cold_items"] == summary["cold"]["test"]["items"] == 2
    expected = read_dataset(shop, split="cold-item", seed=3, k_core=2)
    assert dataset.fingerprint == expected.fingerprint
    with pytest.raises(UnknownNameError, match="unknown split 'rato'"):
        call("split", shop, tmp_path / "other", "--by", "rato")


def test_columns_and_format(tmp_path):
    file = tmp_path / "orders.csv"
    file.write_text("who,what\na,x\nb,x\n")
    arguments = ("info", file, "--column", "user=who", "--column", "item=what", "--format", "table", "--json")
    assert json.loads(call(*arguments))["users"] == 2
    with pytest.raises(ArgumentError, match="must be a role and a column"):
        call("info", file, "--column", "who")


@pytest.mark.parametrize("command", ["info", "convert", "split"])
def test_column_help_names_the_roles(command):
    (option,) = [option for option in get_command(app).commands[command].params if option.name == "column"]
    assert f"({', '.join(COLUMN_NAMES)})" in option.help


def test_import_is_light():
    code = (
        "import sys, gnnrec.cli.data; "
        "print([name for name in ('torch', 'pandas', 'pyarrow', 'numpy') if name in sys.modules])"
    )
    output = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout
    assert output.strip() == "[]"
