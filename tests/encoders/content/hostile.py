"""Files that no decoder may accept, for the tests of decoders and of whatever reads catalogs."""

import io
import os
import struct
import zlib
from pathlib import Path

import av
import numpy as np
import soundfile
from PIL import Image

RANDOM = np.random.default_rng(0)


def picture_bytes(format_name: str, **options) -> bytes:
    buffer = io.BytesIO()
    pixels = RANDOM.integers(0, 256, (48, 64, 3), dtype=np.uint8)
    Image.fromarray(pixels).save(buffer, format_name, **options)
    return buffer.getvalue()


def sound_bytes(format_name: str, samples: np.ndarray | None = None, rate: int = 16_000, **options) -> bytes:
    if samples is None:
        samples = 0.5 * np.sin(np.arange(rate) * 2 * np.pi * 440 / rate) + 0.01 * RANDOM.normal(size=rate)
    buffer = io.BytesIO()
    soundfile.write(buffer, samples, rate, format=format_name, **options)
    return buffer.getvalue()


def film_bytes(
    format_name: str = "mp4",
    codec: str = "mpeg4",
    *,
    frames: int = 20,
    rate: int = 10,
    size: tuple[int, int] = (64, 48),
    rotation: int | None = None,
) -> bytes:
    """A film whose frame k has grey 20 + 10 * k, but for a white corner at the top left."""
    buffer = io.BytesIO()
    with av.open(buffer, "w", format=format_name) as container:
        stream = container.add_stream(codec, rate=rate)
        stream.width, stream.height = size
        stream.pix_fmt = "yuv420p"
        if rotation is not None:
            stream.set_display_rotation(rotation)
        for index in range(frames):
            pixels = np.full((size[1], size[0], 3), 20 + 10 * index, np.uint8)
            pixels[:8, :8] = 255
            container.mux(stream.encode(av.VideoFrame.from_ndarray(pixels, format="rgb24")))
        container.mux(stream.encode())
    return buffer.getvalue()


def png_claiming(width: int, height: int) -> bytes:
    """A PNG file of a few rows whose header claims any size."""

    def chunk(label: bytes, content: bytes) -> bytes:
        return struct.pack(">I", len(content)) + label + content + struct.pack(">I", zlib.crc32(label + content))

    header = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    rows = zlib.compress(bytes(100_000))
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", rows) + chunk(b"IEND", b"")


def wav_bytes(
    *, channels: int = 1, rate: int = 8_000, promised: int | None = None, samples: bytes = bytes(100)
) -> bytes:
    """A WAV file of 16 bit whose header may lie."""
    frame = max(1, 2 * channels)
    form = struct.pack("<HHIIHH", 1, channels, rate, rate * frame, frame, 16)
    promised = len(samples) if promised is None else promised
    body = b"WAVEfmt " + struct.pack("<I", 16) + form + b"data" + struct.pack("<I", promised) + samples
    return b"RIFF" + struct.pack("<I", min(4 + promised + 36, 2**32 - 1)) + body


def flac_claiming(samples: int) -> bytes:
    """A FLAC file of a second whose header claims any number of samples."""
    content = bytearray(sound_bytes("FLAC"))
    content[21] = content[21] & 0xF0 | samples >> 32
    content[22:26] = struct.pack(">I", samples & 0xFFFFFFFF)
    return bytes(content)


def gif_claiming(width: int, height: int) -> bytes:
    content = bytearray(picture_bytes("GIF"))
    content[6:10] = struct.pack("<HH", width, height)
    return bytes(content)


def half(content: bytes) -> bytes:
    return content[: len(content) // 2]


def _contents() -> dict[str, tuple[bytes, str]]:
    not_finite = np.array([0.0, np.nan, np.inf, 0.5])
    page = b"<!DOCTYPE html><html><body>404 Not Found</body></html>"
    drawing = b'<?xml version="1.0"?><svg xmlns="http://www.w3.org/2000/svg"/>'
    return {
        "empty.jpg": (b"", "is empty"),
        "empty.txt": (b"", "is empty"),
        "cut.png": (half(picture_bytes("PNG")), "truncated"),
        "cut.jpg": (half(picture_bytes("JPEG")), "truncated"),
        "cut_progressive.jpg": (half(picture_bytes("JPEG", progressive=True)), "truncated"),
        "cut.gif": (half(picture_bytes("GIF")), "truncated"),
        "cut.webp": (half(picture_bytes("WEBP")), "truncated"),
        "cut.wav": (half(sound_bytes("WAV")), "truncated"),
        "cut.flac": (half(sound_bytes("FLAC")), "truncated"),
        "cut.ogg": (half(sound_bytes("OGG")), "truncated"),
        "cut.mp3": (half(sound_bytes("MP3")), "truncated"),
        "cut.mp4": (half(film_bytes()), "truncated"),
        "note.png": (b"This is a note.\n", "but a text"),
        "picture.wav": (picture_bytes("PNG"), "but a PNG picture"),
        "sound.jpg": (sound_bytes("WAV"), "but a WAV sound"),
        "picture.txt": (picture_bytes("PNG"), "but a PNG picture"),
        "picture.mp4": (picture_bytes("JPEG"), "but a JPEG picture"),
        "archive.jpg": (b"PK\x03\x04" + bytes(60), "but a ZIP archive"),
        "page.jpg": (page, "but an HTML page"),
        "drawing.png": (drawing, "but an SVG drawing"),
        "random.jpg": (b"\x01\x02\x03\x04" * 20, "unknown content"),
        "playlist.mp4": (b"#EXTM3U\n#EXTINF:1,\nfile:///etc/hostname\n", "but a text"),
        "bomb.png": (png_claiming(60_000, 60_000), "pixels"),
        "bomb.gif": (gif_claiming(60_000, 60_000), "pixels"),
        "hours.wav": (wav_bytes(promised=2**31), "truncated"),
        "hours.flac": (flac_claiming(16_000 * 3_600 * 100), "seconds long"),
        "nothing.wav": (wav_bytes(samples=b""), "no samples"),
        "no_channels.wav": (wav_bytes(channels=0), "damaged"),
        "slow.wav": (wav_bytes(rate=3), "samples a second"),
        "not_finite.wav": (sound_bytes("WAV", not_finite, subtype="FLOAT"), "not finite"),
        "latin.txt": ("caf\u00e9 noir".encode("latin-1"), "not UTF-8"),
        "spaces.txt": (b" \t\r\n \x0b", "no visible character"),
    }


def write_hostile_folder(folder: Path) -> dict[str, str]:
    """Write 40 hostile files, less those that cannot exist.

    Returns:
        Of each file, its name from the folder on and a part of the reason for which it is to be refused.
    """
    content = folder / "content"
    content.mkdir(parents=True)
    expected = {}
    for name, (data, reason) in _contents().items():
        (content / name).write_bytes(data)
        expected[f"content/{name}"] = reason
    outside = folder.parent / f"{folder.name}_outside.txt"
    outside.write_text("Outside of the folder.")
    (content / "leaving.txt").symlink_to(outside)
    (content / "circle.txt").symlink_to("circle.txt")
    (content / "directory.jpg").mkdir()
    os.mkfifo(content / "pipe.txt")
    return expected | {
        "content/missing.jpg": "does not exist",
        "content/leaving.txt": "leaves the folder",
        "content/circle.txt": "cannot be reached",
        "content/directory.jpg": "is a directory",
        "content/pipe.txt": "is a pipe",
        f"../{outside.name}": "'..'",
        str(outside.absolute()): "absolute",
        "content/nul\0.jpg": "NUL character",
    }
