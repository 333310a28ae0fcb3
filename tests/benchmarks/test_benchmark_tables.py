"""The tables say what the records hold."""

import sys
from dataclasses import replace
from pathlib import Path

import pytest
from cold_table import write_cold_table
from item_count_table import item_count_lines
from models_table import TARGETS, write_models_table
from plan import cold_jobs, every_feature_jobs, final_jobs, search_jobs
from records import Budget, Job, Record, Records, Source
from run_job import run_job

from gnnrec.data import write_dataset
from gnnrec.testing import planted_dataset

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="peak memory is read from Linux's counters")

BUDGET = Budget(max_epochs=3, patience=2)


@pytest.fixture(scope="module")
def source(tmp_path_factory) -> Source:
    dataset = planted_dataset(num_users=60, num_items=80)
    features = dict(zip(("image", "audio"), dataset.features.values(), strict=True))
    features["text"] = features["image"]
    folder = tmp_path_factory.mktemp("data") / "tiktok"
    return Source.from_folder(write_dataset(replace(dataset, features=features), folder))


def run(jobs: list[Job], records: Records) -> list[Record]:
    made = [{**job.describe(), **run_job(job, records.cache)} for job in jobs]
    for record in made:
        records.append(record)
    return made


def rows_of(path: Path) -> list[list[str]]:
    lines = [line for line in path.read_text().splitlines() if line.startswith("|")]
    return [line.strip("| ").split(" | ") for line in lines]


def test_models_table(source: Source, tmp_path) -> None:
    records = Records(tmp_path / "models.jsonl")
    for model in ("popularity", "lightgcn", "vbpr", "lattice"):
        run(search_jobs(source, model, BUDGET)[:1], records)
        finals = run(final_jobs(source, model, {}, BUDGET), records)
    every = run(every_feature_jobs(source, "lattice", {}, BUDGET), records)
    run(every_feature_jobs(source, "content-knn", {}, BUDGET), records)
    path = write_models_table(records, BUDGET)
    rows = {row[0]: row for row in reversed(rows_of(path))}
    mean = sum(record["test"]["recall@20"] for record in finals) / 3
    assert rows["lattice"][4].startswith(f"{mean:.4f} ± ")
    assert rows["lattice"][6] == f"{finals[0]['parameters']:,}"
    assert rows["ease"][1] == "not run"
    assert rows["1 to 4"][3].count("±") == 1
    assert [record["features"] for record in (finals[0], every[0])] == [["image", "audio"], ["audio", "image", "text"]]
    wide = next(row for row in rows_of(path) if row[:2] == ["lattice", "the search's, with audio, image, text"])
    assert wide[4].startswith(f"{sum(record['test']['recall@20'] for record in every) / 3:.4f} ± ")
    assert f"It passes the target of 0.105 by {mean - TARGETS['tiktok']:.4f}." in path.read_text().replace("\n", " ")
    comparisons = [row for row in rows_of(path) if row[:2] in (["vbpr", "lightgcn"], ["lattice", "lightgcn"])]
    baseline = float(rows["lightgcn"][4].split(" ± ")[0])
    assert float(comparisons[1 if comparisons[1][0] == "lattice" else 0][2]) == pytest.approx(mean - baseline, abs=2e-4)


def test_gain_by_how_often_training_has_an_item() -> None:
    def runs(*recalls: tuple[float, float]) -> list[Record]:
        bounds = [(0, 0, 0), (1, 4, 25), (5, None, 75)]
        return [
            {
                "test_by_item_count": [
                    {"from": low, "to": high, "positives": positives, "recall@20": recall}
                    for (low, high, positives), recall in zip(bounds, (None, *both), strict=True)
                ]
            }
            for both in recalls
        ]

    found = {"mgcn": runs((0.3, 0.5), (0.5, 0.7)), "lightgcn": runs((0.1, 0.6), (0.1, 0.6))}
    lines = item_count_lines(found, "mgcn", "lightgcn")
    assert [line.strip("| ").split(" | ") for line in lines if line.startswith("|")][2:] == [
        ["1 to 4", "25.0%", "0.1000 ± 0.0000", "0.4000 ± 0.1414", "+0.3000", "+0.0750"],
        ["5 or more", "75.0%", "0.6000 ± 0.0000", "0.6000 ± 0.1414", "+0.0000", "+0.0000"],
    ]
    found["mgcn"].append({"test": {}})
    assert item_count_lines(found, "mgcn", "lightgcn") == []


def test_cold_table(source: Source, tmp_path) -> None:
    records = Records(tmp_path / "models.jsonl")
    for model in ("content-knn", "vbpr"):
        runs = run(cold_jobs(source, model, {}, BUDGET), records)
    path = write_cold_table(records, BUDGET)
    mean = sum(record["test"]["recall@20"] for record in runs) / 3
    row = next(row for row in rows_of(path) if row[0] == "vbpr")
    assert row[2] == "yes"
    assert row[4].startswith(f"{mean:.4f} ± ")
    # All 8 candidates of 80 items fit a list of 20.
    assert runs[0]["candidates"] == 8
    assert mean == 1.0
    assert runs[0]["test_all_items"]["recall@20"] < 1.0
