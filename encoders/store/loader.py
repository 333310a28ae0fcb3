"""Reading, hashing and preparing content, in this process or in workers."""

import contextlib
import tempfile
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import torch
from torch import Tensor

from encoders.base import Preprocess
from encoders.errors import ContentError
from encoders.store.attempts import Attempts
from encoders.store.catalog import Catalog, content_hash
from encoders.store.workers import Workers

__all__ = ["ContentChunk", "load_content"]

_CHUNK_ITEMS = 16


@dataclass
class ContentChunk:
    """A few consecutive items, ready to be encoded.

    Args:
        positions: Of all items of the chunk.
        stamps: Of each of them, from before its content was read, so that a change in between is seen later.
        hashes: Hash of the content by position, for items that have some.
        prepared: Positions of the items to encode.
        counts: Samples of each of them.
        samples: Their samples, item after item; None if there are none.
        truncated: Positions of items whose content was cut.
        problems: Reason by position.
    """

    positions: Sequence[int]
    stamps: list[tuple[int, int]] = field(default_factory=list)
    hashes: dict[int, bytes] = field(default_factory=dict)
    prepared: list[int] = field(default_factory=list)
    counts: list[int] = field(default_factory=list)
    samples: Tensor | None = None
    truncated: list[int] = field(default_factory=list)
    problems: dict[int, str] = field(default_factory=dict)


@dataclass(frozen=True)
class _Preparation:
    """What is done to the items of a chunk."""

    catalog: Catalog
    modality: str
    preprocess: Preprocess
    known: Collection[bytes]

    def __call__(self, positions: range, attempts: Attempts) -> ContentChunk:
        chunk = ContentChunk(positions)
        samples: list[Tensor] = []
        for item in positions:
            entry = self.catalog.contents[self.modality][item]
            chunk.stamps.append(self.catalog.stamp(self.modality, item))
            if entry is None:
                continue
            reason = attempts.begin(item)
            if reason is None:
                reason = self._prepare(item, entry, chunk, samples)
                attempts.end(item)
            else:
                reason = f"{self._name(entry)}{reason}"
            if reason is not None:
                chunk.problems[item] = reason
        attempts.rest()
        chunk.samples = torch.cat(samples) if samples else None
        return chunk

    def _prepare(self, item: int, entry: str, chunk: ContentChunk, samples: list[Tensor]) -> str | None:
        """Add an item to its chunk, or give the reason why not."""
        try:
            data = self.catalog.read(self.modality, item)
            chunk.hashes[item] = content_hash(data)
            if chunk.hashes[item] in self.known:
                return None
            content = entry if self.modality == "text" else self.preprocess.read(data, entry)
            prepared = self.preprocess(content)
        except ContentError as error:
            return str(error)
        except MemoryError:
            return f"{self._name(entry)}needs more memory than there is"
        samples.append(prepared.samples)
        chunk.prepared.append(item)
        chunk.counts.append(len(prepared.samples))
        if prepared.truncated:
            chunk.truncated.append(item)
        return None

    def _name(self, entry: str) -> str:
        return "" if self.modality == "text" else f"{entry}: "


def load_content(
    catalog: Catalog,
    modality: str,
    preprocess: Preprocess,
    blocks: Sequence[range],
    *,
    known: Collection[bytes],
    workers: int,
    item_seconds: float,
    notes: Path | None = None,
) -> Iterator[ContentChunk]:
    """Chunks of the blocks' items, in order, prepared ahead by worker processes.

    An item whose content ends the process that reads it is a problem after the second death, whatever ended it; so is
    one that takes too long. Without workers the first death is this process's own; the next call with the same
    ``notes`` prepares the item in a worker.

    Args:
        catalog: The items.
        modality: Which of their contents.
        preprocess: What to do with it.
        blocks: Positions of the items, a range a block; no chunk reaches over a block's end.
        known: Hashes of contents that need no preparation.
        workers: Processes; 0 prepares in this one.
        item_seconds: After which a worker that still has the same item is ended.
        notes: Folder in which processes note the item in hand, for a later call [default: a temporary one].

    Raises:
        EncoderError: If workers do not start.
    """
    chunks = [block[start : start + _CHUNK_ITEMS] for block in blocks for start in range(0, len(block), _CHUNK_ITEMS)]
    prepare = _Preparation(catalog, modality, preprocess, known)
    with contextlib.ExitStack() as stack:
        folder = notes or Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="gnnrec-")))
        attempts = Attempts.open(folder, blocks)
        stack.callback(attempts.close)
        if workers:
            yield from Workers(prepare, attempts, item_seconds).run(chunks, min(workers, len(chunks)))
            return
        for chunk in chunks:
            if attempts.suspects.isdisjoint(chunk):
                yield prepare(chunk, attempts)
            else:
                yield from Workers(prepare, attempts, item_seconds).run([chunk], 1)
