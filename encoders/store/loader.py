"""Reading, hashing and preparing content in worker processes."""

from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

import torch
from torch import Tensor
from torch.utils.data import DataLoader, Dataset

from encoders.base import Preprocess
from encoders.errors import ContentError
from encoders.store.catalog import Catalog, content_hash

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


class _Chunks(Dataset[ContentChunk]):
    def __init__(
        self,
        catalog: Catalog,
        modality: str,
        preprocess: Preprocess,
        known: Collection[bytes],
        chunks: list[range],
    ) -> None:
        self.catalog, self.modality, self.preprocess = catalog, modality, preprocess
        self.known, self.chunks = known, chunks

    def __len__(self) -> int:
        return len(self.chunks)

    def __getitem__(self, index: int) -> ContentChunk:
        chunk = ContentChunk(self.chunks[index])
        samples: list[Tensor] = []
        for item in chunk.positions:
            entry = self.catalog.contents[self.modality][item]
            chunk.stamps.append(self.catalog.stamp(self.modality, item))
            if entry is None:
                continue
            try:
                data = self.catalog.read(self.modality, item)
                chunk.hashes[item] = content_hash(data)
                if chunk.hashes[item] in self.known:
                    continue
                content = entry if self.modality == "text" else self.preprocess.read(data, entry)
                prepared = self.preprocess(content)
            except ContentError as error:
                chunk.problems[item] = str(error)
                continue
            except MemoryError:
                chunk.problems[item] = f"{entry}: needs more memory than there is"
                continue
            samples.append(prepared.samples)
            chunk.prepared.append(item)
            chunk.counts.append(len(prepared.samples))
            if prepared.truncated:
                chunk.truncated.append(item)
        chunk.samples = torch.cat(samples) if samples else None
        return chunk


def load_content(
    catalog: Catalog,
    modality: str,
    preprocess: Preprocess,
    blocks: Sequence[range],
    *,
    known: Collection[bytes],
    workers: int,
) -> Iterator[ContentChunk]:
    """Chunks of the blocks' items, in order, prepared ahead by worker processes.

    Args:
        catalog: The items.
        modality: Which of their contents.
        preprocess: What to do with it.
        blocks: Positions of the items, a range a block; no chunk reaches over a block's end.
        known: Hashes of contents that need no preparation.
        workers: Processes; 0 prepares in this one.
    """
    chunks = [block[start : start + _CHUNK_ITEMS] for block in blocks for start in range(0, len(block), _CHUNK_ITEMS)]
    dataset = _Chunks(catalog, modality, preprocess, known, chunks)
    options: dict[str, Any] = {"prefetch_factor": 8} if workers else {}
    return iter(DataLoader(dataset, batch_size=None, num_workers=min(workers, len(chunks)), **options))
