import time
import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from encoders.content import clean_text, read_text
from encoders.errors import ContentError


@pytest.mark.parametrize(
    "text, expected",
    [
        ("  calm \t sea\r\n\u2003at\u00a0noon ", "calm sea at noon"),
        ("cafe\u0301", "caf\u00e9"),
        ("a\0b\x07c\x85d", "a b c d"),
        ("\ufeffmark\ufeff", "mark"),
        ("\ud83d\ude00", "\U0001f600"),  # both halves of a pair
        ("lone\ud83d half\udc80", "lone half"),
        ("\U0001f469\u200d\U0001f680", "\U0001f469\u200d\U0001f680"),  # joined by a character that is not seen
        ("\u6d77 \u5cf6", "\u6d77 \u5cf6"),
        ("\u202eright to left", "\u202eright to left"),
    ],
)
def test_by_hand(text, expected):
    assert clean_text(text) == expected


@pytest.mark.parametrize("text", ["", " \n\t", "\0\x01", "\ud800", "\u200b\u200d", "\ufeff", "\u2028"])
def test_nothing_left(text):
    with pytest.raises(ContentError, match=r"^text: has no visible character$"):
        clean_text(text)
    with pytest.raises(ContentError, match=r"^item 3: has no visible character$"):
        clean_text(text, name="item 3")


@given(st.text(st.characters(), min_size=1))
def test_any_text_is_clean_once_and_for_all(text):
    try:
        clean = clean_text(text)
    except ContentError:
        return
    assert clean == clean_text(clean) == unicodedata.normalize("NFC", clean) == " ".join(clean.split())
    clean.encode()
    assert not any(unicodedata.category(letter) in ("Cc", "Cs") for letter in clean)


@pytest.mark.parametrize("marks", ["\u0301\u0327", "\u0f73", "\u0344"])
def test_thousands_of_marks_on_a_letter_take_no_time(marks):
    start = time.perf_counter()
    assert len(clean_text("a" + marks * 100_000)) <= 61
    assert time.perf_counter() - start < 5  # minutes if all were composed


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16"])
def test_encodings(tmp_path, encoding):
    content = "Caf\u00e9 \u6d77\n\U0001f600".encode(encoding)
    assert read_text(content) == "Caf\u00e9 \u6d77 \U0001f600"
    (tmp_path / "note").write_bytes(content)
    assert read_text(tmp_path / "note") == read_text(content)


def test_both_orders_of_utf_16():
    assert read_text(b"\xff\xfeh\0i\0") == read_text(b"\xfe\xff\0h\0i") == "hi"


@pytest.mark.parametrize(
    "content, reason",
    [
        ("caf\u00e9 noir".encode("latin-1"), "byte 3 is not UTF-8"),
        ("hi".encode("utf-16-le"), "UTF-16 without a byte order mark"),
        ("hi".encode("utf-32"), "not UTF-8"),
        (b"\xff\xfeh\0i", "not UTF-16"),
        (b"\x00\x01\x02", "NUL characters"),
        (b"\xff\xd8\xff\xe0", "is not a text but a JPEG picture"),
    ],
)
def test_other_encodings_are_refused(content, reason):
    with pytest.raises(ContentError, match=f"^text: .*{reason}"):
        read_text(content)


def test_the_limit_of_bytes(tmp_path):
    assert read_text(b"four", max_bytes=4) == "four"
    (tmp_path / "five").write_bytes(b"fives")
    for source in (b"fives", tmp_path / "five"):
        with pytest.raises(ContentError, match=r"has 5 bytes, more than the limit of 4$"):
            read_text(source, max_bytes=4)
