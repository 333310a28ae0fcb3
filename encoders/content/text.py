"""Texts from files, bytes or strings."""

import codecs
import re
import unicodedata
from itertools import groupby, islice
from pathlib import Path

from encoders.content.kinds import recognise
from encoders.content.refusal import refusal
from encoders.content.sources import source_bytes, source_name

__all__ = ["clean_text", "read_text"]

_MAX_BYTES = 2**26
_MAX_MARKS = 30
_PAIRS_OF_MARKS = "\u0f73\u0f75\u0f81"  # no marks by their class, but two when taken apart
_CONTROL = dict.fromkeys([*range(0x20), *range(0x7F, 0xA0)], " ") | {0xFEFF: None}
_SURROGATE = re.compile("[\ud800-\udfff]")
_INVISIBLE = {"Cc", "Cf", "Zl", "Zp", "Zs"}


def clean_text(text: str, *, name: str | None = None) -> str:
    r"""One line of text, with one way to write each letter.

    Halves of surrogate pairs become the letter that they stand for, or nothing if alone; control characters become
    spaces and byte order marks nothing; letters are composed (NFC), at most 30 marks on each, as the standard's
    stream-safe format has it; all whitespace between words becomes one space.

    Args:
        text: Any string.
        name: What to call the text in a reason.

    Raises:
        ContentError: If no visible character is left.

    Example:
        >>> clean_text("  cafe\u0301 \0\n noir ")
        'café noir'
    """
    if _SURROGATE.search(text):
        text = text.encode("utf-16-le", "surrogatepass").decode("utf-16-le", "ignore")
    text = text.translate(_CONTROL)
    if not text.isascii():
        text = unicodedata.normalize("NFC", _few_marks(text))
    text = " ".join(text.split())
    if all(unicodedata.category(letter) in _INVISIBLE for letter in text):
        raise refusal("text" if name is None else name, "has no visible character")
    return text


def read_text(source: Path | bytes, *, max_bytes: int = _MAX_BYTES, name: str | None = None) -> str:
    """Decode and clean a text, in UTF-8 or, where a byte order mark says so, UTF-16.

    Args:
        source: A file, or its bytes.
        max_bytes: Longer texts are refused.
        name: What to call the source in a reason; the path, or ``"text"`` for bytes, by default.

    Raises:
        ArgumentError: If ``max_bytes`` is not positive.
        ContentError: If the content is missing, too long, in another encoding, no text, or without a visible
            character.
    """
    shown = source_name(source, name, "text")
    content = source_bytes(source, shown, max_bytes=max_bytes)
    # The mark of little-endian UTF-32 starts like that of UTF-16.
    wide = content.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE))
    wide = wide and not content.startswith(codecs.BOM_UTF32_LE)
    try:
        text = content.decode("utf-16" if wide else "utf-8-sig")
    except UnicodeDecodeError as error:
        kind = recognise(content).noun
        found = f"byte {error.start} is not {'UTF-16' if wide else 'UTF-8'}"
        raise refusal(
            shown, f"is not a text but {kind}" if "unknown" not in kind else f"is not a text: {found}"
        ) from None
    if not wide and "\0" in text:
        raise refusal(shown, "has NUL characters: it is no text, or UTF-16 without a byte order mark")
    return clean_text(text, name=shown)


def _few_marks(text: str) -> str:
    """At most 30 combining marks in a row: composing takes time by the square of their number."""
    runs = groupby(text, key=lambda letter: unicodedata.combining(letter) != 0 or letter in _PAIRS_OF_MARKS)
    return "".join("".join(islice(run, _MAX_MARKS) if is_marks else run) for is_marks, run in runs)
