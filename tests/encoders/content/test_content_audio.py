import builtins
import dataclasses

import numpy as np
import pytest
import torch
from hostile import flac_claiming, sound_bytes, wav_bytes

from encoders.content import Sound, read_audio
from encoders.errors import ArgumentError, ContentError, MissingPackageError


def tone(rate: int, seconds: float = 0.5, hertz: float = 440.0) -> np.ndarray:
    return 0.5 * np.sin(2 * np.pi * hertz * np.arange(int(seconds * rate)) / rate)


@pytest.mark.parametrize("format_name, tolerance", [("WAV", 1e-4), ("FLAC", 1e-4), ("OGG", 0.05), ("MP3", 0.05)])
@pytest.mark.parametrize("rate", [8_000, 44_100, 48_000])
def test_samples_of_each_format(format_name, tolerance, rate):
    left, right = tone(rate), tone(rate, hertz=1_000.0) / 2
    sound = read_audio(sound_bytes(format_name, np.stack([left, right], axis=1), rate))
    assert sound.sample_rate == rate and sound.waveform.dtype == torch.float32
    assert sound.waveform.shape == (2, len(left)) and sound.waveform.is_contiguous()
    assert sound.seconds == pytest.approx(0.5)
    middle = slice(rate // 8, -rate // 8)
    np.testing.assert_allclose(sound.waveform[0, middle].numpy(), left[middle], atol=tolerance)
    np.testing.assert_allclose(sound.waveform[1, middle].numpy(), right[middle], atol=tolerance)
    np.testing.assert_allclose(sound.mono[middle].numpy(), (left + right)[middle] / 2, atol=tolerance)


@pytest.mark.parametrize("channels", [1, 2, 6])
@pytest.mark.parametrize("rate", [8_000, 192_000])
@pytest.mark.parametrize("subtype", ["PCM_U8", "PCM_16", "PCM_24", "FLOAT"])
def test_any_channels_rates_and_depths(channels, rate, subtype):
    samples = np.repeat(tone(rate, 0.1)[:, None], channels, axis=1)
    sound = read_audio(sound_bytes("WAV", samples, rate, subtype=subtype))
    assert sound.waveform.shape == (channels, rate // 10) and sound.mono.shape == (rate // 10,)
    np.testing.assert_allclose(sound.mono.numpy(), samples[:, 0], atol=0.01)


def test_floating_samples_are_clipped():
    sound = read_audio(sound_bytes("WAV", np.array([-3.0, -0.25, 0.5, 1.5]), subtype="FLOAT"))
    assert sound.waveform.tolist() == [[-1.0, -0.25, 0.5, 1.0]]


def test_the_limit_of_length():
    content = sound_bytes("WAV", tone(8_000, 1.0), 8_000)
    assert read_audio(content, max_seconds=1.0).seconds == 1.0
    with pytest.raises(ContentError, match=r"^sound: is 1.0 seconds long, more than the limit of 0.99$"):
        read_audio(content, max_seconds=0.99)
    with pytest.raises(ArgumentError, match=r"'max_seconds' must be positive \(got nan\)"):
        read_audio(content, max_seconds=float("nan"))


def test_a_header_of_gigabytes_is_refused_before_decoding():
    with pytest.raises(ContentError, match="more than fits in memory"):
        read_audio(flac_claiming(2**30 + 1), max_seconds=1e9)


@pytest.mark.parametrize("format_name", ["WAV", "FLAC", "OGG", "MP3"])
def test_not_even_a_little_may_be_missing(format_name):
    content = sound_bytes(format_name)
    with pytest.raises(ContentError, match="truncated"):
        read_audio(content[: -len(content) // 100])


def test_an_ogg_file_without_its_last_page():
    content = sound_bytes("OGG", tone(44_100, 5.0), 44_100)
    with pytest.raises(ContentError, match="its last page is missing"):
        read_audio(content[: content.rindex(b"OggS")])


def test_an_mp3_with_fewer_frames_than_promised():
    content = bytearray(sound_bytes("MP3"))
    frames = content.index(b"Xing") + 8
    content[frames : frames + 4] = (1_000).to_bytes(4, "big")
    with pytest.raises(ContentError, match=r"truncated: \d+ of \d+ samples are there"):
        read_audio(bytes(content))


def test_a_wav_file_from_a_pipe_does_not_know_its_size():
    samples = np.arange(100, dtype="<i2").tobytes()
    sound = read_audio(wav_bytes(promised=2**32 - 1, samples=samples))
    np.testing.assert_array_equal(sound.waveform[0].numpy() * 2**15, np.arange(100))


def test_tags_before_an_mp3_are_skipped_without_a_word(capfd):
    content = sound_bytes("MP3")
    tag = b"ID3\x04\0\0\0\0\x01\x02" + b"COMM\xff\xff\xff\xff" + bytes(122)  # 130 bytes, a comment that is nonsense
    assert torch.equal(read_audio(tag + content).waveform, read_audio(content).waveform)
    assert capfd.readouterr() == ("", "")


@pytest.mark.parametrize("mode", ["CONSTANT", "VARIABLE"])
@pytest.mark.parametrize("rate", [8_000, 16_000, 44_100, 48_000])
@pytest.mark.parametrize("channels", [1, 2])
def test_an_mp3_that_does_not_say_its_length_is_read_to_its_end(mode, rate, channels, capfd):
    # The bit rate of the first frames tells nothing about that of the others.
    samples = np.concatenate([np.zeros(rate), 0.3 * np.random.default_rng(0).normal(size=2 * rate), np.zeros(rate)])
    samples = np.repeat(samples[:, None], channels, axis=1).clip(-1, 1)
    content = sound_bytes("MP3", samples, rate, bitrate_mode=mode)
    second_frame = content.index(content[:2], 4)
    bare = content[second_frame:]
    sound = read_audio(bare)
    assert sound.sample_rate == rate and sound.waveform.shape[0] == channels
    assert 4 <= sound.seconds < 4.5  # the encoder pads
    loud = sound.mono.abs() > 0.2
    assert loud[: rate // 2].sum() == 0 and loud[rate * 5 // 2 : rate * 3].sum() > rate / 20
    assert torch.equal(read_audio(bare + b"TAG" + bytes(125)).waveform, sound.waveform)
    with pytest.raises(ContentError, match="its last frame is cut"):
        read_audio(bare[:-5])
    assert capfd.readouterr() == ("", "")


def test_a_sound_is_frozen():
    sound = Sound(torch.zeros(1, 4), 8_000)
    with pytest.raises(dataclasses.FrozenInstanceError):
        sound.sample_rate = 1


def test_a_file_of_any_name(tmp_path):
    content = sound_bytes("FLAC")
    for name in ("sound.raw", "sound.mp3", "sound"):  # soundfile would take .raw for headerless samples
        (tmp_path / name).write_bytes(content)
        assert torch.equal(read_audio(tmp_path / name).waveform, read_audio(content).waveform)


def test_without_soundfile_the_extra_is_named(monkeypatch):
    real_import = builtins.__import__

    def without_soundfile(name, *arguments, **options):
        if name == "soundfile":
            raise ImportError(name)
        return real_import(name, *arguments, **options)

    monkeypatch.setattr(builtins, "__import__", without_soundfile)
    with pytest.raises(MissingPackageError, match=r"'soundfile'.*gnnrec\[encoders\]"):
        read_audio(b"anything")
