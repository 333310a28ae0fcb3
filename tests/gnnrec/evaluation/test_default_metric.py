"""What selects and compares where nobody named a metric, and which list lengths there are."""

import json
import sys
from pathlib import Path

import numpy as np
import pytest

from gnnrec.cli.main import main
from gnnrec.data import write_dataset
from gnnrec.errors import ArgumentError
from gnnrec.evaluation import EvalOptions
from gnnrec.evaluation.metrics import default_metric
from gnnrec.testing import planted_dataset
from gnnrec.training.experiment import run_experiment


@pytest.mark.parametrize(
    ("ks", "metric"),
    [((10, 20, 50), 20), ((5, 10), 10), ((10, 5), 10), ((50, 100), 50), ((1,), 1), ((15, 25), 15), ((25, 15), 15)],
)
def test_recall_at_20_or_at_the_nearest_length(ks: tuple[int, ...], metric: int) -> None:
    assert default_metric(ks) == f"recall@{metric}"


def test_other_list_lengths_alone_train_and_compare(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    data = write_dataset(planted_dataset(num_users=40, num_items=50), tmp_path / "data")

    def call(*arguments: str) -> str:
        monkeypatch.setattr(sys, "argv", ["gnnrec", *arguments])
        with pytest.raises(SystemExit) as ended:
            main()
        captured = capsys.readouterr()
        assert ended.value.code == 0, captured.err
        return captured.out

    small = ["--ks", "5,10", "--device", "cpu", "--max-epochs", "1"]
    for model in ("bpr-mf", "popularity"):
        call("train", model, str(data), "--out", str(tmp_path / model), *small)
        assert json.loads((tmp_path / model / "run.json").read_text())["options"]["metric"] == "recall@10"
    table = json.loads(call("compare", str(tmp_path / "bpr-mf"), str(tmp_path / "popularity"), "--json"))
    assert table["metric"] == "recall@10"
    other = call("compare", str(tmp_path / "bpr-mf"), str(tmp_path / "popularity"), "--metric", "ndcg@5", "--json")
    assert json.loads(other)["metric"] == "ndcg@5"


def test_python_selects_by_a_length_that_there_is(tmp_path: Path) -> None:
    data = planted_dataset(num_users=40, num_items=50)
    run_experiment("popularity", data, tmp_path / "run", evaluation=EvalOptions(ks=(5, 10)))
    assert json.loads((tmp_path / "run" / "run.json").read_text())["options"]["metric"] == "recall@10"


@pytest.mark.parametrize("ks", [(), (0,), (True,), (10.0,), ("10",), "10", (10, -1), None, 10, (2**70,)])
def test_list_lengths_that_are_none(ks: object) -> None:
    with pytest.raises(ArgumentError, match="'ks' must hold positive integers"):
        EvalOptions(ks=ks)  # type: ignore[arg-type]


def test_list_lengths_of_numpy_are_kept_as_integers() -> None:
    assert [type(k) for k in EvalOptions(ks=tuple(np.array([10, 20]))).ks] == [int, int]
