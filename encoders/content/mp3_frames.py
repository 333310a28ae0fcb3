"""The frames of MP3 files that do not say how many they have: libsndfile guesses their length and cuts the rest."""

import struct
from typing import NamedTuple

__all__ = ["Mp3Extent", "mp3_extent", "names_its_length", "with_length"]

_WITHIN = 64
_VERSION_1 = 3
_LAYER_3 = 1
_KILOBITS = {
    True: (0, 32, 40, 48, 56, 64, 80, 96, 112, 128, 160, 192, 224, 256, 320),
    False: (0, 8, 16, 24, 32, 40, 48, 56, 64, 80, 96, 112, 128, 144, 160),
}
_HERTZ = (44_100, 48_000, 32_000)
_RATE_SHIFTS = {_VERSION_1: 0, 2: 1, 0: 2}
_HIGHEST_BIT_RATE = 14


class Mp3Extent(NamedTuple):
    """The unbroken row of frames that a file starts with.

    Args:
        frames: How many.
        end: Where the last one ends, in bytes; beyond the file's end if it is cut.
    """

    frames: int
    end: int


def names_its_length(content: bytes) -> bool:
    """Whether the first frame says how many follow, as those of most encoders do."""
    return any(label in content[:_WITHIN] for label in (b"Xing", b"Info", b"VBRI"))


def mp3_extent(content: bytes) -> Mp3Extent:
    """Walk over the headers of the frames; none for layers other than III and for unnamed bit rates."""
    frames = end = 0
    while end + 4 <= len(content):
        size = _frame_bytes(content[end : end + 4])
        if size == 0:
            break
        frames, end = frames + 1, end + size
    return Mp3Extent(frames, end)


def with_length(content: bytes) -> bytes:
    """The content after one more frame, without sound, that says how many follow."""
    frames = mp3_extent(content).frames
    if frames == 0:
        return content
    # Neither checksum nor padding, and the highest bit rate: the frame must have room for what it says.
    header = bytes([content[0], content[1] | 1, _HIGHEST_BIT_RATE << 4 | content[2] & 0x0C, content[3]])
    is_version_1, is_mono = content[1] >> 3 & 3 == _VERSION_1, content[3] >> 6 == 3
    side = {(True, False): 32, (True, True): 17, (False, False): 17, (False, True): 9}[is_version_1, is_mono]
    size = _frame_bytes(header)
    said = header + bytes(side) + struct.pack(">4sII", b"Info", 1, frames)
    return said.ljust(size, b"\0") + content


def _frame_bytes(header: bytes) -> int:
    """Length of the frame that the header starts; 0 if it is none."""
    if header[0] != 0xFF or header[1] >> 5 != 7:
        return 0
    version, layer = header[1] >> 3 & 3, header[1] >> 1 & 3
    kilobits, hertz, padding = header[2] >> 4, header[2] >> 2 & 3, header[2] >> 1 & 1
    if version not in _RATE_SHIFTS or layer != _LAYER_3 or kilobits in (0, 15) or hertz == 3:
        return 0
    is_version_1 = version == _VERSION_1
    rate = _HERTZ[hertz] >> _RATE_SHIFTS[version]
    return (144 if is_version_1 else 72) * 1000 * _KILOBITS[is_version_1][kilobits] // rate + padding
