"""``gnnrec recommend --explain`` as a user reads it and as a program does."""

import json
import sys
from dataclasses import replace
from pathlib import Path

import pandas as pd
import pytest

from gnnrec.cli.main import main
from gnnrec.testing import planted_dataset
from gnnrec.training import TrainOptions
from gnnrec.training.experiment import run_experiment


@pytest.fixture(scope="module")
def runs(tmp_path_factory: pytest.TempPathFactory) -> Path:
    data = planted_dataset(num_users=60, num_items=80)
    data = replace(data, catalog=pd.DataFrame({"title": [f"Title {number}" for number in range(80)]}))
    folder = tmp_path_factory.mktemp("runs")
    for name in ("content-knn", "lightgcn", "popularity"):
        run_experiment(name, data, folder / name, options=TrainOptions(max_epochs=3, device="cpu"))
    return folder


def recommend(run: Path, *arguments: str, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> str:
    monkeypatch.setattr(sys, "argv", ["gnnrec", "recommend", str(run), *arguments])
    with pytest.raises(SystemExit) as ended:
        main()
    assert ended.value.code == 0
    return capsys.readouterr().out


def test_table_and_json_say_the_same(
    runs: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    arguments = ("--user", "3", "-k", "4", "--explain")
    table = recommend(runs / "content-knn", *arguments, capsys=capsys, monkeypatch=monkeypatch)
    assert "because of" in table and "shares of the score" in table
    answer = json.loads(recommend(runs / "content-knn", *arguments, "--json", capsys=capsys, monkeypatch=monkeypatch))
    for item in answer[0]["items"]:
        assert 1 <= len(item["explanation"]["history"]) <= 3
        for other in item["explanation"]["history"]:
            assert f"{other['title']} ({other['similarity']:.2f})" in table
        for name, share in item["explanation"]["modality_shares"].items():
            against = " against" if item["explanation"]["contributions"][name] < 0 else ""
            assert f"{name} {share:.0%}{against}" in table


def test_what_a_model_does_not_know_is_a_note_and_no_empty_column(
    runs: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    lightgcn = recommend(runs / "lightgcn", "--user", "3", "--explain", capsys=capsys, monkeypatch=monkeypatch)
    assert "because of" in lightgcn and "shares of the score" not in lightgcn
    assert lightgcn.count("lightgcn goes by interactions alone, so no modality has a share") == 1
    popularity = recommend(runs / "popularity", "--user", "3", "--explain", capsys=capsys, monkeypatch=monkeypatch)
    assert "because of" not in popularity and "popularity knows no similarity between items" in popularity
    stranger = recommend(runs / "content-knn", "--user", "x", "--explain", capsys=capsys, monkeypatch=monkeypatch)
    assert "all items: nothing is known of what this user took" in stranger


def test_without_the_option_nothing_is_explained(
    runs: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    out = recommend(runs / "lightgcn", "--user", "3", "--json", capsys=capsys, monkeypatch=monkeypatch)
    assert "explanation" not in out
    assert "goes by" not in recommend(runs / "lightgcn", "--user", "3", capsys=capsys, monkeypatch=monkeypatch)
