"""What bytes are, by their first ones: names of files are not to be trusted, and reasons should help."""

import re
from typing import NamedTuple

__all__ = ["Kind", "recognise"]

_HEAD_BYTES = 512


class Kind(NamedTuple):
    """A kind of file.

    Args:
        modality: ``"image"``, ``"audio"``, ``"video"``, or ``""`` for what no decoder here reads.
        noun: What to call it in a sentence.
        decoder: Name of the format in Pillow, soundfile or libav; several are separated by commas.
    """

    modality: str
    noun: str
    decoder: str = ""


_MP4 = "mov,mp4,m4a,3gp,3g2,mj2"
_OGG = Kind("audio", "an Ogg sound", "OGG")

# The first pattern that matches counts.
_PATTERNS: tuple[tuple[bytes, Kind], ...] = (
    (rb"\x89PNG\r\n\x1a\n", Kind("image", "a PNG picture", "PNG")),
    (rb"\xff\xd8\xff", Kind("image", "a JPEG picture", "JPEG,MPO")),
    (rb"GIF8[79]a", Kind("image", "a GIF picture", "GIF")),
    (rb"RIFF.{4}WEBP", Kind("image", "a WebP picture", "WEBP")),
    (rb"BM.{4}\0{4}", Kind("image", "a BMP picture", "BMP")),
    (rb"II[*+]\0|MM\0[*+]", Kind("image", "a TIFF picture", "TIFF")),
    (rb"P[1-6]\s", Kind("image", "a PNM picture", "PPM")),
    (rb"\0\0\0\x0cjP  |\xff\x4f\xff\x51", Kind("image", "a JPEG 2000 picture", "JPEG2000")),
    (rb".{4}ftypavi[fs]", Kind("image", "an AVIF picture", "AVIF")),
    (rb".{4}ftyp(hei|hev|mif1|msf1)", Kind("", "a HEIF picture")),
    (rb"(RIFF|RF64).{4}WAVE", Kind("audio", "a WAV sound", "WAV,WAVEX,RF64")),
    (rb"fLaC", Kind("audio", "a FLAC sound", "FLAC")),
    (rb"OggS.{24,120}(\x80theora|\x01video)", Kind("video", "an Ogg film", "ogg")),
    (rb"OggS", _OGG),
    (rb"ID3|\xff[\xe2-\xe5\xf2-\xf5\xfa-\xfd]", Kind("audio", "an MP3 sound", "MP3")),
    (rb"FORM.{4}AIF[FC]", Kind("", "an AIFF sound")),
    (rb".{4}ftypM4[AB]", Kind("", "an MPEG-4 sound")),
    (rb".{4}(ftyp|moov|mdat|wide|free|skip)", Kind("video", "an MP4 film", _MP4)),
    (rb"\x1aE\xdf\xa3", Kind("video", "a Matroska film", "matroska,webm")),
    (rb"RIFF.{4}AVI ", Kind("video", "an AVI film", "avi")),
    (rb"FLV\x01", Kind("video", "a Flash film", "flv")),
    (rb"\x30\x26\xb2\x75\x8e\x66\xcf\x11", Kind("video", "a Windows Media film", "asf")),
    (rb"\0\0\x01\xba", Kind("video", "an MPEG film", "mpeg")),
    (rb"\x47.{187}\x47", Kind("video", "an MPEG film", "mpegts")),
    (rb"PK[\x03\x05][\x04\x06]", Kind("", "a ZIP archive")),
    (rb"\x1f\x8b", Kind("", "a gzip archive")),
    (rb"7z\xbc\xaf\x27\x1c", Kind("", "a 7z archive")),
    (rb"Rar!\x1a\x07", Kind("", "a RAR archive")),
    (rb"%PDF-", Kind("", "a PDF document")),
    (rb"(\xef\xbb\xbf)?\s*(?i:<!doctype html|<html|<head)", Kind("", "an HTML page")),
    (rb"(\xef\xbb\xbf)?\s*(<\?xml.*)?(<!--.*)?(<!DOCTYPE svg.*)?<svg", Kind("", "an SVG drawing")),
)
_KINDS = tuple((re.compile(pattern, re.DOTALL), kind) for pattern, kind in _PATTERNS)
_NO_TEXT = re.compile(rb"[\0-\x08\x0e-\x1a\x1c-\x1f]")


def recognise(content: bytes) -> Kind:
    """The kind of file that the bytes start like; one without modality if no decoder reads it.

    Example:
        >>> recognise(b"GIF89a...").noun
        'a GIF picture'
    """
    head = content[:_HEAD_BYTES]
    for pattern, kind in _KINDS:
        if pattern.match(head):
            return kind
    if _is_text(head):
        return Kind("", "a text")
    return Kind("", f"unknown content (it starts with {head[:4].hex(' ')})")


def _is_text(head: bytes) -> bool:
    # The head may end within a letter of up to four bytes.
    letters = head.decode("utf-8", "ignore").encode()
    return not _NO_TEXT.search(head) and len(head) - len(letters) < 4 and head.startswith(letters)
