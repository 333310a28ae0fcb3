"""A journal that was cut off goes on; one that is damaged says where."""

import errno
import os
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
import torch
from study_workers import dataset, options

from gnnrec.errors import ArgumentError, GnnrecError, StorageError
from gnnrec.tuning import StudySpace, StudyStorage, TuningResult, tune
from gnnrec.tuning.study_reader import StudyReader

Damage = Callable[[bytes], bytes]


@pytest.fixture(autouse=True)
def one_thread() -> None:
    torch.set_num_threads(1)


def study(folder: Path, trials: int = 2) -> TuningResult:
    chosen = replace(options(trials), finalists=1, seeds=(1,))
    return tune(dataset(), StudySpace(("bpr-mf",)), name="s", folder=folder, options=chosen, test=False)


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> bytes:
    folder = tmp_path_factory.mktemp("whole")
    study(folder)
    return (folder / "s" / "study.journal").read_bytes()


def lay(folder: Path, content: bytes) -> Path:
    path = folder / "s" / "study.journal"
    path.parent.mkdir()
    path.write_bytes(content)
    return path


@pytest.mark.parametrize(
    "damage",
    [
        lambda content: content[:-8],
        lambda content: content[:-1],
        lambda content: content + b'{"op',
        lambda content: content + bytes(512),
        lambda content: content[: len(content) // 2],
        lambda content: content[:5],
        lambda content: bytes(700),
        lambda content: b"",
    ],
    ids=["cut", "no-newline", "begun", "zeros", "half", "first-record", "only-zeros", "empty"],
)
def test_torn_end_is_dropped(whole: bytes, damage: Damage, tmp_path: Path) -> None:
    path = lay(tmp_path, damage(whole))
    result = study(tmp_path)
    assert len(result.trials) == 2 and len(result.best.values) == 1
    again = study(tmp_path, 3)
    assert len(again.trials) == 3
    assert path.read_bytes().endswith(b"\n") and b"\0" not in path.read_bytes()
    assert path.read_bytes().startswith(damage(whole).rpartition(b"\n")[0]), "whole records stay"


def test_torn_end_is_no_matter_to_a_reader(whole: bytes, tmp_path: Path) -> None:
    path = lay(tmp_path, whole[:-8])
    assert StudyReader("s", folder=tmp_path).best().values
    assert path.read_bytes() == whole[:-8] and [entry.name for entry in path.parent.iterdir()] == [path.name]


@pytest.mark.parametrize("line", [b"\n", b"\0\0\0\n", b"[1]\n", b"{}\n", b'{"op_code":5,{"op_code":4}\n', b"\xff\n"])
@pytest.mark.parametrize("place", [3, -1])
def test_damage_before_the_end_is_named(whole: bytes, line: bytes, place: int, tmp_path: Path) -> None:
    lines = whole.splitlines(keepends=True)
    place %= len(lines)
    lines[place] = line
    path = lay(tmp_path, b"".join(lines))
    for opens in (lambda: study(tmp_path), lambda: StudyReader("s", folder=tmp_path)):
        with pytest.raises(StorageError, match=rf"study\.journal: line {place + 1} is damaged"):
            opens()
    assert path.read_bytes() == b"".join(lines)


@pytest.mark.parametrize("content", [b"not a journal", b"user,item\n1,2\n", b'{"user": 1}\n', b"\x89PNG\r\n\x1a\n\0\0"])
def test_other_files_are_refused_and_left_alone(content: bytes, tmp_path: Path) -> None:
    other = tmp_path / "mine.csv"
    other.write_bytes(content)
    with pytest.raises(ArgumentError, match=r"mine\.csv is no journal of Optuna"):
        StudyStorage(other)
    assert other.read_bytes() == content and [entry.name for entry in tmp_path.iterdir()] == ["mine.csv"]


def test_pipes_are_refused(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    with pytest.raises(ArgumentError, match="must be a file or a folder"):
        StudyStorage(tmp_path / "pipe")


def test_study_goes_on_once_there_is_room(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A disk that takes half of the twentieth record and no more."""
    sync, count = os.fsync, 0

    def full(descriptor: int) -> None:
        nonlocal count
        count += 1
        if count >= 20:
            os.ftruncate(descriptor, os.fstat(descriptor).st_size - 8)
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        sync(descriptor)

    with monkeypatch.context() as patched:
        patched.setattr(os, "fsync", full)
        with pytest.raises(GnnrecError, match=r"^'storage' .*study\.journal: No space left on device; once"):
            study(tmp_path)
    result = study(tmp_path)
    assert len(result.trials) == 2 and all(trial.values for trial in result.trials)
