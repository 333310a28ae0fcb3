"""The command line as a user runs it: a process, its exit code, what it prints."""

import inspect
import json
import os
import subprocess
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
import torch

import gnnrec
from gnnrec.cli.main import main
from gnnrec.cli.train import train
from gnnrec.data import write_dataset
from gnnrec.evaluation import EvalOptions
from gnnrec.evaluation.metrics import default_metric
from gnnrec.models import list_models
from gnnrec.testing import planted_dataset
from gnnrec.training import TrainOptions

TINY = ["--max-epochs", "2", "--batch-size", "256", "--device", "cpu"]


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_dataset(planted_dataset(num_users=60, num_items=80), tmp_path_factory.mktemp("data") / "planted")


@pytest.fixture(scope="module")
def finished(data: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("runs") / "vbpr"
    assert call("train", "vbpr", str(data), "--out", str(folder), *TINY)[0] == 0
    return folder


def call(*arguments: str) -> tuple[int, str, str]:
    """Run the entry point in this process; give exit code, standard output and standard error."""
    import contextlib
    import io

    out, err = io.StringIO(), io.StringIO()
    before = sys.argv
    sys.argv = ["gnnrec", *arguments]
    try:
        with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err), pytest.raises(SystemExit) as exit_info:
            main()
    finally:
        sys.argv = before
    code = exit_info.value.code
    assert isinstance(code, int)
    return code, out.getvalue(), err.getvalue()


def test_help_loads_neither_torch_nor_pandas() -> None:
    script = (
        "import sys; sys.argv = ['gnnrec', '--help']\n"
        "from gnnrec.cli.main import main\n"
        "try: main()\n"
        "except SystemExit as end: assert end.code == 0\n"
        "heavy = {'torch', 'pandas', 'pyarrow', 'numpy', 'scipy', 'torch_geometric'} & set(sys.modules)\n"
        "assert not heavy, heavy"
    )
    result = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=False)
    assert result.returncode == 0, result.stderr
    assert "recommend" in result.stdout and "Traceback" not in result.stderr


@pytest.mark.parametrize(
    "command", ["data", "doctor", "demo", "models", "train", "evaluate", "recommend", "similar", "compare"]
)
def test_every_command_has_help(command: str) -> None:
    code, out, _ = call(command, "--help")
    assert code == 0 and "Usage: gnnrec" in out


@pytest.mark.parametrize("model", list_models())
def test_one_line_trains_any_model(model: str, data: Path, tmp_path: Path) -> None:
    code, out, err = call("train", model, str(data), "--out", str(tmp_path / "run"), "--json", *TINY)
    assert code == 0, err
    figures = json.loads(out)
    assert 0 <= figures["test"]["recall@20"] <= 1 and 0 <= figures["valid"]["ndcg@20"] <= 1
    answer = json.loads(call("recommend", str(tmp_path / "run"), "--user", "3", "-k", "4", "--json")[1])
    assert answer[0]["user_id"] == 3 and len(answer[0]["items"]) == 4
    assert set(answer[0]["items"][0]) >= {"item_id", "score"}


def test_evaluate_repeats_the_figures_of_training(finished: Path) -> None:
    code, out, _ = call("evaluate", str(finished), "--json")
    stored = json.loads((finished / "metrics.json").read_text())
    figures = json.loads(out)
    assert code == 0
    for part in ("valid", "test"):
        for name, value in stored[part].items():
            if isinstance(value, float):
                assert figures[part][name] == pytest.approx(value, abs=1e-6), (part, name)
    other = json.loads(call("evaluate", str(finished), "--json", "--ks", "5")[1])
    assert "recall@5" in other["test"] and "recall@20" not in other["test"]


def test_evaluate_refuses_data_that_changed(finished: Path, tmp_path: Path) -> None:
    other = write_dataset(planted_dataset(num_users=60, num_items=80, seed=1), tmp_path / "planted")
    code, _, err = call("evaluate", str(finished), "--data", str(other))
    assert code == 2 and "content has changed" in err


