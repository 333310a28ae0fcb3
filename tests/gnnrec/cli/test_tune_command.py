"""``gnnrec tune`` as it is typed."""

import json
import os
import signal
from collections.abc import Callable
from pathlib import Path

import pytest
import torch

from gnnrec.cli.main import main
from gnnrec.cli.tune.ranges import parse_ranges
from gnnrec.data.writing import write_dataset
from gnnrec.models import Choice, FloatRange, IntegerRange
from gnnrec.testing import planted_dataset

Call = Callable[..., tuple[int, str, str]]
SMALL = ["--max-epochs=3", "--batch-size=256", "--finalists=1", "--seeds=1,2", "--baseline=popularity", "--device=cpu"]


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    torch.set_num_threads(1)
    dataset = planted_dataset(num_users=80, num_items=60)
    return write_dataset(dataset, tmp_path_factory.mktemp("data") / "planted")


@pytest.fixture
def call(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path) -> Call:
    """Run the command line in an empty folder; gives the exit code and both outputs."""
    monkeypatch.chdir(tmp_path)

    def run(*words: object) -> tuple[int, str, str]:
        monkeypatch.setattr("sys.argv", ["gnnrec", *map(str, words)])
        with pytest.raises(SystemExit) as exited:
            main()
        out, errors = capsys.readouterr()
        code = exited.value.code
        return (code if isinstance(code, int) else 1), out, errors

    return run


def test_study_its_best_and_its_run(data: Path, call: Call) -> None:
    words = ["tune", data, "--model=vbpr,bpr-mf", "--fusion=concat,mean", "--features=all", "--trials=4", *SMALL]
    code, out, errors = call(*words, "--out=winner", "--json")
    assert code == 0, errors
    result = json.loads(out)
    assert result["trials"] == 4 and len(result["finalists"][0]["values"]) == 2
    assert {"winner", "classical"} <= set(result["test"]["means"])
    assert Path("winner/model.safetensors").is_file() and Path("studies/planted/result.json").is_file()
    assert [line for line in errors.splitlines() if line.startswith("4/4 ")], "each trial is told"
    run = json.loads(Path("winner/run.json").read_text())
    assert run["model"]["name"] == result["finalists"][0]["candidate"]["model"]
    assert run["seed"] == 1

    code, out, errors = call("tune", "best", "planted", "--command")
    assert code == 0 and out.startswith(f"gnnrec train {run['model']['name']} ") and out.count("\n") == 1
    code, out, errors = call("tune", "best", "planted", "--json")
    assert json.loads(out)["mean"] == pytest.approx(result["finalists"][0]["mean"])

    code, out, errors = call(*words)
    assert code == 0, errors
    assert "finalists of 'planted'" in out and "1/4" not in errors, "a finished study is told again, not run again"


def test_run_of_the_winner_goes_on(data: Path, call: Call) -> None:
    """Also where the metric has a list length of its own, and where the same command runs again."""
    words = ["tune", data, "--model=bpr-mf", "--trials=2", "--objective=recall@5", "--no-test", "--out=win ner", *SMALL]
    code, _, errors = call(*words)
    assert code == 0, errors
    assert json.loads(Path("win ner/metrics.json").read_text())["valid"]["recall@5"] > 0
    Path("win ner/model.safetensors").unlink()  # as if it had been killed
    code, _, errors = call(*words)
    assert code == 0 and Path("win ner/model.safetensors").is_file(), errors
    command = call("tune", "best", "planted", "--command")[1]
    assert "--ks=5,10,20,50" in command
    Path("other").mkdir()
    Path("other/notes.txt").write_text("mine")
    code, _, errors = call(*[*words, "--out=other"])
    assert code == 2 and "error: other holds something else than a run; choose another --out" in errors


