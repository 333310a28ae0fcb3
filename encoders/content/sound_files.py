"""Whether a sound file is whole: libsndfile silently reads the first part of truncated WAV, Ogg and MP3 files."""

import struct

from encoders.content.mp3_frames import mp3_extent, names_its_length

__all__ = ["bare_sound", "missing_part"]

_MAX_CHUNKS = 1_000
_UNKNOWN_SIZE = 0xFFFFFFFF
_TAG_HEADER = 10
_OGG_HEADER = 27
_OGG_END_FLAG = 4
_XING_WITHIN = 64


def bare_sound(content: bytes) -> bytes:
    """The content without the ID3 tags before it, about which libmpg123 would print warnings."""
    start = 0
    while content[start : start + 3] == b"ID3" and len(content) >= start + _TAG_HEADER:
        flags, *sizes = content[start + 5 : start + _TAG_HEADER]
        # Four bytes of seven bits each; a flag says that ten bytes follow.
        size = sum((value & 0x7F) << shift for value, shift in zip(sizes, (21, 14, 7, 0), strict=True))
        start += _TAG_HEADER + size + (_TAG_HEADER if flags & 0x10 else 0)
    rest = content[start:] if start else content
    return (rest.lstrip(b"\0") if start else rest) or content


def missing_part(content: bytes, decoder: str) -> str:
    """What the file promises and does not have; nothing if it is whole or promises nothing.

    Args:
        content: The file's bytes, without tags before it.
        decoder: The decoder of its :class:`~encoders.content.kinds.Kind`.
    """
    if decoder.startswith("WAV"):
        return _missing_of_wav(content)
    if decoder == "OGG":
        return _missing_of_ogg(content)
    return _missing_of_mp3(content) if decoder == "MP3" else ""


def _missing_of_wav(content: bytes) -> str:
    position, wide_size = 12, None
    for _ in range(_MAX_CHUNKS):
        if position + 8 > len(content):
            return "its samples are not there"
        label, size = struct.unpack_from("<4sI", content, position)
        position += 8
        if label == b"ds64" and position + 16 <= len(content):
            (wide_size,) = struct.unpack_from("<Q", content, position + 8)
        if label == b"data":
            # Programs that write to a pipe cannot go back to fill in the size.
            size = (wide_size or 0) if size == _UNKNOWN_SIZE else size
            present = len(content) - position
            return f"its header promises {size} bytes of samples and {present} are there" if present < size else ""
        position += size + size % 2
    return ""


def _missing_of_ogg(content: bytes) -> str:
    page = content.rfind(b"OggS")
    header = content[page : page + _OGG_HEADER]
    if len(header) < _OGG_HEADER:
        return "its last page is cut"
    sizes = content[page + _OGG_HEADER : page + _OGG_HEADER + header[-1]]
    if len(content) < page + _OGG_HEADER + header[-1] + sum(sizes):
        return "its last page is cut"
    return "" if header[5] & _OGG_END_FLAG else "its last page is missing"


def _missing_of_mp3(content: bytes) -> str:
    if not names_its_length(content):
        return "its last frame is cut" if mp3_extent(content).end > len(content) else ""
    # The first frame holds no sound but says how many frames and bytes there are.
    head = content[:_XING_WITHIN]
    position = max(head.find(b"Xing"), head.find(b"Info"))
    if position < 0 or len(content) < position + 16:
        return ""
    (flags,) = struct.unpack_from(">I", content, position + 4)
    if not flags & 2:
        return ""
    (size,) = struct.unpack_from(">I", content, position + (12 if flags & 1 else 8))
    return f"its header promises {size} bytes and {len(content)} are there" if len(content) < size else ""
