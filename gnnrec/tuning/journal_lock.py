"""The lock of a journal file."""

from pathlib import Path

from filelock import FileLock

__all__ = ["JournalLock"]


class JournalLock:
    """A lock of the kernel, which a killed process loses at once; Optuna's own leaves others waiting half a minute.

    Args:
        folder: Where the lock's file goes. Optuna's own lock is ``JOURNAL.lock``; a file of that name would keep its
            dashboard waiting. The two do not see each other, but a line of the journal is one append.
    """

    def __init__(self, folder: Path) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self._lock = FileLock(folder / "journal.lock")

    def acquire(self) -> bool:
        """Wait for the lock."""
        self._lock.acquire()
        return True

    def release(self) -> None:
        """Give it back."""
        self._lock.release()