def test_tables_for_people(finished: Path, data: Path) -> None:
    assert "recall@20" in call("evaluate", str(finished))[1]
    assert "for 3" in call("recommend", str(finished), "--user", "3")[1]
    assert "like 5" in call("similar", str(finished), "--item", "5")[1]
    assert "most popular" in call("recommend", str(finished), "--user", "nobody")[1]
    assert "from the given history" in call("recommend", str(finished), "--user", "new", "--history", "1,2")[1]
    assert "lightgcn" in call("models")[1]


def test_log_without_validation_gets_one_carved_out_of_train(tmp_path: Path) -> None:
    whole = planted_dataset(num_users=60, num_items=80)
    data = write_dataset(
        replace(whole, valid=whole.valid.select(torch.tensor([], dtype=torch.int64))), tmp_path / "data"
    )
    code, out, err = call("train", "bpr-mf", str(data), "--out", str(tmp_path / "run"), "--json", *TINY)
    assert code == 0 and "of each user's train as validation" in err
    assert json.loads(out)["valid"]["recall@20"] >= 0
    description = json.loads((tmp_path / "run" / "run.json").read_text())
    assert 0 < description["data"]["interactions"]["valid"] < 0.2 * len(whole.train)
    assert call("evaluate", str(tmp_path / "run"))[0] == 0


def test_tensorboard_and_evaluation_settings_of_the_run(data: Path, tmp_path: Path) -> None:
    folder = tmp_path / "run"
    options = ["--tensorboard", "--mask-valid", "--users-without-positives", "zero", "--ks", "5,20"]
    code, out, err = call("train", "bpr-mf", str(data), "--out", str(folder), "--json", *options, *TINY)
    assert code == 0, err
    assert list((folder / "tensorboard").iterdir())
    again = json.loads(call("evaluate", str(folder), "--json")[1])
    assert again["test"]["recall@5"] == json.loads(out)["test"]["recall@5"]
    unmasked = json.loads(call("evaluate", str(folder), "--json", "--no-mask-valid")[1])
    assert unmasked["valid"] == again["valid"] and unmasked["test"] != again["test"]


def test_titles_that_look_like_markup_are_printed_as_they_are(tmp_path: Path) -> None:
    whole = planted_dataset(num_users=40, num_items=30)
    titles = pd.DataFrame({"item_id": range(30), "title": ["x [/b] :dog: [live]"] * 30})
    data = write_dataset(replace(whole, catalog=titles), tmp_path / "data")
    assert call("train", "popularity", str(data), "--out", str(tmp_path / "run"))[0] == 0
    code, out, err = call("recommend", str(tmp_path / "run"), "--user", "1")
    assert code == 0 and "x [/b] :dog: [live]" in out, err


def test_odd_ids_on_the_command_line(finished: Path) -> None:
    for name in ("--5", "\u00b2", "9" * 30):
        code, out, err = call("recommend", str(finished), f"--user={name}")
        assert code == 0 and "most popular" in out, err


