"""Safetensors files whose bytes depend on their content alone."""

import json
import struct
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from encoders.errors import EncoderError
from encoders.files import atomic_write, require_regular

__all__ = ["read_tensor_file", "write_tensor_file"]

_TYPES = {
    torch.float64: "F64",
    torch.float32: "F32",
    torch.float16: "F16",
    torch.bfloat16: "BF16",
    torch.int64: "I64",
    torch.int32: "I32",
    torch.uint8: "U8",
    torch.bool: "BOOL",
}
_ALIGNMENT = 8


def write_tensor_file(path: Path, tensors: Mapping[str, Tensor], header: Mapping[str, str]) -> None:
    """Write a safetensors file at once: it is there whole, or not at all.

    The safetensors package writes the header's entries in an order that differs from process to process; here equal
    content gives equal bytes.

    Args:
        path: The file; one that exists is replaced.
        tensors: Floating, int64, int32, uint8 or bool, by name; they may share memory.
        header: Text by name.
    """
    entries: dict[str, Any] = {"__metadata__": dict(sorted(header.items()))}
    # Wide types first, so that every tensor starts at a multiple of its element's size.
    names = sorted(tensors, key=lambda name: (-tensors[name].element_size(), name))
    start = 0
    for name in names:
        end = start + tensors[name].numel() * tensors[name].element_size()
        entries[name] = {
            "dtype": _TYPES[tensors[name].dtype],
            "shape": list(tensors[name].shape),
            "data_offsets": [start, end],
        }
        start = end
    text = json.dumps(entries, ensure_ascii=False, separators=(",", ":")).encode()
    text += b" " * (-len(text) % _ALIGNMENT)
    with atomic_write(path) as draft, draft.open("wb") as file:
        file.write(struct.pack("<Q", len(text)) + text)
        for name in names:
            file.write(tensors[name].detach().cpu().contiguous().reshape(-1).view(torch.uint8).numpy().tobytes())


def read_tensor_file(path: Path, *, names: Sequence[str] | None = None) -> tuple[dict[str, Tensor], dict[str, str]]:
    """Tensors by name, and the header.

    Args:
        path: The file.
        names: Which tensors [default: all].

    Raises:
        EncoderError: If the file is damaged.
    """
    from safetensors import SafetensorError, safe_open

    require_regular(path, EncoderError)
    file: Any
    try:
        with safe_open(path, framework="pt") as file:
            wanted = list(file.keys()) if names is None else names
            return {name: file.get_tensor(name) for name in wanted}, dict(file.metadata() or {})
    except (SafetensorError, OSError) as error:
        raise EncoderError(f"{path}: truncated or not a safetensors file: {error}") from None
