"""Films to files of segments: what is in them, resume, and what is refused."""

import csv
from pathlib import Path

import numpy as np
import pytest
import soundfile
from sounding import film_with_sound, tone

from encoders.content import read_video
from encoders.errors import ArgumentError, EncoderError
from encoders.musicvideo import SegmentOptions, cut_segments, cutting, read_segment_table

OPTIONS = SegmentOptions(sections=2, seconds=2.0, seed=3)


def steps(seconds: int) -> tuple[np.ndarray, np.ndarray]:
    """Grey by frame and sound by sample of a film whose brightness and pitch step each half second."""
    grey = 30 + 10 * (np.arange(seconds * 10) // 5)
    sound = np.concatenate([tone(200 + 50 * step, 0.5) for step in range(2 * seconds)], axis=1)
    return grey, sound


def write_films(folder: Path) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    for name, seconds in (("long", 10), ("short", 3), ("tiny", 1)):
        grey, sound = steps(seconds)
        (folder / f"{name}.mkv").write_bytes(film_with_sound(sound, grey=grey, size=(64, 36)))
    (folder / "broken.mp4").write_bytes(b"no film")


@pytest.fixture(scope="module")
def cut(tmp_path_factory) -> tuple[Path, cutting.CutReport, list]:
    root = tmp_path_factory.mktemp("cut")
    write_films(root / "films" / "inner")
    progress: list = []
    report = cut_segments(
        root / "films", root / "out", options=OPTIONS, on_progress=lambda *counts: progress.append(counts)
    )
    return root, report, progress


def test_the_table_lists_the_segments_and_the_problems_are_told(cut):
    root, report, progress = cut
    assert (report.films, report.cut, report.reused, report.segments) == (4, 3, 0, 5)
    assert progress == [(0, 4), (1, 4), (2, 4), (3, 4), (4, 4)]
    rows = read_segment_table(root / "out")
    assert [row.segment_id for row in rows] == [
        f"inner/{name}" for name in ("long-0", "long-1", "short-0", "short-1", "tiny-0")
    ]
    assert [row.seconds for row in rows] == pytest.approx([2, 2, 2, 2, 1], abs=0.01)
    assert 0 <= rows[0].start_seconds <= 3 and 5 <= rows[1].start_seconds <= 8
    assert [row.start_seconds for row in rows[2:4]] == pytest.approx([0, 1], abs=0.01)
    with (root / "out" / "problems.csv").open() as file:
        (problem,) = csv.DictReader(file)
    assert problem["film"] == "inner/broken" and "is not a film that can be read but a text" in problem["reason"]
    assert list(report.problems) == ["inner/broken"]
    assert not (root / "out" / ".cutting").exists()


def test_sound_and_frames_of_a_segment_are_those_of_its_time(cut):
    root, _, _ = cut
    for row in read_segment_table(root / "out"):
        samples, rate = soundfile.read(root / "out" / row.audio)
        assert rate == 16_000 and samples.ndim == 1 and len(samples) == pytest.approx(row.seconds * 16_000, abs=200)
        film = read_video(root / "out" / row.video, frames_per_second=10, max_frames=100)
        assert len(film.frames) == round(row.seconds * 10) and film.frames.shape[1:] == (36, 64, 3)
        for place in np.arange(0.1, row.seconds - 0.1, 0.1):
            step = (row.start_seconds + place) / 0.5
            if not 0.25 < step % 1 < 0.75:
                continue  # near a change either side may be the nearest
            grey = float(film.frames[round(place * 10)].float().mean())
            assert grey == pytest.approx(30 + 10 * int(step), abs=3)
            piece = samples[round(place * 16_000) - 800 : round(place * 16_000) + 800] * np.hanning(1600)
            hertz = np.abs(np.fft.rfft(piece, 16_000)).argmax()
            assert hertz == pytest.approx(200 + 50 * int(step), abs=12)


def test_what_is_there_is_left_and_what_is_missing_or_changed_is_cut_again(tmp_path, monkeypatch):
    write_films(tmp_path / "films")
    out = tmp_path / "out"
    whole = cut_segments(tmp_path / "films", tmp_path / "whole", options=OPTIONS)
    real, done = cutting._cut_film, []

    def cut_one_then_die(*arguments):
        if len(done) == 2:
            raise KeyboardInterrupt
        done.append(arguments[-1][0])
        return real(*arguments)

    monkeypatch.setattr(cutting, "_cut_film", cut_one_then_die)
    with pytest.raises(KeyboardInterrupt):
        cut_segments(tmp_path / "films", out, options=OPTIONS)
    assert done == ["broken", "long"] and not (out / "segments.csv").exists()
    monkeypatch.setattr(cutting, "_cut_film", real)
    before = (out / "long-0.mp4").stat().st_mtime_ns
    report = cut_segments(tmp_path / "films", out, options=OPTIONS)
    assert (report.cut, report.reused, report.segments) == (2, 1, whole.segments)
    assert (out / "long-0.mp4").stat().st_mtime_ns == before
    assert (out / "segments.csv").read_bytes() == (tmp_path / "whole" / "segments.csv").read_bytes()
    for row in read_segment_table(out):
        for name in (row.audio, row.video):
            assert (out / name).read_bytes() == (tmp_path / "whole" / name).read_bytes()
    (out / "short-1.flac").unlink()
    grey, sound = steps(4)
    (tmp_path / "films" / "tiny.mkv").write_bytes(film_with_sound(sound, grey=grey, size=(64, 36)))
    report = cut_segments(tmp_path / "films", out, options=OPTIONS)
    assert (report.cut, report.reused, report.segments) == (2, 1, 6)
    with pytest.raises(EncoderError, match="cut with other options; choose another folder"):
        cut_segments(tmp_path / "films", out, options=SegmentOptions(sections=2, seconds=2.0, seed=4))


def test_a_sound_file_beside_is_taken_and_the_shorter_of_both_counts(tmp_path):
    grey, sound = steps(6)
    film = tmp_path / "film.mkv"
    film.write_bytes(film_with_sound(sound, grey=grey))
    soundfile.write(tmp_path / "film.wav", tone(1500, 4.0)[0], 16_000)
    report = cut_segments([film], tmp_path / "out", options=SegmentOptions(sections=1, seconds=3.0), workers=2)
    (row,) = read_segment_table(tmp_path / "out")
    assert report.segments == 1 and row.segment_id == "film-0" and row.start_seconds <= 1
    samples, _ = soundfile.read(tmp_path / "out" / "film-0.flac")
    assert np.abs(np.fft.rfft(samples)).argmax() / 3 == pytest.approx(1500, abs=1)


def test_large_frames_are_scaled_down(tmp_path):
    grey, sound = steps(2)
    (tmp_path / "film.mkv").write_bytes(film_with_sound(sound, grey=grey, size=(160, 120)))
    options = SegmentOptions(sections=1, seconds=1.0, max_width=80, max_height=40)
    cut_segments([tmp_path / "film.mkv"], tmp_path / "out", options=options)
    film = read_video(tmp_path / "out" / "film-0.mp4", frames_per_second=10, max_frames=100)
    assert tuple(film.frames.shape) == (10, 40, 52, 3)


def test_what_is_refused(tmp_path):
    (tmp_path / "films").mkdir()
    with pytest.raises(ArgumentError, match="'films' must hold at least one film"):
        cut_segments(tmp_path / "films", tmp_path / "out")
    with pytest.raises(ArgumentError, match="'films' must be a folder or a list of files"):
        cut_segments(tmp_path / "missing", tmp_path / "out")
    for name in ("a.mp4", "a.mkv"):
        (tmp_path / "films" / name).write_bytes(b"no film")
    with pytest.raises(ArgumentError, match=r"different names without ending \(twice: a\)"):
        cut_segments(tmp_path / "films", tmp_path / "out")
    with pytest.raises(ArgumentError, match=r"files that there are \(missing: .*b.mp4\)"):
        cut_segments([tmp_path / "b.mp4"], tmp_path / "out")
    with pytest.raises(EncoderError, match="none of the 1 films can be used"):
        cut_segments([tmp_path / "films" / "a.mp4"], tmp_path / "out")
    with pytest.raises(EncoderError, match="cut films: gnnrec encoder segments"):
        read_segment_table(tmp_path)
    with pytest.raises(ArgumentError, match=r"'workers' must be a positive integer \(got 0\)"):
        cut_segments(tmp_path / "films", tmp_path / "out", workers=0)
