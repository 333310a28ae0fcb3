import builtins
import io

import av
import numpy as np
import pytest
import torch
from hostile import film_bytes, half, sound_bytes

from encoders.content import film_frames, read_video
from encoders.errors import ArgumentError, ContentError, MissingPackageError


def shown_frames(film) -> list[int]:
    """Which frames of :func:`film_bytes` these are, by their grey."""
    grey = film.frames[:, 20:, 20:].float().mean(dim=(1, 2, 3))
    return ((grey - 20) / 10).round().int().tolist()


def read(content, **options):
    return read_video(content, **({"frames_per_second": 10, "max_frames": 100} | options))


FORMATS = [
    ("mp4", "mpeg4"),
    ("mov", "mpeg4"),
    ("avi", "mpeg4"),
    ("matroska", "mpeg4"),
    ("webm", "libvpx"),
    ("flv", "flv"),
    ("asf", "wmv2"),
    ("mpegts", "mpeg2video"),
    ("mpeg", "mpeg1video"),
]


@pytest.mark.parametrize("format_name, codec", FORMATS)
def test_frames_at_regular_times(format_name, codec):
    film = read(film_bytes(format_name, codec, rate=25), frames_per_second=5)
    assert film.frames.shape == (4, 48, 64, 3) and film.frames.dtype == torch.uint8
    assert shown_frames(film) == [0, 5, 10, 15] and film.frames_per_second == 5


@pytest.mark.parametrize(
    "rate, expected",
    [
        (10, list(range(20))),
        (5, list(range(0, 20, 2))),
        (4, [0, 2, 5, 7, 10, 12, 15, 17]),  # of two frames as near the earlier
        (3, [0, 3, 7, 10, 13, 17]),
        (0.5, [0]),
        (0.01, [0]),
        (20, [frame for frame in range(20) for _ in range(2)]),
    ],
)
def test_wanted_rates(rate, expected):
    film = read(film_bytes(rate=10), frames_per_second=rate)
    assert shown_frames(film) == expected and film.frames_per_second == rate


@pytest.mark.parametrize("most, expected", [(1, [0]), (2, [0, 10]), (4, [0, 5, 10, 15]), (5, [0, 4, 8, 12, 16])])
def test_few_frames_are_spaced_over_the_whole_film(most, expected):
    film = read(film_bytes(rate=10), max_frames=most)
    assert shown_frames(film) == expected
    assert film.frames_per_second == pytest.approx(most / 2)  # the film has 2 seconds


def test_a_camera_that_was_turned():
    shapes, corners = {}, {}
    for rotation in (0, 90, -90, 180):
        film = read(film_bytes(rotation=rotation), max_frames=1)
        shapes[rotation] = tuple(film.frames.shape[1:3])
        bright = film.frames[0, ..., 0] > 128
        corners[rotation] = [bool(bright[row, column]) for row in (1, -2) for column in (1, -2)]
    assert shapes == {0: (48, 64), 90: (64, 48), -90: (64, 48), 180: (48, 64)}
    top_left, top_right, bottom_left, bottom_right = torch.eye(4, dtype=torch.bool).tolist()
    assert corners == {0: top_left, 90: bottom_left, -90: top_right, 180: bottom_right}


def test_a_file(tmp_path):
    (tmp_path / "film.jpg").write_bytes(film_bytes())
    film = read(tmp_path / "film.jpg")
    assert torch.equal(film.frames, read(str(tmp_path / "film.jpg")).frames) and len(film.frames) == 20


def test_frames_are_let_go():
    class Counted:
        """A frame that counts how many of its kind are held."""

        alive = most = 0
        rotation = 0
        width, height = 4, 2

        def __init__(self, index: int) -> None:
            self.time = index / 100
            Counted.alive += 1
            Counted.most = max(Counted.most, Counted.alive)

        def __del__(self) -> None:
            Counted.alive -= 1

        def to_ndarray(self, **_):
            return np.full((2, 4, 3), round(self.time * 100) % 256, np.uint8)

    class Container:
        def decode(self, _):
            return (Counted(index) for index in range(1_000))

    span = film_frames.Span(0.0, 10.0, 0.01)
    times, _ = film_frames.frame_times(10.0, 1.0, 100)
    frames = film_frames.nearest_frames(Container().decode(None), span, times, 100)
    assert frames[:, 0, 0, 0].tolist() == [index * 100 % 256 for index in range(10)]
    assert Counted.most <= 3


def test_the_limit_of_pixels():
    with pytest.raises(ContentError, match="frames of 64 x 48 pixels, more than the limit of 3071"):
        read(film_bytes(), max_pixels=3_071)
    assert len(read(film_bytes(), max_pixels=3_072).frames) == 20


@pytest.mark.parametrize("format_name", ["mp4", "mov", "avi", "matroska"])
@pytest.mark.parametrize("share", [0.1, 0.5, 0.99])
def test_truncated(format_name, share):
    content = film_bytes(format_name)
    with pytest.raises(ContentError, match=r"^film: is an? \w+ (film|file) that"):
        read(content[: int(len(content) * share)])


def test_no_film(capfd):
    with pytest.raises(ContentError, match="is not a film that can be read but a WAV sound"):
        read(sound_bytes("WAV"))
    with pytest.raises(ContentError, match="has no video stream"):
        read(film_without_pictures())
    with pytest.raises(ContentError, match="cannot be decoded"):
        read(half(film_bytes("mp4"))[:8] + bytes(200))
    assert capfd.readouterr() == ("", "")


def film_without_pictures() -> bytes:
    buffer = io.BytesIO()
    with av.open(buffer, "w", format="matroska") as container:
        stream = container.add_stream("pcm_s16le", rate=8_000)
        stream.layout = "mono"
        frame = av.AudioFrame.from_ndarray(np.zeros((1, 8_000), np.int16), format="s16", layout="mono")
        frame.sample_rate = 8_000
        container.mux(stream.encode(frame))
        container.mux(stream.encode())
    return buffer.getvalue()


@pytest.mark.parametrize(
    "options, message",
    [
        ({"frames_per_second": 0}, r"'frames_per_second' must be positive and finite \(got 0\)"),
        ({"frames_per_second": float("inf")}, "'frames_per_second'"),
        ({"max_frames": 0}, r"'max_frames' must be a positive integer \(got 0\)"),
        ({"max_pixels": -1}, r"'max_pixels' must be a positive integer \(got -1\)"),
    ],
)
def test_wrong_arguments(options, message):
    with pytest.raises(ArgumentError, match=message):
        read(film_bytes(), **options)


def test_without_av_the_extra_is_named(monkeypatch):
    real_import = builtins.__import__

    def without_av(name, *arguments, **options):
        if name == "av":
            raise ImportError(name)
        return real_import(name, *arguments, **options)

    monkeypatch.setattr(builtins, "__import__", without_av)
    with pytest.raises(MissingPackageError, match=r"'av'.*gnnrec\[video\]"):
        read(b"anything")
