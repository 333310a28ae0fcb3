import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
import typer
from scipy import stats
from typer.testing import CliRunner

from gnnrec.cli.compare import compare
from gnnrec.errors import ArgumentError, DataError, RunError, UnknownNameError

app = typer.Typer()
app.command()(compare)
NUM_USERS = 200


def write_run(
    folder: Path,
    model: str,
    seed: int,
    lift: float = 0.0,
    users: list[Any] | None = None,
    fingerprint: str = "f00d",
    **arguments: Any,
) -> Path:
    """A run folder with as much as a comparison reads; the same user is about equally easy in every run."""
    folder.mkdir()
    record = {
        "model": {"name": model, "arguments": arguments},
        "data": {"path": "some/data", "fingerprint": fingerprint},
        "options": {"learning_rate": 0.001, "seed": seed},
        "features": {},
        "seed": seed,
    }
    (folder / "run.json").write_text(json.dumps(record))
    ids = [f"user {index}" for index in range(NUM_USERS)] if users is None else users
    easy = 0.2 + np.random.default_rng(7).random(len(ids)) * 0.35
    recall = easy + lift + 0.05 * np.random.default_rng([seed, len(model)]).standard_normal(len(ids))
    test = pd.DataFrame({"user_id": ids, "part": "test", "recall@20": recall, "ndcg@20": recall / 2})
    valid = test.assign(part="valid", **{"recall@20": 0.125})
    frame = pd.concat([valid, test.sample(frac=1, random_state=seed)])  # rows in no common order
    frame.to_parquet(folder / "metrics_per_user.parquet", index=False)
    return folder


def recalls(folder: Path) -> np.ndarray:
    frame = pd.read_parquet(folder / "metrics_per_user.parquet").query("part == 'test'")
    return frame.sort_values("user_id")["recall@20"].to_numpy()


def run_json(*arguments: Any) -> dict[str, Any]:
    result = CliRunner().invoke(app, [*map(str, arguments), "--json"], catch_exceptions=False)
    assert result.exit_code == 0
    return json.loads(result.stdout)


def error_of(*arguments: Any) -> BaseException:
    result = CliRunner().invoke(app, [str(argument) for argument in arguments])
    assert result.exit_code != 0
    assert result.exception is not None
    return result.exception


@pytest.fixture
def runs(tmp_path: Path) -> list[Path]:
    """Three seeds of a better model and two of a worse one, in mixed order."""
    return [
        write_run(tmp_path / "light1", "lightgcn", 1, lift=0.05),
        write_run(tmp_path / "bpr1", "bpr-mf", 1),
        write_run(tmp_path / "light2", "lightgcn", 2, lift=0.05),
        write_run(tmp_path / "bpr2", "bpr-mf", 2),
        write_run(tmp_path / "light3", "lightgcn", 3, lift=0.06),
    ]


def test_seeds_are_averaged_by_user_before_the_tests(runs: list[Path]) -> None:
    record = run_json(*runs)
    light, bpr = (np.stack([recalls(runs[index]) for index in group]) for group in ([0, 2, 4], [1, 3]))
    assert [model["name"] for model in record["models"]] == ["lightgcn", "bpr-mf"]
    assert [model["seeds"] for model in record["models"]] == [[1, 2, 3], [1, 2]]
    assert record["models"][0]["mean"] == pytest.approx(light.mean())
    assert record["models"][0]["spread"] == pytest.approx(np.std(light.mean(axis=1), ddof=1))
    (pair,) = record["comparisons"]
    assert (pair["a"], pair["b"], pair["num_users"]) == ("lightgcn", "bpr-mf", NUM_USERS)
    assert pair["difference"] == pytest.approx(light.mean() - bpr.mean())
    assert pair["t_p"] == pytest.approx(stats.ttest_rel(light.mean(axis=0), bpr.mean(axis=0)).pvalue)
    assert pair["ci_low"] < pair["difference"] < pair["ci_high"]


def test_tables(runs: list[Path]) -> None:
    result = CliRunner().invoke(app, [*map(str, runs)], catch_exceptions=False)
    assert result.exit_code == 0
    assert "recall@20 on test, 200 users" in result.stdout
    assert "1, 2, 3" in result.stdout
    assert f"{recalls(runs[1]).mean() / 2 + recalls(runs[3]).mean() / 2:.4f}" in result.stdout


