"""Files are written whole, durably and with ordinary permissions; what never ends is refused."""

import os
import shutil
import stat
from pathlib import Path
from types import SimpleNamespace

import pytest
import torch
from safetensors.torch import save_file

from encoders.errors import EncoderError
from encoders.files import atomic_write, require_regular


def test_failure_keeps_the_old_file_and_leaves_no_draft(tmp_path: Path) -> None:
    path = tmp_path / "a.txt"
    path.write_text("old")
    with pytest.raises(OSError, match="disk"), atomic_write(path) as draft:
        draft.write_text("half")
        raise OSError("disk is full")
    assert path.read_text() == "old"
    assert list(tmp_path.iterdir()) == [path]


def test_a_full_disk_is_told_as_such(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(shutil, "disk_usage", lambda folder: SimpleNamespace(free=0))
    with pytest.raises(OSError, match=r"No space left on device: .*a\.pt"), atomic_write(tmp_path / "a.pt"):
        raise RuntimeError("unexpected pos 2304 vs 2198")
    assert not list(tmp_path.iterdir())


def test_two_writers_at_once_each_leave_a_whole_file(tmp_path: Path) -> None:
    path = tmp_path / "a.txt"
    with atomic_write(path) as first, atomic_write(path) as second:
        assert first != second
        first.write_text("first")
        second.write_text("second")
    assert path.read_text() == "first"
    assert list(tmp_path.iterdir()) == [path]


def test_private_drafts_become_ordinary_files(tmp_path: Path) -> None:
    (tmp_path / "plain").touch()
    ordinary = stat.S_IMODE((tmp_path / "plain").stat().st_mode)
    with atomic_write(tmp_path / "x.safetensors") as draft:
        save_file({"x": torch.zeros(2)}, draft)
        draft.chmod(0o600)
    assert stat.S_IMODE((tmp_path / "x.safetensors").stat().st_mode) == ordinary


def test_file_and_folder_are_flushed_in_order(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    events = []
    flush, replace = os.fsync, Path.replace
    monkeypatch.setattr(os, "fsync", lambda fd: (events.append(stat.S_IFMT(os.fstat(fd).st_mode)), flush(fd))[1])
    monkeypatch.setattr(Path, "replace", lambda self, to: (events.append("rename"), replace(self, to))[1])
    with atomic_write(tmp_path / "a") as draft:
        draft.write_text("x")
    assert events == [stat.S_IFREG, "rename", stat.S_IFDIR]


def test_drafts_of_the_dead_are_cleared_once_old(tmp_path: Path) -> None:
    (old := tmp_path / ".a[1].77-0.part").touch()
    (new := tmp_path / ".a[1].78-0.part").touch()
    (other := tmp_path / ".b.77-0.part").touch()
    for path in (old, other):
        os.utime(path, (1, 1))
    with atomic_write(tmp_path / "a[1]") as draft:
        draft.write_text("x")
    assert not old.exists()
    assert new.exists()
    assert other.exists()


def test_pipes_and_devices_are_refused_by_name(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    with pytest.raises(EncoderError, match=r"pipe: must be a file or a folder \(got a named pipe\)"):
        require_regular(tmp_path / "pipe", EncoderError)
    with pytest.raises(EncoderError, match="/dev/zero: must be a file or a folder \\(got a device\\)"):
        require_regular("/dev/zero", EncoderError)
    require_regular(tmp_path, EncoderError)
    require_regular(tmp_path / "missing", EncoderError)
