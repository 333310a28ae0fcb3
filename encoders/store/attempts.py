"""Which items ended the process that prepared them."""

import os
import struct
import time
import uuid
from collections.abc import Sequence
from pathlib import Path

__all__ = ["Attempts"]

_RECORD = struct.Struct("<qd")
_NOTE, _DEATHS = "in-hand-", "deaths-"
_NONE = -1
_MOST_DEATHS = 2


class Attempts:
    """Notes on disk of the item in hand, which outlive the process that wrote them, whatever ended it.

    An item that was in hand when its process died is suspected, also by other processes and later runs: it is prepared
    in a process that may die. The second death that it surely causes makes it one that nobody prepares any more. Being
    in hand when everything was killed is no proof, so that alone counts for nothing; it does if it happens twice more,
    while the item was suspected.

    Args:
        folder: Where the notes are; made if it does not exist.
        note: File of the item in hand.
        suspects: Items that may end a process.
    """

    def __init__(self, folder: Path, note: Path, suspects: set[int]) -> None:
        self.folder, self.note, self.suspects = folder, note, suspects
        self._file: int | None = None

    @classmethod
    def open(cls, folder: Path, blocks: Sequence[range]) -> "Attempts":
        """Read what earlier processes left about the items of some blocks."""
        folder.mkdir(parents=True, exist_ok=True)
        suspects = {int(path.name.removeprefix(_DEATHS)) for path in folder.glob(f"{_DEATHS}*")}
        for path in folder.glob(f"{_NOTE}*"):
            item = _read(path)[0]
            if item == _NONE or any(item in block for block in blocks):  # others' are theirs
                suspects.add(item)
                path.unlink(missing_ok=True)
        return cls(folder, folder / f"{_NOTE}{uuid.uuid4().hex}", suspects - {_NONE})

    def another(self) -> "Attempts":
        """Of one more process."""
        return Attempts(self.folder, self.folder / f"{_NOTE}{uuid.uuid4().hex}", set(self.suspects))

    def begin(self, item: int) -> str | None:
        """Take an item in hand; gives a reason instead if it has ended processes often enough."""
        if item in self.suspects:
            count, reason = self._deaths(item)
            if count >= _MOST_DEATHS:
                return reason
            self._write(item, count + 1, reason)
        self._hold(item)
        return None

    def end(self, item: int) -> None:
        """Put it down: it did no harm."""
        if item in self.suspects:
            (self.folder / f"{_DEATHS}{item}").unlink(missing_ok=True)
            self.suspects.discard(item)

    def rest(self) -> None:
        """Have nothing in hand."""
        self._hold(_NONE)

    def in_hand(self) -> tuple[int | None, float]:
        """The item that the process of these notes has in hand, and since when by ``time.monotonic``."""
        item, since = _read(self.note)
        return (None if item == _NONE else item), since

    def blame(self, item: int, reason: str, *, for_good: bool = False) -> None:
        """Say that an item ended the process of these notes.

        Args:
            item: The item in hand.
            reason: In words.
            for_good: Whether once is enough.
        """
        count = self._deaths(item)[0] + (item not in self.suspects)
        self._write(item, _MOST_DEATHS if for_good else max(count, 1), reason)
        self.suspects.add(item)

    def close(self) -> None:
        """Remove the note: its process ended in good order."""
        if self._file is not None:
            os.close(self._file)
            self._file = None
        self.note.unlink(missing_ok=True)

    def _hold(self, item: int) -> None:
        if self._file is None:
            self._file = os.open(self.note, os.O_RDWR | os.O_CREAT, 0o644)
        os.lseek(self._file, 0, os.SEEK_SET)
        os.write(self._file, _RECORD.pack(item, time.monotonic()))

    def _deaths(self, item: int) -> tuple[int, str]:
        try:
            count, _, reason = (self.folder / f"{_DEATHS}{item}").read_text(encoding="utf-8").partition(" ")
            return int(count), reason
        except (OSError, ValueError):
            return 0, ""

    def _write(self, item: int, count: int, reason: str) -> None:
        reason = reason or "the process that read it was ended each time"
        (self.folder / f"{_DEATHS}{item}").write_text(f"{count} {reason}", encoding="utf-8")


def _read(note: Path) -> tuple[int, float]:
    try:
        item, since = _RECORD.unpack(note.read_bytes())
    except (OSError, struct.error):
        return _NONE, 0.0
    return int(item), float(since)