def test_other_metric_and_part(runs: list[Path]) -> None:
    assert run_json(*runs, "--metric", "ndcg@20")["models"][1]["mean"] == pytest.approx(
        run_json(*runs)["models"][1]["mean"] / 2
    )
    valid = run_json(*runs, "--part", "valid")
    assert valid["models"][0]["mean"] == 0.125
    assert valid["comparisons"][0]["t_p_corrected"] == 1.0


def test_same_model_with_other_arguments_is_another_model(tmp_path: Path) -> None:
    runs = [
        write_run(tmp_path / "a", "lightgcn", 1, num_layers=2, embedding_dim=64),
        write_run(tmp_path / "b", "lightgcn", 1, num_layers=3, embedding_dim=64),
        write_run(tmp_path / "c", "bpr-mf", 1),
    ]
    names = ["lightgcn (num_layers=2)", "lightgcn (num_layers=3)", "bpr-mf"]
    assert [model["name"] for model in run_json(*runs)["models"]] == names
    for baseline in (names[1], runs[1]):
        pairs = run_json(*runs, "--baseline", baseline)["comparisons"]
        assert [(pair["a"], pair["b"]) for pair in pairs] == [(names[0], names[1]), (names[2], names[1])]
    with pytest.raises(UnknownNameError, match=r"unknown baseline 'bpr'.*Available: bpr-mf, lightgcn"):
        raise error_of(*runs, "--baseline", "bpr")


def test_seeds_of_one_model_only(runs: list[Path]) -> None:
    record = run_json(runs[0], runs[2])
    assert record["comparisons"] == []
    assert record["models"][0]["spread"] > 0
    result = CliRunner().invoke(app, [str(runs[0]), str(runs[2])])
    assert "nothing to test" in result.stdout


def test_users_without_a_value_are_left_out_of_all(runs: list[Path]) -> None:
    path = runs[0] / "metrics_per_user.parquet"
    frame = pd.read_parquet(path)
    frame.loc[frame["user_id"].isin(["user 3", "user 9"]), "recall@20"] = np.nan
    frame.to_parquet(path, index=False)
    assert run_json(*runs)["num_users"] == NUM_USERS - 2


def test_integer_ids(tmp_path: Path) -> None:
    runs = [write_run(tmp_path / name, name, 1, users=list(range(30))) for name in ("ease", "vbpr")]
    assert run_json(*runs)["num_users"] == 30


@pytest.mark.parametrize("count", [0, 1])
def test_too_few_runs(runs: list[Path], count: int) -> None:
    error = error_of(*runs[:count])
    assert isinstance(error, ArgumentError if count else SystemExit)


def test_other_data_is_refused(runs: list[Path], tmp_path: Path) -> None:
    other = write_run(tmp_path / "other", "vbpr", 1, fingerprint="beef")
    with pytest.raises(DataError, match=r"same data.*bpr1 on some/data \(fingerprint f00d\).*other .*beef"):
        raise error_of(runs[1], other)


def test_other_protocol_is_refused(runs: list[Path]) -> None:
    for index, (masked, ks) in enumerate([(False, [20]), (False, [10, 20]), (True, [20])]):
        path = runs[index] / "run.json"
        evaluation = {"ks": ks, "mask_valid": masked, "beyond_accuracy": True}
        path.write_text(json.dumps({**json.loads(path.read_text()), "evaluation": evaluation}))
    assert run_json(*runs[:2])["num_users"] == NUM_USERS  # other list lengths do no harm
    with pytest.raises(RunError, match=r"'mask_valid' is False in .*light1 and True in .*light2"):
        raise error_of(*runs[:3])


