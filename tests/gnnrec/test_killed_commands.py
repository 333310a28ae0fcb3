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


def start(*arguments: str | Path | int) -> int:
    """Run a command in a process that has everything imported already; give its process id."""
    child = os.fork()
    if child:
        return child
    with contextlib.suppress(BaseException), Path(os.devnull).open("w") as nowhere:
        sys.stdout = sys.stderr = nowhere
        sys.argv = ["gnnrec", *map(str, arguments)]
        main()
    os._exit(0)


def killed(prepare: Callable[[], object], *arguments: str | Path | int) -> Callable[[], bool]:
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


@pytest.fixture(scope="module")
def sounds(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("sounds") / "demo"
    write_demo_catalog(folder, num_users=60, num_items=200)
    return folder


def encoded(folder: Path) -> dict[str, bytes]:
    """Contents of all files of a folder, by name."""
    return {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


@pytest.mark.parametrize("workers", [0, 2])
def test_encode(sounds: Path, tmp_path: Path, workers: int) -> None:
    line = ["encode", sounds, "--encoder", "mean-spectrum", "--workers", workers, "--out"]
    os.waitpid(start(*line, tmp_path / "clean"), 0)
    once = killed(lambda: None, *line, tmp_path / "out")
    shutil.rmtree(tmp_path / "out")
    assert sum(once() for _ in range(KILLS)) >= 1  # each goes on where the one before was
    os.waitpid(start(*line, tmp_path / "out"), 0)
    assert encoded(tmp_path / "out") == encoded(tmp_path / "clean")


def test_encode_in_shards_and_merge(sounds: Path, tmp_path: Path) -> None:
    line = ["encode", sounds, "--encoder", "mean-spectrum", "--workers", 1, "--out"]
    os.waitpid(start(*line, tmp_path / "clean"), 0)
    out, moments = tmp_path / "out", random.Random(0)
    shards = [[*line, out, "--shard", f"{number}/2"] for number in (1, 2)]
    for _ in range(KILLS):
        children = [start(*shard) for shard in shards]
        time.sleep(moments.uniform(0.0, 1.5))
        for child in children:
            os.kill(child, signal.SIGKILL)
            os.waitpid(child, 0)
    for shard in shards:
        os.waitpid(start(*shard), 0)
    assert not list(out.glob("*.safetensors"))
    shutil.copytree(out, tmp_path / "before")

    def prepare() -> None:
        shutil.rmtree(out)
        shutil.copytree(tmp_path / "before", out)

    once = killed(prepare, *line, out, "--merge")
    for _ in range(KILLS):
        once()
        os.waitpid(start(*line, out, "--merge"), 0)
        assert encoded(out) == encoded(tmp_path / "clean")


def test_two_encodes_into_one_folder(sounds: Path, tmp_path: Path) -> None:
    line = ["encode", sounds, "--encoder", "mean-spectrum", "--workers", 1, "--out"]
    os.waitpid(start(*line, tmp_path / "clean"), 0)
    out, moments = tmp_path / "out", random.Random(1)
    for turn in range(KILLS):
        if turn % 5 == 0:
            shutil.rmtree(out, ignore_errors=True)
        children = [start(*line, out), start(*line, out)]
        time.sleep(moments.uniform(0.0, 1.5))
        os.kill(children[turn % 2], signal.SIGKILL)
        statuses = [os.waitpid(child, 0)[1] for child in children]
        assert os.WIFEXITED(statuses[1 - turn % 2])
        assert encoded(out) == encoded(tmp_path / "clean")


def neighbours(run: Path, item: str) -> list[object] | None:
    """The items most like one; ``None`` where the run does not know it."""
    predictor = gnnrec.load(run)
    if item not in predictor.items:
        return None
    return [row.item_id for row in predictor.similar_items([item], k=5)[0].items]
