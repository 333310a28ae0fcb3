"""Files that are there whole or not at all, and only files that can be read to an end."""

import contextlib
import csv
import ctypes
import errno
import hashlib
import os
import secrets
import shutil
import stat
import time
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path

from filelock import FileLock, Timeout

__all__ = [
    "atomic_write",
    "file_hash",
    "held_alone",
    "put_in_place",
    "require_regular",
    "write_problems",
    "write_table",
]

_CHUNK = 2**24
_LITTLE = 2**14
_FORMULA = frozenset("=+-@\t\r")
_HERE, _EXCHANGE = -100, 2  # AT_FDCWD and RENAME_EXCHANGE of Linux

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
    except BaseException as error:
        is_full = isinstance(error, Exception) and not isinstance(error, OSError) and _has_no_room(target.parent)
        draft.unlink(missing_ok=True)
        if is_full:  # some libraries have errors of their own for it
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC), str(target)) from error
        if isinstance(error, OSError) and error.errno is not None and error.filename is None:
            raise OSError(error.errno, error.strerror, str(target)) from error  # of a write, which knows no name
        raise
    with contextlib.suppress(OSError):  # not every file system can flush a folder
        _flush(target.parent)
    _clear_stale(target)


@contextlib.contextmanager
def held_alone(place: Path, busy: Exception | None = None) -> Iterator[None]:
    """Hold a file that stands for a piece of work, which one process at a time does; it is gone afterwards.

    Args:
        place: The file, in a folder that exists.
        busy: What to raise if another process holds it [default: wait until none does].
    """
    lock = FileLock(place)
    try:
        lock.acquire(timeout=-1 if busy is None else 0)
    except Timeout:
        if busy is None:
            raise
        raise busy from None
    try:
        yield
    finally:
        with contextlib.suppress(OSError):  # some systems keep a file that is held
            place.unlink()
        lock.release()


def write_table(path: Path, columns: Iterable[str], rows: Iterable[Iterable[object]]) -> None:
    """Write a CSV file at once; what cannot be encoded is escaped."""
    with atomic_write(path) as draft, draft.open("w", newline="", encoding="utf-8", errors="backslashreplace") as file:
        table = csv.writer(file)
        table.writerow(columns)
        table.writerows(rows)


def write_problems(path: Path, columns: Sequence[str], rows: Iterable[Iterable[object]]) -> None:
    """Write a table of what cannot be used and why; without rows, remove the table of an earlier time.

    What a spreadsheet would take for a formula is made a text.
    """
    inert = [
        [f"'{cell}" if str(cell)[:1] in _FORMULA and isinstance(cell, str) else cell for cell in row] for row in rows
    ]
    if inert:
        write_table(path, columns, inert)
    else:
        path.unlink(missing_ok=True)


def _has_no_room(folder: Path) -> bool:
    return shutil.disk_usage(folder).free < _LITTLE


def file_hash(path: Path) -> str:
    """Hash of a file's bytes, which are read in pieces."""
    digest = hashlib.blake2b(digest_size=16)
    with path.open("rb") as file:
        while chunk := file.read(_CHUNK):
            digest.update(chunk)
    return digest.hexdigest()


def put_in_place(work: Path, target: Path) -> None:
    """Let a finished folder take the place of another, which is removed; whoever looks sees one of them whole.

    Linux exchanges the two at once. Elsewhere these are two renames: killed between them, neither is at ``target``, and
    the former is beside it, under a name that ends in ``.old``.

    Args:
        work: The new folder, on the same file system.
        target: Where it goes; a folder there is replaced.

    Raises:
        OSError: If the folders cannot be renamed.
    """
    if not target.exists():
        work.rename(target)
        return
    if not _exchange(work, target):  # no other system can do it at once
        old = work.with_name(f"{work.name}.old")
        target.rename(old)
        work.rename(target)
        old.rename(work)
    shutil.rmtree(work)


def _exchange(one: Path, other: Path) -> bool:
    """Exchange two names at once, where the system can."""
    call = getattr(ctypes.CDLL(None, use_errno=True), "renameat2", None) if os.name == "posix" else None
    return call is not None and call(_HERE, os.fsencode(one), _HERE, os.fsencode(other), _EXCHANGE) == 0


def require_regular(path: Path | str, error: type[Exception]) -> None:
    """Refuse pipes, sockets and devices, which never end when they are read.

    Args:
        path: A file or folder; it may be missing.
        error: What to raise, with one text as argument.
    """
    try:
        mode = Path(path).stat().st_mode
    except OSError as problem:
        if problem.errno == errno.ENAMETOOLONG:
            raise error(f"{str(path)[:80]}...: is no name of a file (too long)") from None
        return
    except ValueError:
        raise error(f"{str(path)!r}: is no name of a file") from None
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
