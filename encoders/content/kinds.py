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
        by_libav: Whether the decoder is libav's.
    """

    modality: str
    noun: str
    decoder: str = ""
    by_libav: bool = False


def _by_libav(modality: str, noun: str, decoder: str) -> Kind:
    return Kind(modality, noun, decoder, by_libav=True)


_MP4 = "mov,mp4,m4a,3gp,3g2,mj2"

# The first pattern that matches counts.
_PATTERNS: tuple[tuple[bytes, Kind], ...] = (
    (rb"\x89PNG\r\n\x1a\n", Kind("image", "a PNG picture", "PNG")),
    (rb"\xff\xd8\xff", Kind("image", "a JPEG picture", "JPEG,MPO")),
    (rb"GIF8[79]a", Kind("image", "a GIF picture", "GIF")),
    (rb"RIFF.{4}WEBP", Kind("image", "a WebP picture", "WEBP")),
    (rb"BM.{12}[\x0c\x10\x28\x34\x38\x40\x6c\x7c]\0\0\0", Kind("image", "a BMP picture", "BMP")),
    (rb"II[*+]\0|MM\0[*+]", Kind("image", "a TIFF picture", "TIFF")),
    (rb"P[1-6]\s", Kind("image", "a PNM picture", "PPM")),
    (rb"\0\0\0\x0cjP  |\xff\x4f\xff\x51", Kind("image", "a JPEG 2000 picture", "JPEG2000")),
    # The brand may be that of all pictures of this family, which names AVIF among those that it is compatible with.
    (rb".{4}ftyp(avi[fs]|(mif1|msf1).{4}(.{4}){0,8}avi[fs])", Kind("image", "an AVIF picture", "AVIF")),
    (rb".{4}ftyp(hei|hev|mif1|msf1)", Kind("", "a HEIF picture")),
    (rb"(RIFF|RF64).{4}WAVE", Kind("audio", "a WAV sound", "WAV,WAVEX,RF64")),
    (rb"fLaC", Kind("audio", "a FLAC sound", "FLAC")),
    (rb"OggS.{24,120}(\x80theora|\x01video)", _by_libav("video", "an Ogg film", "ogg")),
    (rb"OggS", Kind("audio", "an Ogg sound", "OGG")),
    (rb"ID3|\xff[\xe2-\xe5\xf2-\xf5\xfa-\xfd]", Kind("audio", "an MP3 sound", "MP3")),
    (rb"FORM.{4}AIF[FC]", Kind("audio", "an AIFF sound", "AIFF")),
    (rb"FORM.{4}(8SVX|16SV)", Kind("audio", "an SVX sound", "SVX")),
    (rb"\.snd|dns\.", Kind("audio", "an AU sound", "AU")),
    (rb"caff\0", Kind("audio", "a CAF sound", "CAF")),
    (rb"riff\x2e\x91\xcf\x11", Kind("audio", "a W64 sound", "W64")),
    (rb"Creative Voice File", Kind("audio", "a VOC sound", "VOC")),
    (rb"NIST_1A\n", Kind("audio", "a NIST sound", "NIST")),
    (rb"2BIT", Kind("audio", "an AVR sound", "AVR")),
    (rb"PVF1\n", Kind("audio", "a PVF sound", "PVF")),
    (rb" paf|fap ", Kind("audio", "a PAF sound", "PAF")),
    (rb"\x64\xa3[\1-\4]\0|\0[\1-\4]\xa3\x64", Kind("audio", "an IRCAM sound", "IRCAM")),
    (rb"\xff[\xf0\xf1\xf8\xf9]", _by_libav("audio", "an AAC sound", "aac")),
    (rb"\x0b\x77", _by_libav("audio", "an AC-3 sound", "ac3,eac3")),
    (rb"\x7f\xfe\x80\x01", _by_libav("audio", "a DTS sound", "dts")),
    (rb"#!AMR", _by_libav("audio", "an AMR sound", "amr")),
    (rb"wvpk", _by_libav("audio", "a WavPack sound", "wv")),
    (rb"TTA[12]", _by_libav("audio", "a True Audio sound", "tta")),
    (rb"MAC ", _by_libav("audio", "a Monkey's Audio sound", "ape")),
    (rb".{4}ftypM4[ABP]", _by_libav("audio", "an MPEG-4 sound", _MP4)),
    # What these hold, pictures or only sound, is seen when they are opened.
    (rb".{4}(ftyp|moov|mdat|wide|free|skip)", _by_libav("video", "an MP4 file", _MP4)),
    (rb"\x1aE\xdf\xa3", _by_libav("video", "a Matroska file", "matroska,webm")),
    (rb"RIFF.{4}AVI ", _by_libav("video", "an AVI film", "avi")),
    (rb"FLV\x01", _by_libav("video", "a Flash film", "flv")),
    (rb"\x30\x26\xb2\x75\x8e\x66\xcf\x11", _by_libav("video", "a Windows Media file", "asf")),
    (rb"\0\0\x01\xba", _by_libav("video", "an MPEG film", "mpeg")),
    (rb"\x47.{187}\x47", _by_libav("video", "an MPEG film", "mpegts")),
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
