"""Commands killed at twenty moments: what was there stays or is replaced whole, and the same command ends the same."""

import contextlib
import os
import random
import shutil
import signal
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pandas as pd
import pytest

import gnnrec
from gnnrec.cli.main import main
from gnnrec.data import read_dataset, write_dataset
from gnnrec.data.demo_catalog import write_demo_catalog
from gnnrec.data.splits import apply_split

pytestmark = [pytest.mark.slow, pytest.mark.timeout(900)]

KILLS = 20


def start(*arguments: str | Path) -> int:
    """Run a command in a process that has everything imported already; give its process id."""
    child = os.fork()
    if child:
        return child
    with contextlib.suppress(BaseException), Path(os.devnull).open("w") as nowhere:
        sys.stdout = sys.stderr = nowhere
        sys.argv = ["gnnrec", *map(str, arguments)]
        main()
    os._exit(0)


def killed(prepare: Callable[[], object], *arguments: str | Path) -> Callable[[], bool]:
    """A function that prepares, starts the command and kills it at a random moment; whether the kill came in time."""
    prepare()
    begun = time.perf_counter()
    os.waitpid(start(*arguments), 0)
    whole = time.perf_counter() - begun
    moments = random.Random(0)

    def once() -> bool:
        prepare()
        child = start(*arguments)
        time.sleep(moments.uniform(0.0, whole))
        os.kill(child, signal.SIGKILL)
        return os.WIFSIGNALED(os.waitpid(child, 0)[1])

    return once


def test_convert(tmp_path: Path) -> None:
    write_demo_catalog(tmp_path / "demo", num_users=60, num_items=120)
    old = read_dataset(tmp_path / "demo")
    new = apply_split(old, "leave-one-out", 0)
    write_dataset(new, tmp_path / "source")
    target = tmp_path / "here" / "target"
    names = {old.fingerprint: "old", new.fingerprint: "new"}

    def prepare() -> None:
        shutil.rmtree(target.parent, ignore_errors=True)
        write_dataset(old, target)

    once = killed(prepare, "data", "convert", tmp_path / "source", target, "--force")
    seen = [names[read_dataset(target).fingerprint] for _ in range(KILLS) if once()]
    assert "old" in seen
    os.waitpid(start("data", "convert", tmp_path / "source", target, "--force"), 0)
    assert read_dataset(target).fingerprint == new.fingerprint
    assert [path.name for path in target.parent.iterdir()] == ["target"]


def test_add_items(tmp_path: Path) -> None:
    write_demo_catalog(tmp_path / "demo", num_users=60, num_items=120)
    table = pd.read_parquet(tmp_path / "demo" / "items.parquet").head(20)
    table.assign(item_id=[f"new-{row}" for row in range(20)]).to_parquet(tmp_path / "demo" / "new.parquet")
    run, clean = tmp_path / "run", tmp_path / "clean"
    line = ["train", "vbpr", tmp_path / "demo", "--encoder", "colour-histogram", "--out", clean, "--max-epochs", "2"]
    os.waitpid(start(*line), 0)
    before = neighbours(clean, "new-0")

    def prepare() -> None:
        shutil.rmtree(run, ignore_errors=True)
        shutil.copytree(clean, run)

    command = ["add-items", run, tmp_path / "demo" / "new.parquet"]
    once = killed(prepare, *command)
    after = neighbours(run, "new-0")
    assert before is None and after is not None
    seen = [neighbours(run, "new-0") for _ in range(KILLS) if once()]
    assert before in seen
    assert all(answer in (before, after) for answer in seen)
    os.waitpid(start(*command), 0)
    assert neighbours(run, "new-0") == after


def neighbours(run: Path, item: str) -> list[object] | None:
    """The items most like one; ``None`` where the run does not know it."""
    predictor = gnnrec.load(run)
    if item not in predictor.items:
        return None
    return [row.item_id for row in predictor.similar_items([item], k=5)[0].items]
