"""``gnnrec encode`` in shards, on Ray, and after a kill: the bytes of one run."""

import json
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from PIL import Image
from test_commands import call
from test_encode_command import HERE, NETWORK, encode, refusal

from encoders.store import BLOCK_ITEMS

pytestmark = pytest.mark.filterwarnings("ignore::encoders.errors.RandomWeightsWarning")

PICTURES = ["--encoder", NETWORK, "--modality", "image", "--batch-size", "2"]  # slow enough to be killed halfway


@pytest.fixture
def many(tmp_path: Path) -> Path:
    """600 items of a text and a small picture: three blocks."""
    folder = tmp_path / "many"
    (folder / "images").mkdir(parents=True)
    random = np.random.default_rng(0)
    items = [f"i{place}" for place in range(600)]
    for item in items:
        Image.fromarray(random.integers(0, 256, (8, 8, 3), dtype=np.uint8)).save(folder / f"images/{item}.png")
    table = {
        "item_id": items,
        "image": [f"images/{item}.png" for item in items],
        "text": [f"song {item}" for item in items],
    }
    pd.DataFrame(table).to_parquet(folder / "items.parquet")
    pairs = [(f"u{user}", items[(user * 7 + step) % 600]) for user in range(100) for step in range(6)]
    pd.DataFrame(pairs, columns=["user_id", "item_id"]).to_parquet(folder / "interactions.parquet")
    return folder


def test_shards_give_the_bytes_of_one_run(many: Path, tmp_path: Path) -> None:
    encode(many, "--encoder", "hashed-words", "--out", str(tmp_path / "whole"))
    rows = [
        encode(many, "--encoder", "hashed-words", "--out", str(tmp_path / "shared"), "--shard", share)[0]
        for share in ("2/2", "1/2")
    ]
    assert [(row["items"], row["path"], row["covered"]) for row in rows] == [(280, None, None), (320, None, None)]
    (merged,) = encode(many, "--encoder", "hashed-words", "--out", str(tmp_path / "shared"), "--merge")
    assert (merged["items"], merged["covered"]) == (600, 600)
    whole, shared = (tmp_path / name / "hashed-words.text.safetensors" for name in ("whole", "shared"))
    assert whole.read_bytes() == shared.read_bytes()


def test_merging_too_early_and_what_a_shard_says(many: Path, tmp_path: Path) -> None:
    one = ["encode", str(many), "--encoder", "hashed-words", "--out", str(tmp_path / "out"), *HERE]
    code, out, err = call(*one, "--shard", "1/2")
    assert code == 0 and "when all are, run the same command with --merge" in err and "next:" not in err
    assert "5 of 10 blocks of 'hashed-words' are not there yet (first: 1)" in refusal(*one, "--merge")
    assert call(*one, "--shard", "2/2")[0] == 0
    code, out, err = call(*one, "--merge")
    assert code == 0 and "600" in out and "next: gnnrec train" in err


@pytest.fixture
def killed(many: Path) -> Iterator[Path]:
    """The data after a run that was killed when its first block was written."""
    command = [sys.executable, "-m", "gnnrec", "encode", str(many), *PICTURES, *HERE]
    run = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        deadline = time.monotonic() + 120
        while not list(many.glob("features/.encoding/*/*/block-*.safetensors")):
            assert run.poll() is None and time.monotonic() < deadline
            time.sleep(0.005)
        run.send_signal(signal.SIGKILL)
        assert run.wait(timeout=30) == -signal.SIGKILL
    finally:
        if run.poll() is None:
            run.kill()
    yield many


def test_a_killed_run_goes_on_where_it_was(killed: Path, tmp_path: Path) -> None:
    blocks = list(killed.glob("features/.encoding/*/*/block-*.safetensors"))
    done = len(blocks) * BLOCK_ITEMS
    assert 0 < done < 600 and not list(killed.glob("features/*.safetensors"))
    (row,) = encode(killed, *PICTURES)
    assert (row["reused"], row["encoded"], row["covered"]) == (done, 600 - done, 600)
    assert row["seconds"]["forward"] > 0
    (whole,) = encode(killed, *PICTURES, "--out", str(tmp_path / "whole"))
    assert whole["encoded"] == 600
    assert Path(row["path"]).read_bytes() == Path(whole["path"]).read_bytes()
    assert not list(killed.glob("features/.*"))


@pytest.mark.timeout(240)
def test_ray_gives_the_bytes_of_a_run_without(many: Path, tmp_path: Path) -> None:
    pytest.importorskip("ray", reason="ray is not installed: pip install 'gnnrec[ray]'")
    (plain,) = encode(many, "--encoder", "hashed-words", "--out", str(tmp_path / "plain"))
    # A process of its own, for Ray runs until the end of the one that started it.
    command = ["encode", str(many), "--encoder", "hashed-words", "--ray", "--json", "--out", "shared", *HERE]
    result = subprocess.run(
        [sys.executable, "-m", "gnnrec", *command], capture_output=True, text=True, check=False, cwd=tmp_path
    )
    assert result.returncode == 0, result.stderr
    (shared,) = json.loads(result.stdout)
    assert shared["path"] == "shared/hashed-words.text.safetensors" and shared["encoded"] == 600
    assert (tmp_path / shared["path"]).read_bytes() == Path(plain["path"]).read_bytes()
