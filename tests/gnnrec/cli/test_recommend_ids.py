"""Ids on the command line: with commas, in files, for everybody; what may be listed and what must not."""

import json
import os
import sys
from dataclasses import replace
from pathlib import Path

import pandas as pd
import pytest

from gnnrec import load
from gnnrec.cli.main import main
from gnnrec.data import IdMap
from gnnrec.serving.batch import write_recommendations
from gnnrec.testing import planted_dataset
from gnnrec.training.experiment import run_experiment

EARTH = "Earth, Wind & Fire"
NAMES = [EARTH, "AC/DC", "Tyler, The Creator", "@handle", '"Heroes"', *(f"band {number}" for number in range(5, 80))]


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Path:
    data = replace(planted_dataset(num_users=60, num_items=80), items=IdMap(NAMES, kind="item"))
    folder = tmp_path_factory.mktemp("runs") / "knn"
    run_experiment("item-knn", data, folder)
    return folder


@pytest.fixture
def call(
    run: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, request: pytest.FixtureRequest
):
    def answer(*arguments: str, code: int = 0) -> str:
        monkeypatch.setattr(sys, "argv", ["gnnrec", "recommend", str(run), *arguments])
        with pytest.raises(SystemExit) as ended:
            main()
        captured = capsys.readouterr()
        assert ended.value.code == code, captured.err
        return captured.out if code == 0 else captured.err

    return answer


def items_of(text: str) -> list[list[str]]:
    return [[item["item_id"] for item in answer["items"]] for answer in json.loads(text)]


@pytest.mark.parametrize(
    "history",
    [
        [f'"{EARTH}",AC/DC'],
        [EARTH, "AC/DC"],
        [EARTH, '"AC/DC"'],
        [f'AC/DC , "{EARTH}"'],
        ["@FILE"],
        ["FILE"],
        ["@TABLE"],
    ],
)
def test_ids_with_commas_can_be_given(history: list[str], call, run: Path, tmp_path: Path) -> None:
    (tmp_path / "ids.txt").write_text(f"\ufeff{EARTH}\n\n AC/DC\n", encoding="utf-8")
    pd.DataFrame({"item_id": [EARTH, "AC/DC"], "n": [1, 2]}).to_csv(tmp_path / "ids.csv", index=False)
    places = {"FILE": str(tmp_path / "ids.txt"), "TABLE": str(tmp_path / "ids.csv")}
    given = [value.replace("FILE", places["FILE"]).replace("TABLE", places["TABLE"]) for value in history]
    answer = call("--user", "new", "-k", "7", "--json", *(part for one in given for part in ("--history", one)))
    wanted = load(run).recommend(["new"], k=7, histories={"new": [EARTH, "AC/DC"]})
    assert items_of(answer) == [[item.item_id for item in wanted[0].items]]
    assert json.loads(answer)[0]["source"] == "history"


