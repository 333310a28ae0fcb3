"""``gnnrec train --encoder`` and ``gnnrec add-items``, as a user runs them."""

import json
import shutil
from pathlib import Path

import pandas as pd
import pytest
from test_commands import call

from gnnrec.data.demo_catalog import write_demo_catalog

pytestmark = pytest.mark.filterwarnings("ignore::encoders.errors.RandomWeightsWarning")

QUICK = ["--max-epochs", "1", "--batch-size", "512", "--device", "cpu"]


@pytest.fixture(scope="module")
def catalog(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("train-encoder") / "catalog"
    write_demo_catalog(folder, num_users=40, num_items=80)
    return folder


def run(*arguments: object, code: int = 0) -> tuple[str, str]:
    got, out, err = call(*map(str, arguments))
    assert got == code, err
    return out, err


def test_from_end_to_end_training_to_new_items_and_new_features(catalog: Path, tmp_path: Path) -> None:
    out = tmp_path / "run"
    chosen = ["--encoder", "audioclip-tiny", "--encoder-training", "end-to-end", "--encoder-set", "max_items=8"]
    _, told = run("train", "vbpr", catalog, "--out", out, *chosen, *QUICK)
    assert "a step encodes at most 8 items with gradient" in told and "GiB in all" in told
    assert "audioclip-tiny.text: 80 of 80 items" in told or "audioclip-tiny.text:" in told
    table = pd.read_parquet(catalog / "items.parquet").head(2).assign(item_id=["fresh-0", "fresh-1"])
    (tmp_path / "new").mkdir()
    for column in ("image", "audio"):
        for name in table[column].dropna():
            (tmp_path / "new" / name).parent.mkdir(exist_ok=True)
            shutil.copy(catalog / name, tmp_path / "new" / name)
    table.to_parquet(tmp_path / "new" / "items.parquet")
    added = json.loads(run("add-items", out, tmp_path / "new", "--json")[0])
    assert added["items"] == 2
    listed = json.loads(run("recommend", out, "--user", "ada-000", "-k", 100, "--json")[0])
    assert {"fresh-0", "fresh-1"} <= {item["item_id"] for item in listed[0]["items"]}
    json.loads(run("evaluate", out, "--json")[0])  # of the items of training
    weights = out / "encoders" / "audioclip-tiny.safetensors"
    other = tmp_path / "features"
    run("encode", catalog, "--encoder", "audioclip-tiny", "--weights", weights, "--out", other, "--workers", 0)
    assert (other / "audioclip-tiny.image.safetensors").is_file()


def test_several_encoders_make_features_of_one_run(catalog: Path, tmp_path: Path) -> None:
    chosen = ["--encoder", "audioclip-tiny", "--encoder", "hashed-words", "--encoder-training", "frozen"]
    run("train", "vbpr", catalog, "--out", tmp_path / "run", *chosen, *QUICK)
    description = json.loads((tmp_path / "run" / "run.json").read_text())
    assert "hashed-words" in description["encoders"]["features"]


@pytest.mark.parametrize(("model", "told"), [("content-knn", None), ("bm3", "bm3 scores do not split by modality")])
def test_runs_that_made_their_features_explain(model: str, told: str | None, catalog: Path, tmp_path: Path) -> None:
    out, chosen = tmp_path / "run", ["--encoder", "colour-histogram", "--encoder", "hashed-words"]
    run("train", model, catalog, "--out", out, *chosen, *QUICK)
    listed = json.loads(run("recommend", out, "--user", "ada-000", "--explain", "--json")[0])
    explained = [item["explanation"] for item in listed[0]["items"]]
    assert all(one["note"] == told for one in explained)
    if told is None:
        assert all(set(one["modality_shares"]) == {"colour-histogram", "hashed-words"} for one in explained)


def test_new_items_alone_can_be_ranked(catalog: Path, tmp_path: Path) -> None:
    chosen = ["--encoder", "colour-histogram", "--split", "cold-item", "--candidates", "new", "--json"]
    figures = json.loads(run("train", "vbpr", catalog, "--out", tmp_path / "run", *chosen, *QUICK)[0])
    assert figures["test"]["recall@20"] > 0.3  # of some 16 candidates


def test_wrong_use_is_told_in_a_line(catalog: Path, tmp_path: Path) -> None:
    common = ["train", "vbpr", catalog, "--out", tmp_path / "run", *QUICK]
    assert "are about '--encoder'" in run(*common, "--encoder-training", "end-to-end", code=2)[1]
    tiny = ["--encoder", "audioclip-tiny"]
    bare = ["--encoder", "colour-histogram", "--encoder-training", "end-to-end"]
    assert "colour-histogram: there are no weights to train" in run(*common, *bare, code=2)[1]
    assert "did you mean 'max_items'" in run(*common, *tiny, "--encoder-set", "max_item=3", code=2)[1]
    assert "must read learning_rate=1e-5" in run(*common, *tiny, "--encoder-set", "max_items", code=2)[1]
    wrong = run(*common, *tiny, "--encoder-set", "max_items=abc", code=2)[1]
    assert "error: 'max_items' must be int (got 'abc')" in wrong
    wrong = run(*common, *tiny, "--encoder-set", "batch_statistics=1", code=2)[1]
    assert "error: 'batch_statistics' must be true or false (got '1')" in wrong
    assert "unknown encoder" in run(*common, "--encoder", "audioclop", code=2)[1]
    assert "no item has video" in run(*common, "--encoder", "r2plus1d", code=2)[1]
    run("train", "vbpr", catalog, "--out", tmp_path / "none", "--encoder", "audioclip-tiny", *QUICK)
    assert "no such file" in run("add-items", tmp_path / "none", tmp_path / "nothing", code=2)[1]
