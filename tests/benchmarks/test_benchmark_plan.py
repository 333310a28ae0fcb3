"""What benchmarks/models.py runs and chooses."""

import json
from dataclasses import replace

import pytest
from comparison import compare_models
from plan import chosen_point, every_feature_jobs, final_jobs, fusion_jobs, search_jobs, searched
from records import Budget, Job, Record, Records, Source, find
from spaces import KNOWN, SEARCH_POINTS, content_models, points, settings_key, settings_of, split_point

from gnnrec.models import create_model, list_models
from gnnrec.training import TrainOptions

BUDGET = Budget(max_epochs=100, patience=20)
SOURCE = Source("made-up", {"given": "abc", "cold-item": "def"}, ("image",))


def record_of(job: Job, *, valid: float = 0.1, test: float = 0.1, **more: object) -> Record:
    figures = {"valid": {"recall@20": valid, "ndcg@20": valid}, "test": {"recall@20": test, "ndcg@20": test}}
    training = {"epochs": 60, "best_epoch": 40, "max_epochs": job.budget.max_epochs, "patience": job.budget.patience}
    return {**job.describe(), **figures, **training, "seconds": 1.0, **more}


@pytest.mark.parametrize("model", list_models())
def test_points_fit_the_budget_and_the_model(model: str) -> None:
    drawn = points(model)
    assert drawn[0] == {}
    assert len(drawn) <= SEARCH_POINTS + len(KNOWN.get(model, []))
    assert len({settings_key(settings_of(model, point)) for point in drawn}) == len(drawn)
    assert drawn == points(model)
    for point in drawn:
        own, training = split_point(point)
        create_model(model, num_users=4, num_items=5, feature_dims={"image": 3, "audio": 2}, **own)
        TrainOptions(**training)


def test_the_choice_reads_validation_and_not_test() -> None:
    jobs = search_jobs(SOURCE, "lightgcn", BUDGET)
    records = [record_of(job, valid=place, test=-place) for place, job in enumerate(jobs)]
    assert chosen_point(records, SOURCE, "lightgcn", BUDGET) == jobs[-1].point
    records[-1] |= {"failed": "loss is not finite"}
    assert chosen_point(records, SOURCE, "lightgcn", BUDGET) == jobs[-2].point
    assert len(searched(records, SOURCE, "lightgcn", BUDGET)) == len(jobs)
    assert chosen_point([], SOURCE, "lightgcn", BUDGET) == {}


@pytest.mark.parametrize("model", content_models())
def test_a_models_own_fusion_is_its_final_run(model: str) -> None:
    default = settings_of(model, {}).get("fusion")
    jobs = fusion_jobs(SOURCE, model, {}, default, BUDGET) if default else []
    finals = final_jobs(SOURCE, model, {}, BUDGET)
    assert all(find(job, [record_of(final)]) for job, final in zip(jobs, finals, strict=False))


def test_runs_with_every_feature_are_no_runs_of_the_search() -> None:
    assert every_feature_jobs(SOURCE, "mgcn", {}, BUDGET) == []
    source = replace(SOURCE, every_feature=("image", "text"))
    assert every_feature_jobs(source, "lightgcn", {}, BUDGET) == []
    records = [record_of(job) for job in every_feature_jobs(source, "mgcn", {}, BUDGET)]
    assert [record["features"] for record in records] == [["image", "text"]] * 3
    assert not any(find(job, records) for job in final_jobs(source, "mgcn", {}, BUDGET))
    assert Source.from_records("made-up", records).every_feature == ["image", "text"]


def test_a_run_that_stopped_by_itself_counts_under_any_larger_cap() -> None:
    job = search_jobs(SOURCE, "lightgcn", BUDGET)[1]
    stopped = record_of(replace(job, budget=Budget(1000, 20)))
    capped = record_of(replace(job, budget=Budget(60, 20)), best_epoch=50)
    assert find(job, [stopped]) is stopped
    assert find(job, [capped]) is None
    assert find(replace(job, budget=Budget(60, 20)), [capped]) is capped
    assert find(replace(job, budget=Budget(50, 20)), [stopped]) is None
    assert find(replace(job, budget=Budget(100, 30)), [stopped]) is None


@pytest.mark.parametrize(
    "other",
    [
        {"seed": 1},
        {"fingerprint": "xyz"},
        {"split": "cold-item"},
        {"features": ["audio"]},
        {"settings": {"embedding_dim": 1}},
    ],
)
def test_another_run_is_not_taken_for_the_job(other: Record) -> None:
    job = search_jobs(SOURCE, "vbpr", BUDGET)[0]
    assert find(job, [{**record_of(job), **other}]) is None


def test_final_runs_need_the_figures_of_each_user_and_the_latest_counts(tmp_path) -> None:
    job = final_jobs(SOURCE, "lightgcn", {}, BUDGET)[0]
    records = Records(tmp_path / "models.jsonl")
    for record in (record_of(job, per_user="old"), record_of(job, per_user="new"), record_of(job)):
        records.append(record)
    found = find(job, records.read())
    assert found is not None
    assert found["per_user"] == "new"


def test_comparisons_are_kept_for_where_the_figures_of_users_are_not(tmp_path) -> None:
    runs = {model: [{"per_user": f"{model}-1"}] for model in ("vbpr", "lightgcn")}
    kept = tmp_path / "significance.json"
    assert compare_models(runs, ["lightgcn"], tmp_path, kept, "made-up") is None
    folders = {model: [f"{model}-1"] for model in runs}
    kept.write_text(json.dumps({"made-up": {"runs": folders, "against": ["lightgcn"], "comparisons": [{"a": "vbpr"}]}}))
    assert compare_models(runs, ["lightgcn"], tmp_path, kept, "made-up") == [{"a": "vbpr"}]
    runs["vbpr"] = [{"per_user": "vbpr-2"}]
    assert compare_models(runs, ["lightgcn"], tmp_path, kept, "made-up") is None
