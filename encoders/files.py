"""Files that are there whole or not at all, and only files that can be read to an end."""

import contextlib
import hashlib
import os
import secrets
import stat
import time
from collections.abc import Iterator
from pathlib import Path

__all__ = ["atomic_write", "file_hash", "require_regular"]

_CHUNK = 2**24

_STALE_SECONDS = 24 * 3600
"""Age at which the draft of a writer that was killed is cleared away."""

_KINDS = (
    (stat.S_ISFIFO, "a named pipe"),
    (stat.S_ISSOCK, "a socket"),
    (stat.S_ISCHR, "a device"),
    (stat.S_ISBLK, "a device"),
)


@contextlib.contextmanager
def atomic_write(path: Path | str) -> Iterator[Path]:
    """Write a file so that no reader and no crash ever sees half of it.

    The block writes to the draft that it is given. When it ends, the draft is flushed to the disk and renamed; when it
    fails, the draft is removed and what was at ``path`` stays. Every writer has a draft of its own, so two that write
    the same file at once each leave it whole. The file gets the permissions that a new file has here, whatever wrote
    the draft.

    Args:
        path: The file; one that exists is replaced. Its folder must exist.

    Yields:
        Path of the draft, an empty file in the same folder.

    Raises:
        OSError: If the folder cannot be written or the disk is full.
    """
    target = Path(path)
    draft = target.with_name(f".{target.name}.{os.getpid()}-{secrets.token_hex(4)}.part")
    draft.touch(exist_ok=False)
    mode = stat.S_IMODE(draft.stat().st_mode)
    try:
        yield draft
        draft.chmod(mode)  # some libraries make their files private
        _flush(draft)
        draft.replace(target)
    except BaseException:
        draft.unlink(missing_ok=True)
        raise
    with contextlib.suppress(OSError):  # not every file system can flush a folder
        _flush(target.parent)
    _clear_stale(target)


def file_hash(path: Path) -> str:
    """Hash of a file's bytes, which are read in pieces."""
    digest = hashlib.blake2b(digest_size=16)
    with path.open("rb") as file:
        while chunk := file.read(_CHUNK):
            digest.update(chunk)
    return digest.hexdigest()


def require_regular(path: Path | str, error: type[Exception]) -> None:
    """Refuse pipes, sockets and devices, which never end when they are read.

    Args:
        path: A file or folder; it may be missing.
        error: What to raise, with one text as argument.
    """
    try:
        mode = Path(path).stat().st_mode
    except OSError:
        return
    for is_kind, name in _KINDS:
        if is_kind(mode):
            raise error(f"{path}: must be a file or a folder (got {name})")


def _flush(path: Path) -> None:
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _clear_stale(target: Path) -> None:
    oldest = time.time() - _STALE_SECONDS
    for draft in target.parent.glob(f".{_escaped(target.name)}.*.part"):
        with contextlib.suppress(OSError):
            if draft.stat().st_mtime < oldest:
                draft.unlink()


def _escaped(name: str) -> str:
    """A file name in which nothing is a pattern."""
    return "".join(f"[{letter}]" if letter in "*?[" else letter for letter in name)
