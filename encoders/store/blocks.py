"""Rows of features by item, and the blocks of items that are encoded and written together."""

import json
from dataclasses import dataclass
from pathlib import Path

import torch
from torch import Tensor

from encoders.errors import EncoderError
from encoders.store.tensor_file import read_tensor_file, write_tensor_file

__all__ = ["BLOCK_ITEMS", "FeatureRows", "block_path", "block_positions", "num_blocks", "read_rows", "write_rows"]

BLOCK_ITEMS = 64
"""Items of a block: what a killed run loses at most, and what shards share out.

Batches never reach over its end, so that blocks are the same however they are shared out.
"""
_HASH_BYTES = 16


@dataclass
class FeatureRows:
    """Features of consecutive items.

    Args:
        x: Vectors, zero outside the mask. Shape: (items, dim), float32.
        mask: Whether the item has a vector. Shape: (items,), bool.
        content_hash: Hash of the raw content, zero without any. Shape: (items, 16), uint8.
        stamp: :meth:`~encoders.store.Catalog.stamp` at the time. Shape: (items, 2), int64.
        truncated: Whether content was left out because it is long. Shape: (items,), bool.
        problems: Reason by position of the item in the catalog.
    """

    x: Tensor
    mask: Tensor
    content_hash: Tensor
    stamp: Tensor
    truncated: Tensor
    problems: dict[int, str]

    @classmethod
    def empty(cls, items: int, dim: int) -> "FeatureRows":
        """Rows without any content."""
        return cls(
            x=torch.zeros(items, dim),
            mask=torch.zeros(items, dtype=torch.bool),
            content_hash=torch.zeros(items, _HASH_BYTES, dtype=torch.uint8),
            stamp=torch.full((items, 2), -1, dtype=torch.int64),
            truncated=torch.zeros(items, dtype=torch.bool),
            problems={},
        )

    def tensors(self) -> dict[str, Tensor]:
        """What is stored as tensors."""
        return {
            "x": self.x,
            "mask": self.mask,
            "content_hash": self.content_hash,
            "stamp": self.stamp,
            "truncated": self.truncated,
        }

    def by_content(self) -> dict[bytes, tuple[Tensor, bool]]:
        """Vector and whether it is of cut content, by hash of the content."""
        hashes = self.content_hash.numpy()
        return {
            hashes[row].tobytes(): (self.x[row], bool(self.truncated[row]))
            for row in self.mask.nonzero().flatten().tolist()
        }


def num_blocks(num_items: int) -> int:
    """Number of blocks of a catalog."""
    return -(-num_items // BLOCK_ITEMS)


def block_positions(block: int, num_items: int) -> range:
    """Positions of a block's items."""
    return range(block * BLOCK_ITEMS, min((block + 1) * BLOCK_ITEMS, num_items))


def block_path(folder: Path, block: int) -> Path:
    """A block's file."""
    return folder / f"block-{block:06d}.safetensors"


def write_rows(path: Path, rows: FeatureRows, header: dict[str, str]) -> None:
    """Write rows with a header; the file is there whole or not at all."""
    problems = json.dumps(rows.problems, sort_keys=True)
    write_tensor_file(path, rows.tensors(), {**header, "problems": problems})


def read_rows(path: Path) -> tuple[FeatureRows, dict[str, str]]:
    """Rows and header of a file that :func:`write_rows` wrote.

    Raises:
        EncoderError: If it is damaged or of another kind.
    """
    tensors, header = read_tensor_file(path)
    missing = [name for name in ("x", "mask", "content_hash", "stamp", "truncated") if name not in tensors]
    if missing or "problems" not in header:
        raise EncoderError(f"{path}: was not written by 'gnnrec encode' (without {', '.join(missing) or 'problems'})")
    try:
        problems = {int(item): str(reason) for item, reason in json.loads(header.pop("problems")).items()}
    except (ValueError, AttributeError, RecursionError):
        raise EncoderError(f"{path}: damaged, its problems cannot be read") from None
    rows = FeatureRows(**{name: tensors[name] for name in FeatureRows.empty(0, 0).tensors()}, problems=problems)
    kinds = {name: (tensor.dtype, tensor.dim()) for name, tensor in FeatureRows.empty(0, 0).tensors().items()}
    if any((one.dtype, one.dim()) != kinds[name] or len(one) != len(rows.mask) for name, one in rows.tensors().items()):
        raise EncoderError(f"{path}: damaged, its tensors do not fit together")
    return rows, header
