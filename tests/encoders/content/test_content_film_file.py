"""Pieces of films are the frames that decoding the whole film gives."""

import math

import numpy as np
import pytest
import torch
from hostile import film_bytes, half
from sounding import film_with_sound, tone

from encoders.content import FilmFile, film_file, read_video
from encoders.errors import ArgumentError, ContentError

GREY = 20 + 2 * np.arange(100)  # ten seconds


@pytest.fixture(scope="module", params=["mp4", "matroska", "avi", "mpegts"])
def film(request) -> bytes:
    codecs = {"mpegts": ("mpeg2video", "mp2"), "mp4": ("libx264", "aac")}.get(request.param, ("mpeg4", "libmp3lame"))
    rate = 25 if request.param == "mpegts" else 10
    return film_with_sound(
        tone(300, 10.0, 44_100),
        sample_rate=44_100,
        grey=GREY if rate == 10 else np.repeat(GREY, 5)[::2],
        rate=rate,
        format_name=request.param,
        video_codec=codecs[0],
        audio_codec=codecs[1],
    )


@pytest.mark.parametrize("start", [0.0, 0.1, 3.7, 8.0])
def test_a_piece_is_a_part_of_the_whole(film, start):
    whole = read_video(film, frames_per_second=10, max_frames=1000).frames
    file = FilmFile(film)
    assert file.seconds == pytest.approx(10, abs=0.11)  # AVI tells one frame more
    piece = file.read_piece(start, frames=15, frames_per_second=10)
    first = round(start * 10)
    assert piece.frames_per_second == 10 and torch.equal(piece.frames, whole[first : first + 15])


def test_late_pieces_are_sought_and_an_index_that_leads_too_far_is_not_trusted(monkeypatch):
    content = film_with_sound(tone(300, 10.0), grey=GREY)
    file, decoded = FilmFile(content), []
    whole = read_video(content, frames_per_second=10, max_frames=1000).frames
    real = film_file.nearest_frames

    def nearest_frames(frames, *arguments, **options):
        return real((decoded.append(frame.time) or frame for frame in frames), *arguments, **options)

    monkeypatch.setattr(film_file, "nearest_frames", nearest_frames)
    assert torch.equal(file.read_piece(8.0, frames=5, frames_per_second=10).frames, whole[80:85])
    assert min(decoded) > 5 and len(decoded) < 30
    floor = math.floor
    monkeypatch.setattr(film_file.math, "floor", lambda value: floor(value) + 1_500)  # as many milliseconds
    decoded.clear()
    assert torch.equal(file.read_piece(7.9, frames=5, frames_per_second=10).frames, whole[79:84])
    assert min(decoded) == 0


def test_times_after_the_end_give_the_last_frame(film):
    whole = read_video(film, frames_per_second=10, max_frames=1000).frames
    piece = FilmFile(film).read_piece(9.7, frames=6, frames_per_second=10)
    assert torch.equal(piece.frames[:3], whole[97:100])
    assert piece.frames[3:].float().std(dim=0).max() == 0 and piece.frames[3].float().mean() > 215


@pytest.mark.parametrize(
    ("size", "rotation", "limit", "expected"),
    [
        ((64, 48), None, (32, 32), (24, 32)),
        ((64, 48), None, (640, 480), (48, 64)),
        ((64, 48), 90, (32, 32), (32, 24)),
        ((64, 48), None, (33, 12), (12, 16)),
    ],
)
def test_frames_are_scaled_down_to_fit(size, rotation, limit, expected):
    file = FilmFile(film_bytes(size=size, rotation=rotation))
    piece = file.read_piece(0.0, frames=3, frames_per_second=10, max_size=limit)
    assert tuple(piece.frames.shape) == (3, *expected, 3)


def test_what_is_refused():
    with pytest.raises(ContentError, match="truncated"):
        FilmFile(half(film_bytes()))
    with pytest.raises(ContentError, match="frames of 64 x 48 pixels, more than the limit of 100"):
        FilmFile(film_bytes(), max_pixels=100)
    file = FilmFile(film_bytes())
    with pytest.raises(ArgumentError, match=r"'start' must be at least 0 and finite \(got -1\)"):
        file.read_piece(-1, frames=1, frames_per_second=10)
    with pytest.raises(ArgumentError, match=r"'frames' must be a positive integer \(got 0\)"):
        file.read_piece(0, frames=0, frames_per_second=10)
    with pytest.raises(ArgumentError, match=r"'frames_per_second' must be positive and finite \(got 0\)"):
        file.read_piece(0, frames=1, frames_per_second=0)
