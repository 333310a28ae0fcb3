import os
from functools import partial
from pathlib import Path

import pytest
from hostile import film_bytes, picture_bytes, sound_bytes, write_hostile_folder
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from encoders.content import locate, read_audio, read_image, read_text, read_video
from encoders.errors import ContentError

read_film = partial(read_video, frames_per_second=5, max_frames=4, max_pixels=2**20)
DECODERS = {"image": partial(read_image, max_pixels=2**20), "audio": read_audio, "text": read_text, "video": read_film}
BY_SUFFIX = {".txt": "text", ".mp4": "video"} | dict.fromkeys([".wav", ".flac", ".ogg", ".mp3"], "audio")

VALID = {
    "image": [
        picture_bytes("PNG"),
        picture_bytes("JPEG"),
        picture_bytes("JPEG", progressive=True),
        picture_bytes("GIF"),
        picture_bytes("WEBP"),
        picture_bytes("TIFF", compression="tiff_lzw"),
        picture_bytes("BMP"),
        picture_bytes("JPEG2000"),
        picture_bytes("AVIF"),
    ],
    "audio": [sound_bytes("WAV"), sound_bytes("FLAC"), sound_bytes("OGG"), sound_bytes("MP3")],
    "text": ["Plain text, with caf\u00e9.".encode(), "Wide text".encode("utf-16")],
    "video": [
        film_bytes("mp4"),
        film_bytes("avi"),
        film_bytes("matroska"),
        film_bytes("mpegts", "mpeg2video", rate=25),
    ],
}
SEVERAL = settings(
    max_examples=200, deadline=None, suppress_health_check=[HealthCheck.too_slow, HealthCheck.function_scoped_fixture]
)


def content_or_one_line(modality: str, content: bytes) -> None:
    try:
        DECODERS[modality](content)
    except ContentError as error:
        assert "\n" not in str(error) and str(error).isprintable()
        name, _, reason = str(error).partition(": ")
        assert name and reason


@pytest.fixture(scope="module")
def hostile(tmp_path_factory) -> tuple[Path, dict[str, str]]:
    folder = tmp_path_factory.mktemp("hostile") / "items"
    return folder, write_hostile_folder(folder)


def test_there_are_forty_hostile_files_each_in_its_place(hostile):
    folder, expected = hostile
    assert len(expected) == 40
    there = [name for name in expected if "\0" not in name and os.path.lexists(folder / name)]
    assert len(there) == 38  # one is missing and one cannot exist


def test_every_hostile_file_is_refused_with_its_reason(hostile, capfd):
    folder, expected = hostile
    for name, reason in expected.items():
        with pytest.raises(ContentError) as caught:
            path = locate(folder, name)
            DECODERS[BY_SUFFIX.get(path.suffix, "image")](path)
        assert reason in str(caught.value), str(caught.value)
        assert str(caught.value).isprintable()
    assert capfd.readouterr() == ("", "")


@pytest.mark.parametrize("modality", DECODERS)
def test_decoders_refuse_special_files_themselves(hostile, modality):
    folder, _ = hostile
    for name, reason in (("pipe.txt", "a pipe"), ("directory.jpg", "a directory"), ("missing.jpg", "not exist")):
        with pytest.raises(ContentError, match=f"^{folder / 'content' / name}: .*{reason}"):
            DECODERS[modality](folder / "content" / name)


@pytest.mark.parametrize("modality", DECODERS)
def test_valid_content_is_read(modality):
    for content in VALID[modality]:
        DECODERS[modality](content)


@pytest.mark.parametrize("modality", DECODERS)
@SEVERAL
@given(content=st.binary(max_size=2_000))
def test_any_bytes_are_content_or_refused(modality, content):
    content_or_one_line(modality, content)


@pytest.mark.parametrize("modality", DECODERS)
@SEVERAL
@given(data=st.data())
def test_damaged_content_is_content_or_refused(modality, data):
    content = bytearray(data.draw(st.sampled_from(VALID[modality])))
    # Most places in the header, where lies hurt most.
    place = st.one_of(st.integers(0, min(200, len(content) - 1)), st.integers(0, len(content) - 1))
    for where, value in data.draw(st.lists(st.tuples(place, st.integers(0, 255)), max_size=8)):
        content[where] = value
    end = data.draw(st.one_of(st.just(len(content)), st.integers(0, len(content))))
    content_or_one_line(modality, bytes(content[:end]))


@pytest.mark.parametrize("modality", ["image", "audio"])
@pytest.mark.parametrize("share", [0.05, 0.3, 0.7, 0.95])
def test_no_part_of_a_picture_or_sound_is_taken_for_the_whole(modality, share):
    for content in VALID[modality]:
        with pytest.raises(ContentError, match="truncated"):
            DECODERS[modality](content[: int(len(content) * share)])


@pytest.mark.parametrize("modality", DECODERS)
def test_the_given_name_is_in_the_reason(modality):
    with pytest.raises(ContentError, match=r"^item 7: is empty$"):
        DECODERS[modality](b"", name="item 7")
    with pytest.raises(ContentError, match=r"^(picture|sound|text|film): is empty$"):
        DECODERS[modality](b"")
