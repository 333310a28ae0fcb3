"""The whole command on a tiny catalog, and again from what it left behind."""

import csv
import json
import sys
from collections.abc import Callable
from pathlib import Path

import compare_encoders
import pytest
from compare_encoders import main
from encoder_run import EncoderJob

from gnnrec.data.demo_catalog import write_demo_catalog

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="peak memory is read from Linux's counters")


def test_runs_are_made_once_and_reported(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write_demo_catalog(tmp_path / "demo", num_users=40, num_items=80)
    out = tmp_path / "results" / "report"
    encoders = ["--encoders", "audioclip-tiny", "--regimes", "frozen", "end-to-end", "--set", "max_items=4"]
    training = ["--models", "vbpr", "--seeds", "1", "--max-epochs", "1", "--batch-size", "1024"]
    arguments = [str(tmp_path / "demo"), *encoders, *training, "--out", str(out)]
    assert main(arguments) == 0
    with out.with_suffix(".csv").open() as file:
        rows = list(csv.DictReader(file))
    found = [(row["model"], row["content"], row["regime"]) for row in rows]
    made = [("vbpr", "audioclip-tiny", regime) for regime in ("frozen", "end-to-end")]
    assert found == [("bpr-mf", "none", "none"), *made]
    for row in rows:
        folder = tmp_path / "results" / ".cache" / "compare" / row["folder"]
        metrics = json.loads((folder / "metrics.json").read_text())
        assert float(row["test_recall@20"]) == metrics["test"]["recall@20"]
        assert json.loads((folder / "run.json").read_text())["status"] == "finished"
    page = out.with_suffix(".html").read_text()
    assert page.count("<article") == 6 and "data:image/jpeg" in page

    def train(*_: object) -> None:
        pytest.fail("what is there was trained again")

    monkeypatch.setattr(compare_encoders, "run_in_own_process", train)
    before = {path.name: path.read_bytes() for path in out.parent.glob("report*")}
    assert before.keys() == {"report.md", "report.csv", "report.html", "report_gains.svg"}
    assert main(arguments) == 0
    assert {path.name: path.read_bytes() for path in out.parent.glob("report*")} == before


def test_a_run_that_fails_leaves_the_others_and_says_so(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write_demo_catalog(tmp_path / "demo", num_users=20, num_items=80)

    def run(function: Callable[[EncoderJob], str | None], job: EncoderJob) -> str | None:
        if job.setting.regime == "frozen":
            raise MemoryError("too large")
        return function(job)

    monkeypatch.setattr(compare_encoders, "run_in_own_process", run)
    regimes = ["frozen", "end-to-end"]
    options = ["--models", "vbpr", "--seeds", "1", "--max-epochs", "1", "--out", str(tmp_path / "report")]
    assert main([str(tmp_path / "demo"), "--encoders", "colour-histogram", "--regimes", *regimes, *options]) == 1
    text = (tmp_path / "report.md").read_text()
    assert "- vbpr, colour-histogram, frozen, seed 1: MemoryError: too large" in text
    assert "- vbpr, colour-histogram, end-to-end: colour-histogram: there are no weights to train" in text
    assert "| bpr-mf alone |" in text
    assert "Gain over" not in (tmp_path / "report.html").read_text()