def test_show_space(data: Path, call: Call) -> None:
    code, out, errors = call(
        "tune", data, "--model", "lattice,lightgcn", "--fusion=default,attention", "--features=planted,planted+noise",
        "--range=num_layers=1:2", "--range=lattice.raw_weight=0.5", "--show-space", "--json",
    )  # fmt: skip
    assert code == 0, errors
    rows = {row["parameter"]: row for row in json.loads(out)}
    assert rows["model"]["values"] == "lattice, lightgcn"
    assert rows["fusion"] == {"parameter": "fusion", "values": "default, attention", "when": "model is lattice"}
    assert rows["features"]["values"] == "planted, noise+planted"
    assert rows["lattice.num_layers"]["values"] == rows["lightgcn.num_layers"]["values"] == "1 to 2"
    assert rows["lattice.raw_weight"]["values"] == "0.5"
    assert not Path("studies").exists(), "nothing is started"
    assert "lattice.num_layers" in call("tune", data, "--model", "lattice", "--show-space")[1]


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["--model=latice"], "error: unknown model 'latice'; did you mean 'lattice'?"),
        (["--model=lattice", "--fusion=atention"], "error: unknown fusion 'atention'; did you mean 'attention' or"),
        (["--features=wisper"], "error: unknown features 'wisper';"),
        (
            ["--range=num_layers=3:1"],
            "error: '--range' num_layers=3:1: 'low' must not be above 'high' (got 3 and 1)",
        ),
        (["--range=num_layer=1:3"], "error: unknown argument of lattice 'num_layer'; did you mean 'num_layers' or"),
        (["--range=num_layers"], "error: '--range' must read NAME=LOW:HIGH, NAME=LOW:HIGH:log, NAME=A,B,C"),
        (["--range=regularization=0:1:log"], "'low' must be positive on a logarithmic scale (got 0)"),
        (
            ["--storage=postgresql://me:secret@localhost:1/db"],
            "error: 'storage' postgresql://me:PASSWORD@localhost:1/db",
        ),
        (["--trials=0"], "error: 'trials' must be a positive integer (got 0)"),
        (["--seeds=a"], "error: 'seeds' must be integers separated by commas (got 'a')"),
        (["--objective=recall"], "error: unknown metric of validation as first objective 'recall'"),
    ],
)
def test_bad_input_is_one_line(data: Path, call: Call, words: list[str], message: str) -> None:
    code, _, errors = call("tune", data, *words)
    lines = [line for line in errors.splitlines() if not line.startswith(("planted:", "read "))]
    assert code == 2 and len(lines) == 1 and lines[0].startswith("error: ") and message in lines[0], errors


def test_study_of_other_data(data: Path, call: Call, tmp_path: Path) -> None:
    words = ["--model=bpr-mf", "--trials=1", "--no-test", *SMALL]
    assert call("tune", data, *words, "--name=mine")[0] == 0
    other = write_dataset(planted_dataset(num_users=80, num_items=61), tmp_path / "planted")
    code, _, errors = call("tune", other, *words, "--name=mine")
    assert code == 2 and "error: study 'mine' is another: its data are planted (fingerprint" in errors
    code, _, errors = call("tune", "best", "mien")
    assert code == 2 and "error: unknown study 'mien'; did you mean 'mine'?" in errors


def test_ranges_as_text() -> None:
    assert parse_ranges(["a=1:3", "b=0.1:1", "c=1e-4:1:log", "m.d=x,y", "e=true,false,none", "f=3"]) == {
        "a": IntegerRange(1, 3),
        "b": FloatRange(0.1, 1.0),
        "c": FloatRange(1e-4, 1.0, log=True),
        "m.d": Choice(("x", "y")),
        "e": Choice((True, False, None)),
        "f": Choice((3,)),
    }


@pytest.mark.parametrize("name", ["../../x", "..", ".", "", "/tmp/x", "a/b", "a\\b", "a\0b", "a\nb"])
def test_name_that_leads_out_of_its_folder(name: str, data: Path, call: Call, tmp_path: Path) -> None:
    said = "error: 'name' of a study must be a name of a folder, without / or \\ (got "
    location = f"--storage=sqlite:///{tmp_path}/s.db"
    for words in (["tune", data, "--model=bpr-mf"], ["tune", "report", name], ["tune", "best", name]):
        name_given = [f"--name={name}"] if words[1] == data else []
        for where in ([], [location]):
            code, _, errors = call(*words, *name_given, *where)
            assert code == 2 and said in errors and "Traceback" not in errors, errors
    assert not list(tmp_path.iterdir())


def test_other_file_as_storage_is_left_alone(data: Path, call: Call, tmp_path: Path) -> None:
    (tmp_path / "mine.csv").write_text("user,item\n1,2")
    for words in (["tune", data, "--model=bpr-mf", "--name=s"], ["tune", "report", "s"], ["tune", "best", "s"]):
        code, _, errors = call(*words, "--storage=mine.csv")
        assert code == 2 and "error: 'storage' mine.csv is no journal of Optuna" in errors
    assert [entry.name for entry in tmp_path.iterdir()] == ["mine.csv"]
    assert (tmp_path / "mine.csv").read_text() == "user,item\n1,2"


def test_interrupt_ends_with_130(data: Path, call: Call, monkeypatch: pytest.MonkeyPatch) -> None:
    words = ["tune", data, "--model=bpr-mf", "--trials=2", "--no-test", *SMALL]
    with monkeypatch.context() as patched:

        def interrupted(*given: object, **more: object) -> None:
            try:
                os.kill(os.getpid(), signal.SIGINT)
            except KeyboardInterrupt:
                raise ImportError("cannot import name '_inductor' from 'torch'") from None

        patched.setattr("gnnrec.tuning.workspace.create_model", interrupted)
        code, _, errors = call(*words)
    assert code == 130 and errors.endswith("interrupted; the same command goes on where it stopped\n")
    code, _, errors = call(*words)
    assert code == 0 and "2/2" in errors and "failed" not in errors
