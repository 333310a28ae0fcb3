"""The lock of a journal file."""

from pathlib import Path

from filelock import FileLock

__all__ = ["JournalLock"]


class JournalLock:
    """A lock of the kernel, which a killed process loses at once; Optuna's own leaves others waiting half a minute.

    Args:
        journal: The file to write to; the lock is a file beside it.
    """

    def __init__(self, journal: Path) -> None:
        self._lock = FileLock(f"{journal}.lock")

    def acquire(self) -> bool:
        """Wait for the lock."""
        self._lock.acquire()
        return True

    def release(self) -> None:
        """Give it back."""
        self._lock.release()
