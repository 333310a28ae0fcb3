import os
import socket
from pathlib import Path

import pytest

from encoders.content import locate, read_content_bytes
from encoders.errors import ArgumentError, ContentError


@pytest.fixture
def root(tmp_path):
    folder = tmp_path / "items"
    (folder / "deep").mkdir(parents=True)
    (folder / "deep" / "note.txt").write_text("note")
    return folder


def test_files_and_links_within_the_folder(root):
    (root / "link.txt").symlink_to("deep/note.txt")
    (root.parent / "alias").symlink_to(root)
    expected = (root / "deep" / "note.txt").resolve()
    assert locate(root, "deep/note.txt") == locate(root, "link.txt") == expected
    assert locate(root.parent / "alias", "./deep//note.txt") == expected
    (root / "..hidden..txt").write_text("two dots in a name are no way up")
    assert locate(root, "..hidden..txt").name == "..hidden..txt"


@pytest.mark.parametrize(
    "name, reason",
    [
        ("", "its name is empty"),
        ("/etc/hostname", "absolute"),
        ("C:\\items\\note.txt", "absolute"),
        ("deep/../deep/note.txt", r"has '\.\.' in it"),
        ("deep\\..\\note.txt", r"has '\.\.' in it"),
        ("note\0.txt", "NUL"),
        ("absent.txt", "does not exist"),
        ("deep/note.txt/more", "does not exist"),
        ("deep", "is a directory"),
        (".", "is a directory"),
        ("x" * 5_000, "cannot be reached: file name too long"),
        ("\ud800.txt", "cannot be reached"),
    ],
)
def test_refused_names(root, name, reason):
    with pytest.raises(ContentError, match=reason) as caught:
        locate(root, name)
    assert str(caught.value).isprintable()


def test_refused_files(root):
    (root / "empty").touch()
    os.mkfifo(root / "pipe")
    (root / "outside").symlink_to(root.parent)
    (root / "null").symlink_to("/dev/null")
    (root / "circle").symlink_to("circle")
    reasons = {"empty": "is empty", "pipe": "is a pipe", "outside": "leaves the folder", "null": "leaves the folder"}
    for name, reason in (reasons | {"circle": "cannot be reached"}).items():
        with pytest.raises(ContentError, match=f"^{name}: .*{reason}"):
            locate(root, name)


def test_a_folder_whose_name_starts_the_same_is_outside(root):
    sibling = root.parent / "items_of_others"
    sibling.mkdir()
    (sibling / "secret.txt").write_text("secret")
    (root / "link.txt").symlink_to(sibling / "secret.txt")
    with pytest.raises(ContentError, match="leaves the folder"):
        locate(root, "link.txt")


def test_a_socket(root, monkeypatch):
    monkeypatch.chdir(root)  # the names of sockets must be short
    with socket.socket(socket.AF_UNIX) as server:
        server.bind("socket")
        with pytest.raises(ContentError, match="is a socket"):
            locate(root, "socket")


def test_a_device():
    with pytest.raises(ContentError, match="is a device"):
        read_content_bytes(Path(os.devnull), max_bytes=1)


def test_unreadable(root, monkeypatch):
    monkeypatch.setattr(os, "access", lambda path, mode: False)  # whoever runs the tests may read everything
    with pytest.raises(ContentError, match=r"^deep/note\.txt: cannot be read: permission denied$"):
        locate(root, "deep/note.txt")


def test_bytes_up_to_a_limit(root):
    path = root / "deep" / "note.txt"
    assert read_content_bytes(path, max_bytes=4) == b"note"
    with pytest.raises(ContentError, match=r"has 4 bytes, more than the limit of 3$"):
        read_content_bytes(path, max_bytes=3)
    with pytest.raises(ContentError, match=r"^item 9: does not exist$"):
        read_content_bytes(root / "absent", max_bytes=3, name="item 9")
    with pytest.raises(ArgumentError, match=r"'max_bytes' must be a positive integer \(got 0\)"):
        read_content_bytes(path, max_bytes=0)
