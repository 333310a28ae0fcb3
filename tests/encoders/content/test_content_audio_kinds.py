"""Sounds of every kind that soundfile or PyAV reads, whatever they are called."""

import io
import sys

import numpy as np
import pytest
import soundfile
import torch
from PIL import Image

from encoders import create_encoder
from encoders.content import Sound, read_audio, read_image
from encoders.errors import ArgumentError, ContentError
from encoders.musicnn import LogMel

av = pytest.importorskip("av")

SECONDS, PITCH = 2.0, 440.0


def tone(rate: int) -> np.ndarray:
    return (0.5 * np.sin(2 * np.pi * PITCH * np.arange(int(SECONDS * rate)) / rate)).astype(np.float32)


def by_soundfile(name: str, codec: str, rate: int = 16_000, *, times: int = 1) -> bytes:
    file = io.BytesIO()
    soundfile.write(file, np.tile(tone(rate), times), rate, format=name, subtype=codec)
    return file.getvalue()


def by_libav(name: str, codec: str, rate: int = 44_100) -> bytes:
    file = io.BytesIO()
    with av.open(file, "w", format=name) as container:
        stream = container.add_stream(codec, rate=rate, options={"strict": "-2"}, layout="mono")
        frame = av.AudioFrame.from_ndarray(tone(rate)[None], format="fltp", layout="mono")
        frame.rate, frame.pts = rate, 0
        context = stream.codec_context
        resampler = av.AudioResampler(context.format, "mono", rate, frame_size=context.frame_size or None)
        for part in [*resampler.resample(frame), *resampler.resample(None)]:
            container.mux(stream.encode(part))
        container.mux(stream.encode(None))
    return file.getvalue()


def assert_is_the_tone(sound: Sound, seconds: float = SECONDS) -> None:
    """Of about the length, and of the pitch."""
    assert sound.seconds == pytest.approx(seconds, abs=0.08)
    spectrum = torch.fft.rfft(sound.mono).abs()
    assert float(spectrum.argmax()) / sound.seconds == pytest.approx(PITCH, abs=3)
    assert 0.3 < float(sound.mono.abs().max()) <= 1


@pytest.mark.parametrize(
    ("name", "codec"),
    [
        *[("AIFF", codec) for codec in ("PCM_16", "FLOAT", "GSM610", "IMA_ADPCM")],
        *[("AU", codec) for codec in ("PCM_16", "ULAW", "G721_32", "G723_24")],
        *[("CAF", codec) for codec in ("PCM_24", "ALAC_16")],
        *[("W64", codec) for codec in ("PCM_16", "GSM610", "MS_ADPCM")],
        *[("WAV", codec) for codec in ("PCM_U8", "GSM610", "G721_32", "NMS_ADPCM_32", "ALAW")],
        *[(name, "PCM_16") for name in ("VOC", "NIST", "SVX", "AVR", "PVF", "PAF", "IRCAM", "RF64", "WAVEX", "FLAC")],
        *[("OGG", codec) for codec in ("VORBIS", "OPUS")],
        ("MP3", "MPEG_LAYER_III"),
    ],
)
def test_what_soundfile_reads(name: str, codec: str) -> None:
    assert_is_the_tone(read_audio(by_soundfile(name, codec)))


@pytest.mark.parametrize(
    ("name", "codec", "rate"),
    [
        *[(name, "aac", 44_100) for name in ("ipod", "mp4", "mov", "3gp", "adts", "matroska", "mpegts", "flv")],
        *[(name, "libopus", 48_000) for name in ("webm", "matroska", "mp4")],
        *[("ogg", codec, 44_100) for codec in ("flac",)],
        *[("wav", codec, 44_100) for codec in ("mp2", "libmp3lame", "adpcm_ima_wav")],
        *[(codec, codec, 44_100) for codec in ("ac3", "eac3", "tta", "mp2")],
        ("ipod", "alac", 44_100),
        ("caf", "alac", 44_100),
        ("wv", "wavpack", 44_100),
        ("avi", "libmp3lame", 44_100),
        ("amr", "libopencore_amrnb", 8_000),
    ],
)
def test_what_libav_reads(name: str, codec: str, rate: int) -> None:
    try:
        content = by_libav(name, codec, rate)
    except (av.error.EncoderNotFoundError, av.codec.codec.UnknownCodecError):
        pytest.skip(f"this PyAV does not write {codec}")
    assert_is_the_tone(read_audio(content))


