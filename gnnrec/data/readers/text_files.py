"""Text files as UTF-8 with lines of bearable length, whatever they are written in."""

import codecs
import csv
import gzip
import io
import re
import zlib
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import numpy.typing as npt

from encoders.files import require_regular
from gnnrec.errors import DataError

__all__ = [
    "BLOCK_BYTES",
    "DELIMITERS",
    "UTF8_OR_LATIN1",
    "count_filled",
    "filled_row",
    "first_names",
    "guess_delimiter",
    "header_of",
    "is_present",
    "read_text",
]

UTF8_OR_LATIN1 = "utf8 or latin-1"
"""Encoding of files of which some versions are one and some the other."""

BLOCK_BYTES = 1 << 26
"""Bytes of text that are parsed at once; a row has to fit into one block."""

DELIMITERS = {"\t": "tab", ",": "comma", ";": "semicolon", "|": "bar", "::": "'::'", " ": "space"}
"""What may separate columns, and how messages call it."""

_GZIP = b"\x1f\x8b"
_EXPANSION = 100
_LEAST_LIMIT = 1 << 24
_LONGEST_LINE = 1 << 24
_PIECE = 1 << 24
_HEADER = 1 << 16
# UTF-32's little-endian mark begins with that of UTF-16.
_MARKS = (
    (codecs.BOM_UTF32_LE, "utf-32"),
    (codecs.BOM_UTF32_BE, "utf-32"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)
_END = re.compile(rb"\r\n?|\n")


def is_present(path: Path) -> bool:
    """Whether a file that may be absent is there.

    Raises:
        DataError: If something is there that is no file: it would be taken as absent.
    """
    require_regular(path, DataError)
    if path.is_file():
        return True
    if path.exists() or path.is_symlink():
        raise DataError(f"{path}: must be a file (got {'a folder' if path.is_dir() else 'a link to nothing'})")
    return False


def read_text(path: Path, encoding: str = "utf8") -> bytes:
    """The text of a file, out of gzip where it is in it, as UTF-8 without a mark of byte order.

    Line ends of a file that has carriage returns only become newlines.

    Args:
        path: The file.
        encoding: Of the file; a mark of UTF-16 or UTF-32 wins over UTF-8. :data:`UTF8_OR_LATIN1` is UTF-8, and latin-1
            only where that does not decode.

    Raises:
        DataError: If it is no regular file, absent, no such text, expands to what no file of its size reasonably holds,
            or has a line of an absurd length.
    """
    require_regular(path, DataError)
    try:
        content = path.read_bytes()
    except FileNotFoundError:
        raise DataError(f"{path}: no such file") from None
    except OSError as error:
        raise DataError(f"{path}: cannot be read: {(error.strerror or str(error)).lower()}") from None
    content = _unzipped(path, content) if content[:2] == _GZIP else content
    content = _as_utf8(path, content, encoding)
    if b"\r" in content and b"\n" not in content:
        content = content.replace(b"\r", b"\n")
    _check_lines(path, content)
    return content


def header_of(path: Path, delimiter: str = "\t") -> list[str]:
    """Column names in the first line of a text file; empty if the file has no readable text."""
    require_regular(path, DataError)
    if not path.is_file():
        return []
    try:
        with path.open("rb") as stream:
            start = stream.read(_HEADER)
            if start[:2] == _GZIP:
                stream.seek(0)
                start = gzip.GzipFile(fileobj=stream).read(_HEADER)
    except (OSError, EOFError, zlib.error):
        return []
    encoding = _marked(start) or "utf8"
    line = start.decode(encoding, errors="ignore").encode() if encoding != "utf8" else start
    return first_names(line, delimiter)


def first_names(content: bytes, delimiter: str) -> list[str]:
    """Names of columns in the first line of a text; none if it is no UTF-8."""
    try:
        text = _END.split(content[: _LONGEST_LINE + 1], maxsplit=1)[0].decode("utf-8-sig")
        if len(delimiter) > 1:
            return text.split(delimiter)
        return next(csv.reader([text], delimiter=delimiter), [])
    except (UnicodeDecodeError, csv.Error):
        return []


def guess_delimiter(path: Path) -> str:
    """What separates the columns in the first line of a text file; a tab where nothing does."""
    line = "\t".join(header_of(path, "\t"))
    counts = {delimiter: line.count(delimiter) for delimiter in DELIMITERS}
    if counts["::"]:
        return "::"
    best = max(("\t", ",", ";", "|", " "), key=lambda delimiter: counts[delimiter])
    return best if counts[best] else "\t"


def count_filled(text: bytes) -> int:
    """Number of lines that are not empty."""
    return sum(len(starts) for starts in _filled_starts(text))


def filled_row(text: bytes, index: int) -> int:
    """Row number, from 1 as an editor counts, of the ``index``-th line that is not empty."""
    for starts in _filled_starts(text):
        if index < len(starts):
            place = int(starts[index])
            ends = text.count(b"\n", 0, place) + text.count(b"\r", 0, place) - text.count(b"\r\n", 0, place)
            return ends + 1
        index -= len(starts)
    raise IndexError(index)


def _filled_starts(text: bytes) -> Iterator[npt.NDArray[np.int64]]:
    """Places where a line begins that is not empty, a piece of the text after another."""
    ended = True
    for begin in range(0, len(text), _PIECE):
        piece = np.frombuffer(text, dtype=np.uint8, offset=begin, count=min(_PIECE, len(text) - begin))
        is_end = (piece == ord("\n")) | (piece == ord("\r"))
        before = np.concatenate([[ended], is_end[:-1]])
        yield np.flatnonzero(before & ~is_end) + begin
        ended = bool(is_end[-1])


def _unzipped(path: Path, content: bytes) -> bytes:
    """What a gzip file holds, as long as it is no more than a file of that size can reasonably be."""
    limit = max(len(content) * _EXPANSION, _LEAST_LIMIT)
    try:
        with gzip.GzipFile(fileobj=io.BytesIO(content)) as stream:
            whole = stream.read(limit + 1)
    except (OSError, EOFError, zlib.error) as error:
        raise DataError(f"{path}: not a whole gzip file: {error}") from None
    if len(whole) > limit:
        raise DataError(f"{path}: expands to more than {_EXPANSION} times its size; unzip it first")
    return whole


def _marked(content: bytes) -> str | None:
    return next((name for mark, name in _MARKS if content.startswith(mark)), None)


def _as_utf8(path: Path, content: bytes, encoding: str) -> bytes:
    if encoding in ("utf8", UTF8_OR_LATIN1):
        encoding = _marked(content) or encoding
    try:
        "a".encode("utf8" if encoding == UTF8_OR_LATIN1 else encoding)
    except (LookupError, ValueError):  # of no text, or no name at all
        known = "one that Python knows, such as latin-1"
        raise DataError(f"{path}: 'encoding' must be {known} (got '{encoding}')") from None
    if encoding == UTF8_OR_LATIN1:
        encoding = "utf8" if _is_utf8(content) else "latin-1"
    if encoding != "utf8":
        try:
            return content.decode(encoding).removeprefix("\ufeff").encode()
        except UnicodeDecodeError as error:
            raise DataError(f"{path}: is not {encoding} ({error.reason} at byte {error.start})") from None
        except UnicodeEncodeError:  # such as UTF-7 and UTF-16 with halves of characters
            raise DataError(f"{path}: holds halves of characters when it is read as {encoding}") from None
    _check_utf8(path, content)
    return content.removeprefix(codecs.BOM_UTF8)


def _is_utf8(content: bytes) -> bool:
    try:
        content.decode("utf8")
    except UnicodeDecodeError:
        return False
    return True


def _check_utf8(path: Path, content: bytes) -> None:
    if 4 * content.count(b"\0") > len(content):
        raise DataError(f"{path}: holds zero bytes as UTF-16 does; if it is text, say --encoding utf-16-le")
    if content.isascii():
        return
    try:
        content.decode("utf8")
    except UnicodeDecodeError as error:
        row = len((content[: error.start] + b".").splitlines())
        raise DataError(
            f"{path}: row {row} is not UTF-8; save the file as UTF-8 or say its encoding, such as --encoding latin-1"
        ) from None


def _check_lines(path: Path, content: bytes) -> None:
    """Refuse a line that no log has; it is found without a look at each line."""
    begin = 0
    while len(content) - begin > _LONGEST_LINE:
        end = content.rfind(b"\n", begin, begin + _LONGEST_LINE)
        if end < 0:
            row = content.count(b"\n", 0, begin) + 1
            raise DataError(f"{path}, row {row}: must be shorter than {_LONGEST_LINE >> 20} MiB")
        begin = end + 1