def test_a_setting_of_a_later_version_is_at_its_default(runs: list[Path]) -> None:
    """Runs made before there were candidates to choose ranked all items."""
    record = json.loads((runs[0] / "run.json").read_text())
    (runs[0] / "run.json").write_text(json.dumps({**record, "evaluation": {"candidates": "all", "mask_valid": False}}))
    assert run_json(*runs)["models"]
    options = {**record["options"], "accumulate_steps": 1}
    (runs[0] / "run.json").write_text(json.dumps({**record, "options": options}))
    assert len(run_json(*runs)["models"]) == 2, "the seeds of a model are still one"
    (runs[0] / "run.json").write_text(json.dumps({**record, "evaluation": {"candidates": "new"}}))
    with pytest.raises(RunError, match=r"'candidates' is 'new' in .* and 'all' in"):
        compare(runs)


def test_other_users_are_refused(runs: list[Path], tmp_path: Path) -> None:
    other = write_run(tmp_path / "other", "vbpr", 1, users=[f"user {index}" for index in range(1, 202)])
    with pytest.raises(RunError, match=r"1 are in .*bpr1 only \(first: 'user 0'\); 2 are in .*other only"):
        raise error_of(runs[1], other)


def test_the_same_seed_twice_is_refused(runs: list[Path]) -> None:
    with pytest.raises(RunError, match="one model with the same seed 1"):
        raise error_of(runs[1], runs[0], runs[1])


def test_unknown_metric_and_part(runs: list[Path]) -> None:
    with pytest.raises(UnknownNameError, match=r"unknown metric 'recal@20'; did you mean 'recall@20'"):
        raise error_of(*runs, "--metric", "recal@20")
    with pytest.raises(UnknownNameError, match=r"unknown part in .* 'tset'; did you mean 'test'"):
        raise error_of(*runs, "--part", "tset")


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("run.json", None, "is not a run folder .no run.json.; make one with: gnnrec train"),
        ("run.json", "{", "run.json cannot be read"),
        ("run.json", "[]", "run.json: must hold one JSON object"),
        ("run.json", '{"model": {"name": "x"}}', "run.json: 'data' must be a JSON object"),
        ("metrics_per_user.parquet", None, "has no metrics_per_user.parquet: it has not finished"),
        ("metrics_per_user.parquet", "PAR1 cut off", "metrics_per_user.parquet: cannot be read"),
    ],
)
def test_broken_run_folders(runs: list[Path], name: str, content: str | None, message: str) -> None:
    path = runs[2] / name
    path.unlink()
    if content is not None:
        path.write_text(content)
    with pytest.raises(RunError, match=message) as caught:
        raise error_of(*runs)
    assert "light2" in str(caught.value)


def test_truncated_or_incomplete_tables(runs: list[Path]) -> None:
    path = runs[0] / "metrics_per_user.parquet"
    whole = path.read_bytes()
    # The footer is intact, the data before it are not.
    path.write_bytes(whole[:4] + b"\0" * 400 + whole[404:])
    with pytest.raises(RunError, match="cannot be read"):
        raise error_of(*runs)
    pd.DataFrame({"user": ["a"], "recall@20": [0.5]}).to_parquet(path)
    with pytest.raises(RunError, match="lacks column user_id, part"):
        raise error_of(*runs)
    twice = pd.DataFrame({"user_id": ["a", "a"], "part": "test", "recall@20": [0.5, 0.6]})
    twice.to_parquet(path)
    with pytest.raises(RunError, match="user_id 'a' occurs more than once on part 'test'"):
        raise error_of(*runs)


def test_import_is_cheap() -> None:
    heavy = ("torch", "numpy", "rich.table")
    code = f"import sys, gnnrec.cli.compare; print([name for name in {heavy} if name in sys.modules])"
    found = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout
    assert found.strip() == "[]"


def test_significant_p_values_are_starred_in_the_table(tmp_path: Path) -> None:
    better = write_run(tmp_path / "light", "lightgcn", 1, lift=0.2)
    same = [write_run(tmp_path / f"bpr{seed}", name, seed) for seed, name in ((1, "bpr-mf"), (2, "vbpr"))]
    clear = CliRunner().invoke(app, [str(better), str(same[0])]).stdout
    assert " *" in clear.split("Wilcoxon p")[1] and "[bold]" not in clear
    unclear = CliRunner().invoke(app, [str(folder) for folder in same]).stdout
    assert " *" not in unclear.split("Wilcoxon p")[1]
