"""Contents of items as an encoder's input, ready again and again."""

import hashlib
from collections.abc import Callable, Sequence

import torch
from torch import Tensor

from encoders.base import Preprocess
from encoders.errors import ArgumentError
from encoders.store.catalog import Catalog
from encoders.store.loader import load_content

__all__ = ["PreparedContents"]

_BYTES = 2**30
_ITEMS_AT_ONCE = 64


class PreparedContents:
    """What an encoder gets of each item, for training that sees items many times.

    All contents are decoded once, which also finds out which can be. As many as fit stay in memory; the others are
    decoded whenever they are asked for.

    Args:
        catalog: The items.
        modality: Which of their contents.
        preprocess: The encoder's.
        workers: Processes of the first pass; 0 does it in this one.
        cache_gigabytes: Memory for prepared contents.
        item_seconds: After which a worker that still reads the same item is ended, and the item left out.
        on_prepared: Called with the number of items looked at and of all.

    Raises:
        ArgumentError: If no item has such content.
    """

    def __init__(
        self,
        catalog: Catalog,
        modality: str,
        preprocess: Preprocess,
        *,
        workers: int = 0,
        cache_gigabytes: float = 2.0,
        item_seconds: float = 120.0,
        on_prepared: Callable[[int, int], None] | None = None,
    ) -> None:
        self.catalog, self.modality, self.preprocess = catalog, modality, preprocess
        self.problems: dict[int, str] = {}
        self._kept: dict[int, Tensor] = {}
        self._digests: dict[int, bytes] = {}
        self.mask = torch.zeros(len(catalog), dtype=torch.bool)
        left = int(cache_gigabytes * _BYTES)
        blocks = [
            range(start, min(len(catalog), start + _ITEMS_AT_ONCE)) for start in range(0, len(catalog), _ITEMS_AT_ONCE)
        ]
        chunks = load_content(
            catalog, modality, preprocess, blocks, known=(), workers=workers, item_seconds=item_seconds
        )
        for chunk in chunks:
            self.problems.update(chunk.problems)
            if chunk.samples is not None:
                for item, samples in zip(chunk.prepared, torch.split(chunk.samples, chunk.counts), strict=True):
                    self.mask[item] = True
                    self._digests[item] = hashlib.blake2b(samples.numpy().tobytes(), digest_size=16).digest()
                    left -= samples.nbytes
                    if left >= 0:
                        self._kept[item] = samples.clone()
            if on_prepared:
                on_prepared(chunk.positions[-1] + 1, len(catalog))
        if not bool(self.mask.any()):
            first = next(iter(self.problems.values()), f"none has {modality}")
            raise ArgumentError(f"no item has {modality} that can be encoded ({first})")

    @property
    def content_hash(self) -> str:
        """Hash of what the encoder gets of all items: other contents, or another way to prepare them, have another."""
        digest = hashlib.blake2b(digest_size=16)
        for item in sorted(self._digests):
            digest.update(item.to_bytes(8, "little") + self._digests[item])
        return digest.hexdigest()

    @property
    def num_kept(self) -> int:
        """Items whose prepared contents are in memory."""
        return len(self._kept)

    def gather(self, items: Sequence[int]) -> tuple[Tensor, Tensor]:
        """Samples of items that the mask covers.

        Args:
            items: Positions.

        Returns:
            Samples, item after item, of shape (samples, ...), and the number of each item's, of shape (items,), int64.
        """
        parts = [self._kept[item] if item in self._kept else self._prepare(item) for item in items]
        return torch.cat(parts), torch.tensor([len(part) for part in parts])

    def _prepare(self, item: int) -> Tensor:
        entry = self.catalog.contents[self.modality][item]
        assert entry is not None, "items without content are not covered"
        data = self.catalog.read(self.modality, item)
        return self.preprocess(entry if self.modality == "text" else self.preprocess.read(data, entry)).samples