def test_without_pyav_the_reason_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    content = by_libav("ipod", "aac")
    monkeypatch.setitem(sys.modules, "av", None)
    with pytest.raises(
        ContentError, match=r"^a.m4a: is an MPEG-4 sound, which needs PyAV: pip install 'gnnrec\[video\]'$"
    ):
        read_audio(content, name="a.m4a")


@pytest.mark.parametrize("name", ["WAV", "AIFF", "AU", "W64", "OGG", "MP3", "FLAC", "matroska"])
def test_a_sound_without_its_end_is_refused_or_used(name: str) -> None:
    if name == "matroska":
        whole, seconds = by_libav(name, "aac"), SECONDS
    else:
        codec = {"OGG": "VORBIS", "MP3": "MPEG_LAYER_III"}.get(name, "PCM_16")
        whole, seconds = by_soundfile(name, codec, times=10), 10 * SECONDS
    part = whole[: int(0.6 * len(whole))]
    with pytest.raises(ContentError, match="truncated"):
        read_audio(part)
    sound = read_audio(part, truncated="use")
    assert_is_the_tone(sound, sound.seconds)
    assert 0.3 * seconds < sound.seconds < 0.7 * seconds


def test_the_choice_is_an_argument_of_encoders_of_sounds() -> None:
    part = by_soundfile("MP3", "MPEG_LAYER_III")[:-500]
    usual, chosen = (create_encoder("mean-spectrum", **options) for options in ({}, {"truncated": "use"}))
    with pytest.raises(ContentError, match="truncated"):
        usual.preprocess.read(part, "part.mp3")
    assert chosen.preprocess.read(part, "part.mp3").seconds > 1
    assert usual.preprocess.describe() == "StatisticsPreprocess(statistic='mean-spectrum')"
    assert chosen.preprocess.describe() != usual.preprocess.describe()
    longest = create_encoder("audioclip-tiny", "audio", max_seconds=1)
    with pytest.raises(ContentError, match="more than the limit of 1"):
        longest.preprocess.read(by_soundfile("WAV", "PCM_16"), "long.wav")
    with pytest.raises(ArgumentError, match="'truncated' must be 'refuse' or 'use'"):
        create_encoder("mean-spectrum", truncated="yes")
    with pytest.raises(ArgumentError, match="'colour-histogram' takes no option 'max_seconds'; it encodes no sounds"):
        create_encoder("colour-histogram", max_seconds=7200)


@pytest.mark.parametrize("seconds", [0.5, 7200])
def test_the_limit_holds_for_what_libav_reads(seconds: float) -> None:
    content = by_libav("adts", "aac")
    if seconds < SECONDS:
        with pytest.raises(ContentError, match=r"limit of 0\.5 seconds"):
            read_audio(content, max_seconds=seconds)
    else:
        assert_is_the_tone(read_audio(content, max_seconds=seconds))


def test_pictures_that_pillow_opens_are_opened() -> None:
    picture = Image.new("RGB", (8, 8), (200, 30, 30))
    file = io.BytesIO()
    picture.save(file, "BMP")
    bitmap = bytearray(file.getvalue())
    bitmap[6:10] = b"\1\2\3\4"  # reserved for programs
    assert read_image(bytes(bitmap)).getpixel((3, 3)) == (200, 30, 30)
    file = io.BytesIO()
    picture.save(file, "AVIF", quality=100)
    content = bytearray(file.getvalue())
    assert b"avif" in content[16:40]
    content[8:12] = b"mif1"  # the brand of the family, with AVIF among those that it is compatible with
    red, green, blue = read_image(bytes(content)).getpixel((3, 3))
    assert red > 180 and green < 60 and blue < 60


@pytest.mark.parametrize("kind", [torch.float16, torch.bfloat16])
def test_mel_energies_are_not_of_half_precision(kind: torch.dtype) -> None:
    waveform = torch.from_numpy(tone(16_000))[None] * 2
    expected = LogMel()(waveform)
    with torch.autocast("cpu", dtype=kind):
        assert torch.equal(LogMel()(waveform), expected)
    half = LogMel().to(kind)(waveform.to(kind))
    assert bool(torch.isfinite(half).all())
    assert float((half - expected).abs().max()) < 0.5
