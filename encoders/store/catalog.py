"""The items to encode, and where their content is."""

import hashlib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from encoders.content import locate, read_content_bytes
from encoders.errors import ArgumentError

__all__ = ["Catalog", "content_hash", "hash_of_ids"]

_MAX_BYTES = 2**32


@dataclass(frozen=True)
class Catalog:
    """Items in their order, with the content that each has.

    Args:
        root: Folder that file names start from; names that leave it are refused.
        item_ids: Id of each item.
        contents: By modality one entry an item: the words of a text, or the name of a file of another modality; None
            for items without such content.
        sources: By modality how the entries were found, noted in the header of features.

    Raises:
        ArgumentError: If a modality has another number of entries than there are items.
    """

    root: Path
    item_ids: Sequence[str | int]
    contents: Mapping[str, Sequence[str | None]]
    sources: Mapping[str, str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        for modality, entries in self.contents.items():
            if len(entries) != len(self.item_ids):
                raise ArgumentError(
                    f"'contents' must have one entry an item: {len(self.item_ids)} (got {len(entries)} of {modality})"
                )

    def __len__(self) -> int:
        """Number of items."""
        return len(self.item_ids)

    def item_id_hash(self) -> str:
        """Hash of the ids in their order, by which features know their items."""
        return hash_of_ids(self.item_ids)

    def reference_hash(self, modality: str) -> str:
        """Hash of the file names or texts in their order."""
        digest = hashlib.blake2b(digest_size=16)
        for entry in self.contents[modality]:
            digest.update(b"\0" if entry is None else b"\1" + entry.encode("utf-8", "surrogatepass") + b"\0")
        return digest.hexdigest()

    def read(self, modality: str, item: int) -> bytes:
        """The raw bytes of an item's content, which it must have.

        Raises:
            ContentError: If its file cannot be read, or its name leaves the folder.
        """
        entry = self.contents[modality][item]
        assert entry is not None, "only items that have the content are read"
        if modality == "text":
            return entry.encode("utf-8", "surrogatepass")
        return read_content_bytes(locate(self.root, entry), max_bytes=_MAX_BYTES, name=entry)

    def stamp(self, modality: str, item: int) -> tuple[int, int]:
        """Two numbers that change when an item's content does, without reading a file.

        Size and time of change of a file, (-1, -1) where there is none; length and hash of a text.
        """
        entry = self.contents[modality][item]
        if entry is None:
            return -1, -1
        if modality == "text":
            data = self.read(modality, item)
            return len(data), int.from_bytes(content_hash(data)[:8], "little", signed=True)
        try:
            status = (self.root / entry).stat()
        except (OSError, ValueError):
            return -1, -1
        return status.st_size, status.st_mtime_ns


def hash_of_ids(ids: Iterable[str | int]) -> str:
    """Hash of ids in their order."""
    return content_hash("\n".join(map(str, ids)).encode()).hex()


def content_hash(data: bytes) -> bytes:
    """Hash of raw content, 16 bytes."""
    return hashlib.blake2b(data, digest_size=16).digest()
