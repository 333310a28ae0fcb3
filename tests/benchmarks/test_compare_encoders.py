"""The whole command on a tiny catalog, and again from what it left behind."""

import csv
import json
import sys
from pathlib import Path

import compare_encoders
import pytest
from compare_encoders import main

from gnnrec.data.demo_catalog import write_demo_catalog

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="peak memory is read from Linux's counters")


def test_runs_are_made_once_and_reported(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    write_demo_catalog(tmp_path / "demo", num_users=40, num_items=80)
    out = tmp_path / "results" / "report"
    encoders = ["--encoders", "audioclip-tiny", "colour-histogram", "--regimes", "frozen", "end-to-end"]
    training = ["--models", "vbpr", "--seeds", "1", "--max-epochs", "1", "--batch-size", "1024", "--set", "max_items=4"]
    arguments = [str(tmp_path / "demo"), *encoders, *training, "--out", str(out)]
    assert main(arguments) == 0
    with out.with_suffix(".csv").open() as file:
        rows = list(csv.DictReader(file))
    found = [(row["model"], row["content"], row["regime"]) for row in rows]
    learned = [("vbpr", "audioclip-tiny", "frozen"), ("vbpr", "audioclip-tiny", "end-to-end")]
    assert found == [("bpr-mf", "none", "none"), *learned, ("vbpr", "colour-histogram", "frozen")]
    for row in rows:
        folder = tmp_path / "results" / ".cache" / "compare" / row["folder"]
        metrics = json.loads((folder / "metrics.json").read_text())
        assert float(row["test_recall@20"]) == metrics["test"]["recall@20"]
        assert json.loads((folder / "run.json").read_text())["status"] == "finished"
    text = out.with_suffix(".md").read_text()
    assert "- vbpr, colour-histogram, end-to-end: colour-histogram: there are no weights to train" in text
    page = out.with_suffix(".html").read_text()
    assert page.count("<article") == 12 and "data:image/jpeg" in page
    assert (tmp_path / "results" / "report_gains.svg").exists()

    def train(*_: object) -> None:
        pytest.fail("what is there was trained again")

    monkeypatch.setattr(compare_encoders, "run_in_own_process", train)
    before = {path: path.read_bytes() for path in out.parent.glob("report*")}
    arguments[arguments.index("end-to-end")] = "frozen"
    assert main(arguments) == 0
    assert {row["folder"] for row in rows} > {line.split()[-1] for line in capsys.readouterr().err.splitlines()[-5:-1]}
    assert out.with_suffix(".csv").read_bytes() != before[out.with_suffix(".csv")]


def test_a_run_that_fails_leaves_the_others_and_says_so(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write_demo_catalog(tmp_path / "demo", num_users=20, num_items=80)
    made = compare_encoders.run_in_own_process

    def run(function: object, job: compare_encoders.EncoderJob) -> object:
        if job.setting.encoders:
            raise MemoryError("too large")
        return function(job)  # type: ignore[operator]

    monkeypatch.setattr(compare_encoders, "run_in_own_process", run)
    options = ["--models", "vbpr", "--seeds", "1", "--max-epochs", "1", "--out", str(tmp_path / "report")]
    assert main([str(tmp_path / "demo"), "--encoders", "colour-histogram", *options]) == 1
    text = (tmp_path / "report.md").read_text()
    assert "- vbpr, colour-histogram, frozen, seed 1: MemoryError: too large" in text
    assert "| bpr-mf alone |" in text
    assert made is not run