def test_every_model_can_be_trained_on_the_same_carved_data(tmp_path: Path) -> None:
    whole = planted_dataset(num_users=60, num_items=80)
    nothing = whole.valid.select(torch.tensor([], dtype=torch.int64))
    data = write_dataset(replace(whole, valid=nothing), tmp_path / "data")
    runs = [str(tmp_path / name) for name in ("gf-cf", "bpr-mf")]
    for model, run in zip(("gf-cf", "bpr-mf"), runs, strict=True):
        assert call("train", model, str(data), "--out", run, "--carve", *TINY)[0] == 0
    code, _, err = call("compare", *runs)
    assert code == 0, err


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["train", "lightgnc", "DATA"], "unknown model 'lightgnc'; did you mean 'lightgcn'"),
        (["train", "lightgcn", "nowhere"], "nowhere"),
        (["train", "lightgcn", "DATA", "--set", "num_layer=2"], "did you mean 'num_layers'?"),
        (["train", "lightgcn", "DATA", "--set", "num_layers=two"], "'num_layers' must be int (got 'two')"),
        (["train", "lightgcn", "DATA", "--features", "planted"], "'lightgcn' uses no item features"),
        (["train", "vbpr", "DATA", "--features", "plantd"], "did you mean 'planted'?"),
        (["train", "lightgcn", "DATA", "--device", "abacus"], "'device' 'abacus' is not available here"),
        (["train", "lightgcn", "DATA", "--batch-size", "0"], "'batch_size' must be a positive integer (got 0)"),
        (["train", "lightgcn", "DATA", "--metric", "recall@7"], "unknown metric 'recall@7'; did you mean"),
        (["train", "lightgcn", "DATA", "--split", "rato"], "did you mean 'ratio'?"),
        (["train", "lightgcn", "DATA", "--resume"], "'--resume' needs '--out'"),
        (["train", "lightgcn", "DATA", "--set", "num_layers=-1"], "'num_layers' must be an integer in [0, 1000]"),
        (["train", "vbpr", "DATA", "--set", "embedding_dim=0"], "'embedding_dim' must be a positive integer (got 0)"),
        (["train", "bpr-mf", "DATA", "--metric", "coverage@20"], "unknown metric 'coverage@20'"),
        (["evaluate", "nowhere"], "is not a run folder"),
        (["recommend", "nowhere", "--user", "1"], "is not a run folder"),
    ],
)
def test_bad_input_is_one_message_and_exit_code_2(
    arguments: list[str], message: str, data: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    code, _, err = call(*[str(data) if word == "DATA" else word for word in arguments])
    assert code == 2 and message in err and "Traceback" not in err, err


def test_unknown_options_are_refused(data: Path) -> None:
    code, _, err = call("train", "lightgcn", str(data), "--epoch", "5")
    assert code == 2 and "--epoch" in err


def test_debug_shows_the_traceback(data: Path) -> None:
    result = subprocess.run(
        [sys.executable, "-m", "gnnrec", "train", "nothing", str(data), "--debug"],
        capture_output=True,
        text=True,
        check=False,
    )
    assert result.returncode != 0 and "Traceback" in result.stderr and "UnknownNameError" in result.stderr


def test_defaults_of_the_command_equal_those_of_the_options() -> None:
    defaults: dict[str, Any] = {name: value.default for name, value in inspect.signature(train).parameters.items()}
    options, evaluation = TrainOptions(), EvalOptions()
    assert defaults.pop("metric") is None and default_metric(evaluation.ks) == options.metric
    for name in vars(options).keys() - {"metric"}:
        assert defaults[name] == getattr(options, name), name
    assert defaults["ks"] == ",".join(map(str, evaluation.ks)) and defaults["mask_valid"] == evaluation.mask_valid


def test_places_that_cannot_be_written_are_one_message(data: Path, tmp_path: Path) -> None:
    file = tmp_path / "file"
    file.touch()
    code, _, err = call("train", "popularity", str(data), "--out", str(file))
    assert code == 2 and str(file) in err and "internal" not in err
    assert call("train", "popularity", str(data), "--out", str(file / "run"))[0] == 2


def test_fewer_epochs_than_trained_are_refused(finished: Path, data: Path) -> None:
    code, _, err = call("train", "vbpr", str(data), "--out", str(finished), "--resume", *TINY[2:], "--max-epochs", "1")
    assert code == 2 and "has trained 2 epochs already" in err


def test_version_answers_and_a_closed_pipe_is_no_failure(tmp_path: Path) -> None:
    code, out, _ = call("--version")
    assert code == 0 and out.strip() == f"gnnrec {gnnrec.__version__}"
    reader, writer = os.pipe()
    os.close(reader)
    closed = subprocess.run(
        [sys.executable, "-m", "gnnrec", "models"], stdout=writer, stderr=subprocess.PIPE, check=False
    )
    os.close(writer)
    assert (closed.returncode, closed.stderr) == (0, b"")


def test_the_next_command_is_quoted_for_a_shell(data: Path, tmp_path: Path) -> None:
    out = tmp_path / "two words"
    _, _, err = call("train", "popularity", str(data), "--out", str(out))
    assert f"next: gnnrec recommend '{out}' --user " in err
