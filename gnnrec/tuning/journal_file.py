"""A study's journal as a file that may have been cut off."""

import json
import os
from collections.abc import Generator
from pathlib import Path
from typing import Any

from filelock import FileLock
from optuna.storages.journal import JournalFileBackend

from encoders.files import require_regular
from gnnrec.errors import ArgumentError, StorageError

__all__ = ["JournalFile"]

_BEGINNING = b'{"op_code":'


class JournalFile(JournalFileBackend):
    """Optuna's journal, which a full disk or a loss of power may leave with half a record at its end.

    Half a record is dropped by the next who writes; it says nothing, since whoever wrote it did not go on.

    Args:
        path: The journal; without one, an empty one is made.
        locks: Folder of its lock, made when something is written.

    Raises:
        ArgumentError: If the file is something else.
        StorageError: If a record before the last is damaged, or the file cannot be opened.
    """

    def __init__(self, path: Path, locks: Path) -> None:
        self.path = path
        require_regular(path, ArgumentError)
        try:
            if path.exists():
                _check(path)
            super().__init__(str(path), lock_obj=_JournalLock(path, locks))  # type: ignore[arg-type]
        except OSError as error:
            raise self._failure(error) from None

    def read_logs(self, log_number_from: int) -> Generator[dict[str, Any], None, None]:
        """Records from one on."""
        try:
            yield from super().read_logs(log_number_from)
        except ValueError:  # no JSON
            _check(self.path)
            raise
        except OSError as error:
            raise self._failure(error) from None

    def append_logs(self, logs: list[dict[str, Any]]) -> None:
        """Write records at the end."""
        try:
            super().append_logs(logs)
        except OSError as error:
            raise self._failure(error) from None

    def _failure(self, error: OSError) -> StorageError:
        if isinstance(error, StorageError):
            return error
        return StorageError(f"'storage' {self.path}: {error.strerror or error}; once that is mended the study goes on")


class _JournalLock:
    """A lock of the kernel, which a killed process loses at once; Optuna's own leaves others waiting half a minute.

    Optuna's own lock is ``JOURNAL.lock``; a file of that name would keep its dashboard waiting. The two do not see each
    other, but a line of the journal is one append.
    """

    def __init__(self, path: Path, folder: Path) -> None:
        self._path = path
        self._folder = folder
        self._lock = FileLock(folder / "journal.lock")

    def acquire(self) -> bool:
        self._folder.mkdir(parents=True, exist_ok=True)
        self._lock.acquire()
        try:
            _drop_torn_record(self._path)
        except BaseException:
            self._lock.release()
            raise
        return True

    def release(self) -> None:
        self._lock.release()


def _drop_torn_record(path: Path) -> None:
    with path.open("rb+") as file:
        if not file.seek(0, os.SEEK_END):
            return
        file.seek(-1, os.SEEK_END)
        if file.read(1) != b"\n":
            file.seek(0)
            file.truncate(file.read().rfind(b"\n") + 1)
            os.fsync(file.fileno())


def _check(path: Path) -> None:
    """See that every record but half of one at the end is whole."""
    with path.open("rb") as file:
        start = file.read(len(_BEGINNING))
        # A loss of power leaves zeros.
        if not _BEGINNING.startswith(start) and start.strip(b"\0"):
            raise ArgumentError(f"'storage' {path} is no journal of Optuna")
        file.seek(0)
        for number, line in enumerate(file, start=1):
            if line.endswith(b"\n") and not _is_record(line):
                raise StorageError(
                    f"'storage' {path}: line {number} is damaged, and the study cannot be read without it; put a copy "
                    "of the file in its place, or choose another --name"
                )


def _is_record(line: bytes) -> bool:
    try:
        record = json.loads(line)
    except (ValueError, RecursionError):
        return False
    return isinstance(record, dict) and "op_code" in record
