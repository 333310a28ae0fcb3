"""Sound tracks of films: where samples are in time, and what is refused."""

import numpy as np
import pytest
import torch
from hostile import film_bytes, half, sound_bytes
from sounding import film_with_sound, tone

from encoders.content import Sound, read_sound_track
from encoders.errors import ArgumentError, ContentError

GREY = np.linspace(20, 220, 30)  # three seconds


def clicks(times: list[float], *, seconds: float = 3.0, sample_rate: int = 16_000) -> np.ndarray:
    """Silence with a short burst at each time. Shape: (1, samples)."""
    sound = np.zeros((1, round(seconds * sample_rate)))
    for time in times:
        sound[:, round(time * sample_rate) : round((time + 0.01) * sample_rate)] = 0.8
    return sound


def onsets(sound: Sound) -> list[float]:
    """When bursts start, in seconds."""
    loud = (sound.mono.abs() > 0.4).int()
    rises = (torch.diff(loud, prepend=loud.new_zeros(1)) == 1).nonzero().flatten() / sound.sample_rate
    return [time for index, time in enumerate(rises.tolist()) if index == 0 or time - rises[index - 1] > 0.1]


def test_samples_are_those_that_were_written():
    sound = np.concatenate([tone(440, 3.0), tone(1000, 3.0)])
    got = read_sound_track(film_with_sound(sound, grey=GREY))
    assert got.sample_rate == 16_000 and got.waveform.shape == (2, 48_000) and got.waveform.dtype == torch.float32
    np.testing.assert_allclose(got.waveform.numpy(), sound, atol=1e-4)


@pytest.mark.parametrize(
    ("format_name", "video_codec", "audio_codec", "sample_rate"),
    [
        ("mp4", "mpeg4", "aac", 44_100),
        ("mov", "mpeg4", "pcm_s16le", 16_000),
        ("matroska", "mpeg4", "flac", 16_000),
        ("webm", "libvpx", "libopus", 48_000),
        ("avi", "mpeg4", "libmp3lame", 44_100),
        ("mpegts", "mpeg2video", "mp2", 44_100),
        ("flv", "flv", "aac", 44_100),
    ],
)
def test_bursts_are_where_they_were_in_every_format(format_name, video_codec, audio_codec, sample_rate):
    sound = clicks([0.5, 1.25, 2.5], sample_rate=sample_rate)
    rate = 25 if format_name == "mpegts" else 10
    content = film_with_sound(
        sound,
        sample_rate=sample_rate,
        grey=np.full(3 * rate, 100),
        rate=rate,
        format_name=format_name,
        video_codec=video_codec,
        audio_codec=audio_codec,
    )
    got = read_sound_track(content)
    assert got.sample_rate == sample_rate and abs(got.seconds - 3) < 0.15
    tolerance = 0.06 if format_name in ("avi", "flv", "mpegts") else 0.01  # these keep the encoder's delay
    assert onsets(got) == pytest.approx([0.5, 1.25, 2.5], abs=tolerance)


def test_a_track_that_starts_late_starts_with_silence():
    got = read_sound_track(film_with_sound(clicks([0.5, 1.0]), grey=GREY, sound_starts=0.75))
    assert onsets(got) == pytest.approx([1.25, 1.75], abs=0.002)
    assert got.seconds == pytest.approx(3.75, abs=0.002) and float(got.mono[:11_000].abs().max()) == 0


def test_even_a_small_delay_of_the_first_sample_is_kept():
    got = read_sound_track(film_with_sound(clicks([0.5]), grey=GREY, sound_starts=0.03))
    assert onsets(got) == pytest.approx([0.53], abs=0.002)


def test_sound_without_pictures_starts_with_its_first_sample():
    got = read_sound_track(film_with_sound(clicks([0.5]), sound_starts=0.75))
    assert onsets(got) == pytest.approx([0.5], abs=0.002)


def test_what_is_refused(tmp_path):
    with pytest.raises(ContentError, match=r"^film: is an MP4 file .* it has no audio stream$"):
        read_sound_track(film_bytes())
    with pytest.raises(ContentError, match="not a film that can be read but a WAV sound"):
        read_sound_track(sound_bytes("WAV"))
    with pytest.raises(ContentError, match="truncated"):
        read_sound_track(half(film_with_sound(tone(440, 3.0), grey=GREY, format_name="mov")))
    with pytest.raises(ContentError, match=r"longer than the limit of 2 seconds"):
        read_sound_track(film_with_sound(tone(440, 3.0), grey=GREY), max_seconds=2)
    with pytest.raises(ContentError, match="does not exist"):
        read_sound_track(tmp_path / "missing.mp4")
    with pytest.raises(ArgumentError, match=r"'max_seconds' must be positive \(got 0\)"):
        read_sound_track(b"anything", max_seconds=0)
