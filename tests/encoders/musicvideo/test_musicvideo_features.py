"""Features of segments: which moments they are of, resume, files and splits."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest
import torch
from sounding import film_with_sound, tone

from encoders.base import Encoder, Prepared
from encoders.content import Sound
from encoders.errors import ArgumentError, ContentError, EncoderError
from encoders.musicvideo import (
    SegmentFeatures,
    SegmentOptions,
    create_backbone,
    cut_segments,
    encode_segments,
    planted_pairs,
    segment_feature_path,
)
from encoders.musicvideo.section_preprocess import SectionClips, SectionWindows
from encoders.store import EncodeOptions


def test_one_window_is_the_middle_of_a_segment():
    ramp = torch.arange(5 * 16_000) / 100_000
    (window,) = SectionWindows()(Sound(ramp[None], 16_000)).samples
    assert torch.equal(window, ramp[16_000:64_000])


def test_windows_are_the_middles_of_sections():
    ramp = torch.arange(20 * 16_000) / 400_000
    windows = SectionWindows(max_windows=4)(Sound(ramp[None], 16_000)).samples
    assert (windows[:, 0] * 400_000 / 16_000).tolist() == pytest.approx([1, 6, 11, 16])
    assert len(SectionWindows(max_windows=6)(Sound(ramp[None, : 7 * 16_000], 16_000)).samples) == 2
    short = SectionWindows()(Sound(ramp[None, :1_000], 16_000)).samples
    assert torch.equal(short[0, :1_000], ramp[:1_000]) and float(short[0, 1_000:].abs().max()) == 0
    with pytest.raises(ContentError, match="at least one sample"):
        SectionWindows()(Sound(ramp[None, :0], 16_000))


def grey_of(film) -> list[int]:
    return film.frames.float().mean(dim=(1, 2, 3)).round().int().tolist()


def test_clips_are_of_the_same_moments_as_windows():
    film = film_with_sound(tone(300, 5.0), grey=20 + 4 * np.arange(50), size=(32, 32), video_codec="ffv1")
    kept = SectionClips().read(film, "film")
    assert grey_of(kept) == pytest.approx([20 + 4 * frame for frame in range(10, 40)], abs=1)
    assert SectionClips()(kept).samples.shape == (1, 3, 30, 112, 112)
    film = film_with_sound(tone(300, 20.0), grey=20 + np.arange(200), size=(32, 32), video_codec="ffv1")
    kept = SectionClips(max_clips=4).read(film, "film")
    first = [20 + 10 * second for second in (1, 6, 11, 16)]
    assert grey_of(kept)[::30] == pytest.approx(first, abs=1) and len(kept.frames) == 120
    short = film_with_sound(tone(300, 1.0), grey=20 + 20 * np.arange(10), size=(32, 32), video_codec="ffv1")
    assert grey_of(SectionClips().read(short, "film")) == pytest.approx(list(range(20, 220, 20)), abs=1)


def test_backbones_take_the_middle_three_seconds():
    with pytest.warns(match="'musicnn' got no weights"):
        audio = create_backbone("audio")
    with pytest.warns(match="'r2plus1d' got no weights"):
        video = create_backbone("video", sections=6)
    assert (audio.dim, audio.modality, audio.preprocess.max_windows) == (1506, "audio", 1)
    assert (video.dim, video.modality, video.preprocess.max_clips) == (512, "video", 6)
    with pytest.raises(ArgumentError, match="'modality' must be audio or video"):
        create_backbone("text")


@dataclass(frozen=True)
class _MeanClips(SectionClips):
    """Brightness by frame, so that no network is needed."""

    def __call__(self, content):
        return Prepared(content.frames.float().mean(dim=(1, 2, 3))[None])


class _Mean(Encoder):
    """The mean and the spread of what the preprocessing gives."""

    def forward(self, batch):
        self.rows = getattr(self, "rows", 0) + len(batch)
        return torch.stack([batch.mean(dim=1), batch.std(dim=1)], dim=1)


def mean_encoders() -> tuple[_Mean, _Mean]:
    return (
        _Mean(name="loudness", modality="audio", dim=2, preprocess=SectionWindows()).eval(),
        _Mean(name="brightness", modality="video", dim=2, preprocess=_MeanClips()).eval(),
    )


@pytest.fixture
def segments(tmp_path) -> Path:
    films = tmp_path / "films"
    films.mkdir()
    for number, seconds in enumerate((12, 11, 4)):
        film = film_with_sound(
            (number + 1) * 0.3 * tone(300, seconds), grey=np.full(seconds * 10, 50 + 60 * number), size=(32, 32)
        )
        (films / f"film{number}.mkv").write_bytes(film)
    cut_segments(films, tmp_path / "data", options=SegmentOptions(sections=2))
    return tmp_path / "data"


def test_features_of_a_folder_of_segments(segments):
    audio, video = mean_encoders()
    told: list = []
    options = EncodeOptions(workers=0)
    features = encode_segments(segments, audio, video, options=options, on_progress=lambda *what: told.append(what))
    assert features.film_names == ("film0", "film1", "film2")
    assert features.film.tolist() == [0, 0, 1, 1, 2] and features.section.tolist() == [0, 1, 0, 1, 0]
    expected = torch.tensor([50.0, 50, 110, 110, 170])
    torch.testing.assert_close(features.video[:, 0], expected, atol=3, rtol=0)
    loud = 0.5 * 0.3 * torch.tensor([1.0, 1, 2, 2, 3]) / 2**0.5  # of a sine
    torch.testing.assert_close(features.audio[:, 1], loud, atol=0.002, rtol=0)
    assert told[-1] == ("video", 5, 5) and ("audio", 5, 5) in told
    assert torch.equal(SegmentFeatures.load(segment_feature_path(segments)).audio, features.audio)
    # Again: nothing is encoded a second time.
    rows = audio.rows, video.rows
    again = encode_segments(segments, audio, video, options=options)
    assert again.content_hash == features.content_hash and (audio.rows, video.rows) == rows


def test_segments_that_one_encoder_cannot_read_are_left_out(segments):
    (segments / "film1-0.flac").write_bytes(b"fLaC broken")
    (segments / "film2-0.mp4").unlink()
    features = encode_segments(segments, *mean_encoders(), options=EncodeOptions(workers=0))
    assert features.film_names == ("film0", "film1")
    assert features.film.tolist() == [0, 0, 1] and features.section.tolist() == [0, 1, 1]
    assert "film2-0" in (segments / "features" / "brightness.video.problems.csv").read_text()
    with pytest.raises(ArgumentError, match=r"'audio_encoder' must encode audio \(got 'brightness', of video\)"):
        encode_segments(segments, *mean_encoders()[::-1])


def test_files_hold_everything_and_refuse_others(tmp_path):
    features = planted_pairs(7, shared=0.5, seed=0, segments=2, audio_features=5, video_features=4)
    features.save(tmp_path / "a.safetensors")
    features.save(tmp_path / "b.safetensors")
    assert (tmp_path / "a.safetensors").read_bytes() == (tmp_path / "b.safetensors").read_bytes()
    loaded = SegmentFeatures.load(tmp_path / "a.safetensors")
    for name in ("audio", "video", "film", "section"):
        assert torch.equal(getattr(loaded, name), getattr(features, name))
    assert loaded.film_names == features.film_names and loaded.content_hash == features.content_hash
    features.audio[3, 2] += 1
    changed = SegmentFeatures(features.audio, features.video, features.film, features.film_names, features.section)
    assert changed.content_hash != loaded.content_hash
    with pytest.raises(EncoderError, match="there is no such file"):
        SegmentFeatures.load(tmp_path / "c.safetensors")
    (tmp_path / "d.safetensors").write_bytes((tmp_path / "a.safetensors").read_bytes()[:200])
    with pytest.raises(EncoderError, match="truncated or not a safetensors file"):
        SegmentFeatures.load(tmp_path / "d.safetensors")


def test_no_film_is_in_two_parts_and_the_order_of_films_does_not_matter():
    features = planted_pairs(50, shared=0.5, seed=0, segments=3, audio_features=5, video_features=4)
    split = features.split(seed=1)
    assert [len(part.film_names) for part in split] == [40, 5, 5]
    assert sorted(name for part in split for name in part.film_names) == list(features.film_names)
    for part in split:
        assert part.film.bincount().tolist() == [3] * len(part.film_names)
        for film, name in enumerate(part.film_names):
            rows, original = part.film == film, features.film == features.film_names.index(name)
            assert torch.equal(part.audio[rows], features.audio[original])
            assert torch.equal(part.section[rows], features.section[original])
    turned = features.select_films(torch.arange(49, -1, -1))
    assert [part.film_names for part in turned.split(seed=1)] == [part.film_names for part in split]
    assert features.split(seed=2).test.film_names != split.test.film_names
    assert [len(part.film_names) for part in features.select_films(torch.arange(6)).split()] == [2, 2, 2]


def test_features_and_splits_that_cannot_be():
    features = planted_pairs(4, shared=0.5, seed=0, segments=2, audio_features=5, video_features=4)
    with pytest.raises(ArgumentError, match=r"positive and add up to 1 \(got 0.8, 0.3, 0.1\)"):
        features.split(0.8, 0.3)
    with pytest.raises(ArgumentError, match="at least 6 films"):
        features.select_films(torch.tensor([0, 1])).split()
    rows = [features.audio, features.video, features.film, features.film_names, features.section]
    with pytest.raises(ArgumentError, match="'video' must have 2 dimensions"):
        SegmentFeatures(rows[0], rows[1][:3], *rows[2:])
    with pytest.raises(ArgumentError, match="'film' must be at least 0 and below the number of names, 3"):
        SegmentFeatures(*rows[:3], features.film_names[:3], rows[4])
    with pytest.raises(ArgumentError, match="must be finite"):
        SegmentFeatures(rows[0] / 0, *rows[1:])