def test_ids_that_look_like_something_else_are_themselves(call, run: Path) -> None:
    wanted = load(run).recommend(["new"], k=7, histories={"new": ["@handle", '"Heroes"', "AC/DC"]})
    for given in (["@handle", '"Heroes"', "AC/DC"], ['@handle,"Heroes",AC/DC']):
        answer = call("--user", "new", "-k", "7", "--json", *(part for one in given for part in ("--history", one)))
        assert items_of(answer) == [[item.item_id for item in wanted[0].items]]


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--user", "1", "--history", '"Earth, Wind'], "'--history' must be ids by commas, those with a comma"),
        (["--user", "1", "--history", f"{EARTH},AC/DC"], "an id that holds a comma goes in double quotes"),
        (["--user", "1", "--history", "@none.txt"], "'--history' names a file that does not exist: none.txt"),
        (["--user", "1", "--history", "band 5,bend 6"], "unknown item id 'bend 6'; did you mean 'band 6'"),
        (["--user", "1", "--exclude", "x" * 5000], "unknown item id"),
        (["--user", "1", "--user", "2", "--history", "AC/DC"], "'--history' goes with one '--user'"),
        ([], "name users by '--user' or '--users FILE', or all of them by '--all-users'"),
        (["--all-users"], "name it with '--out'"),
        (["--all-users", "--user", "1", "--out", "a.csv"], "name users by"),
        (["--all-users", "--out", "a.csv", "--json"], "'--out' does not go with"),
        (["--all-users", "--out", "lists.xlsx"], "'out' must be a file ending in .parquet or .csv"),
        (["--all-users", "--out", "no/lists.csv"], "'out' cannot be 'no/lists.csv': there is no folder no"),
        (["--all-users", "--out", "lists.csv", "-k", "0"], "'k' must be a positive integer (got 0)"),
        (["--users", "none.txt", "--out", "lists.csv"], "none.txt"),
        (["--users", "pipe", "--out", "lists.csv"], "pipe: must be a file or a folder (got a named pipe)"),
        (["--users", "bad.csv", "--out", "lists.csv"], "bad.csv, row 1: no column for the user ids"),
    ],
)
def test_bad_requests_get_one_clear_line(
    arguments: list[str], message: str, call, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    os.mkfifo("pipe")
    Path("bad.csv").write_text("a,b\n1,2\n")
    error = call(*arguments, code=2)
    assert message in error and "Traceback" not in error
    assert not list(tmp_path.glob("*lists*"))


def test_candidates_and_exclude_still_fill_the_list(call, run: Path, tmp_path: Path) -> None:
    predictor = load(run)
    best = [item.item_id for item in predictor.recommend([3], k=80)[0].items]
    pd.DataFrame({"item_id": NAMES[:40]}).to_parquet(tmp_path / "stock.parquet")
    (tmp_path / "sold.txt").write_text("\n".join(map(str, best[:3])))
    table, sold = str(tmp_path / "stock.parquet"), str(tmp_path / "sold.txt")
    answer = call("--user", "3", "-k", "5", "--json", "--candidates", table, "--exclude", sold, "--exclude", best[4])
    wanted = [item for item in best if item in NAMES[:40] and item not in (*best[:3], best[4])][:5]
    assert items_of(answer) == [wanted]
    assert len(wanted) == 5


@pytest.mark.parametrize("suffix", ["parquet", "csv"])
def test_everybody_gets_the_list_that_each_gets_alone(
    suffix: str, call, run: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("gnnrec.serving.batch._PLACES", 40)  # blocks of ten users
    out = tmp_path / f"lists.{suffix}"
    call("--all-users", "-k", "4", "--out", str(out), "--exclude", EARTH)
    frame = pd.read_parquet(out) if suffix == "parquet" else pd.read_csv(out)
    predictor = load(run)
    users = predictor.users.ids(range(60))
    assert frame.columns.tolist() == ["user_id", "rank", "item_id", "score", "source"]
    assert list(dict.fromkeys(frame.user_id)) == users
    wanted = [
        (answer.user_id, rank, item.item_id)
        for answer in predictor.recommend(users, k=4, exclude=[EARTH])
        for rank, item in enumerate(answer.items, start=1)
    ]
    assert list(frame[["user_id", "rank", "item_id"]].itertuples(index=False, name=None)) == wanted
    assert [path.name for path in tmp_path.iterdir()] == [out.name]


def test_users_of_a_file_may_be_unknown_and_a_failure_leaves_the_old_file(call, run: Path, tmp_path: Path) -> None:
    (tmp_path / "users.txt").write_text("3\nstranger\n")
    out = tmp_path / "lists.parquet"
    call("--users", str(tmp_path / "users.txt"), "-k", "2", "--out", str(out))
    frame = pd.read_parquet(out)
    assert frame.user_id.tolist() == ["3", "3", "stranger", "stranger"]
    assert frame.source.tolist() == ["model", "model", "popular", "popular"]
    error = call("--users", str(tmp_path / "users.txt"), "--out", str(out), "--unknown", "error", code=2)
    assert "unknown user id 'stranger'" in error
    assert pd.read_parquet(out).equals(frame)
    assert write_recommendations(load(run), out, [], 3) == 0
    assert len(pd.read_parquet(out)) == 0
