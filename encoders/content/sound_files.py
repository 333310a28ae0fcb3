"""Whether a sound file is whole, and whether libsndfile knows its codec.

libsndfile silently reads the first part of truncated files.
"""

import struct

from encoders.content.mp3_frames import mp3_extent, names_its_length

__all__ = ["bare_sound", "libav_format", "missing_part"]

_MAX_CHUNKS = 1_000
_UNKNOWN_SIZE = 0xFFFFFFFF
_TAG_HEADER = 10
_OGG_HEADER = 27
_OGG_END_FLAG = 4
_XING_WITHIN = 64
_CODEC_WITHIN = 128
_SIZES_WITHIN = 24
# PCM, two of Microsoft's, floats, A-law, mu-law, IMA, GSM, G.721, G.723, NMS, MP3; the last says that it follows.
_WAV_CODECS = frozenset({1, 2, 3, 6, 7, 0x11, 0x14, 0x31, 0x38, 0x40, 0x55, 0x64, 0x65, 0xFFFE})


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
    if decoder == "MP3":
        return _missing_of_mp3(content)
    promised = _promised_bytes(content, decoder)
    return f"its header promises {promised} bytes and {len(content)} are there" if len(content) < promised else ""


def libav_format(content: bytes, decoder: str) -> str:
    """Name of libav's format if the sound is of a codec that libsndfile lacks or cannot read; nothing otherwise."""
    head = content[:_CODEC_WITHIN]
    if decoder == "OGG" and (b"\x7fFLAC" in head or b"Speex   " in head):
        return "ogg"
    if decoder.startswith("WAV"):
        position = head.find(b"fmt ")
        known = position < 0 or len(head) < position + 10
        return "" if known or struct.unpack_from("<H", head, position + 8)[0] in _WAV_CODECS else "wav"
    return ""


def _promised_bytes(content: bytes, decoder: str) -> int:
    """Size of the whole file by its header; 0 if it does not say."""
    if len(content) < _SIZES_WITHIN:
        return 0
    if decoder in ("AIFF", "SVX"):
        return int(8 + struct.unpack_from(">I", content, 4)[0])
    if decoder == "W64":
        return int(struct.unpack_from("<Q", content, 16)[0])
    if decoder == "AU":
        order = ">" if content[:1] == b"." else "<"
        start, size = struct.unpack_from(f"{order}II", content, 4)
        return 0 if size == _UNKNOWN_SIZE else int(start + size)
    return _end_of_caf(content) if decoder == "CAF" else 0


def _end_of_caf(content: bytes) -> int:
    position = 8
    for _ in range(_MAX_CHUNKS):
        if position + 12 > len(content):
            break
        label, size = struct.unpack_from(">4sq", content, position)
        position += 12 + size
        if label == b"data" or size < 0:  # -1: up to the end
            return 0 if size < 0 else position
    return 0


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
