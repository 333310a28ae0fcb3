"""Whether a film file is whole: libav silently reads the first part of truncated ones."""

import os
import struct
from typing import BinaryIO

__all__ = ["missing_film_part"]

_MAX_BOXES = 100_000


def missing_film_part(file: BinaryIO, decoder: str) -> str:
    """What the file promises and does not have; nothing if it is whole or promises nothing.

    Args:
        file: The file, which is left at its start.
        decoder: The decoder of its :class:`~encoders.content.kinds.Kind`.
    """
    present = file.seek(0, os.SEEK_END)
    file.seek(0)
    if decoder.startswith("mov"):
        promised = _end_of_boxes(file, present)
    elif decoder == "avi":
        promised = 8 + struct.unpack("<4xI", file.read(8))[0]
    elif decoder.startswith("matroska"):
        promised = _end_of_segment(file.read(256))
    else:
        promised = 0
    file.seek(0)
    return f"it promises {promised} bytes and {present} are there" if present < promised else ""


def _end_of_boxes(file: BinaryIO, present: int) -> int:
    """Where the last box that starts within the file ends."""
    position = 0
    for _ in range(_MAX_BOXES):
        file.seek(position)
        header = file.read(16)
        if len(header) < 8:
            break
        (size,) = struct.unpack_from(">I", header)
        if size == 1 and len(header) == 16:
            (size,) = struct.unpack_from(">Q", header, 8)
        if size < 8:  # 0: up to the file's end
            break
        position += size
        if position >= present:
            break
    return position


def _end_of_segment(head: bytes) -> int:
    """Where the segment that follows the head ends; 0 if it does not say."""
    size, start = _variable_size(head, 4)
    segment = start + size
    if head[segment : segment + 4] != b"\x18\x53\x80\x67":
        return 0
    size, start = _variable_size(head, segment + 4)
    return start + size if size else 0


def _variable_size(head: bytes, position: int) -> tuple[int, int]:
    """A size of one to eight bytes, 0 if unknown, and where it ends."""
    first = head[position] if position < len(head) else 0
    length = 9 - first.bit_length()
    field = head[position : position + length]
    mask = (1 << 7 * length) - 1
    value = int.from_bytes(field, "big") & mask
    return (0 if value == mask or first == 0 or len(field) < length else value), position + length
