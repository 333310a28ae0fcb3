"""What others wrote reaches the terminal as text, never as a command to it."""

import json
import sys
from pathlib import Path

import pandas as pd
import pytest

from gnnrec.cli.main import main
from gnnrec.cli.output import print_json, print_table, status, visible

ESCAPE = "\x1b]0;owned\x07\x1b[31mRED\x9b2J"


def test_control_characters_are_written_out() -> None:
    assert visible(ESCAPE) == r"\x1b]0;owned\x07\x1b[31mRED\x9b2J"
    assert (
        visible("Café \N{SNOWMAN}\n\tAmélie \N{ZERO WIDTH JOINER}")
        == "Café \N{SNOWMAN}\n\tAmélie \N{ZERO WIDTH JOINER}"
    )
    assert visible("caf\udce9.csv") == r"caf\udce9.csv"


def test_tables_lines_and_json_carry_none(capsys: pytest.CaptureFixture[str]) -> None:
    print_table(f"for {ESCAPE}", [f"a{ESCAPE}"], [[f"b{ESCAPE}"]])
    status(f"c{ESCAPE}")
    print_json({f"d{ESCAPE}": f"e{ESCAPE}\udce9"})
    out, err = capsys.readouterr()
    assert not set("\x1b\x07\x9b") & set(out + err)
    assert json.loads(out[out.index("{") :]) == {f"d{ESCAPE}": f"e{ESCAPE}\udce9"}


def test_a_hostile_log_from_reading_to_recommending(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    def call(*arguments: str) -> tuple[object, str]:
        monkeypatch.setattr(sys, "argv", ["gnnrec", *arguments])
        with pytest.raises(SystemExit) as ended:
            main()
        return ended.value.code, "".join(capsys.readouterr())

    rows = [(f"u{user}{ESCAPE}", f"i{item}{ESCAPE}") for user in range(12) for item in range(user % 3, 20, 3)]
    pd.DataFrame(rows, columns=["user_id", "item_id"]).to_parquet(tmp_path / "interactions.parquet")
    titles = {"item_id": sorted({item for _, item in rows}), "title": f"t{ESCAPE}", f"x{ESCAPE}": 1}
    pd.DataFrame(titles).to_parquet(tmp_path / "items.parquet")
    run = str(tmp_path / "run")
    said = [
        call("train", "item-knn", str(tmp_path), "--out", run),
        call("recommend", run, "--user", "x"),
        call("similar", run, "--item", f"i1{ESCAPE}"),
        call("similar", run, "--item", f"none{ESCAPE}"),
        call("data", "info", str(tmp_path / f"missing{ESCAPE}")),
    ]
    assert [code for code, _ in said] == [0, 0, 0, 2, 2]
    assert all("owned" in printed and not set("\x1b\x07\x9b") & set(printed) for _, printed in said)
