import io
import pickle
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import soundfile
import torch

from encoders.content import Sound
from encoders.errors import ArgumentError, ContentError, RandomWeightsWarning
from encoders.musicnn import MSD_50_TAGS, MTT_50_TAGS, Musicnn

RANDOM = pytest.mark.filterwarnings("ignore::encoders.errors.RandomWeightsWarning")


def stereo(seconds: float, sample_rate: int = 44_100) -> Sound:
    generator = torch.Generator().manual_seed(0)
    return Sound(torch.rand(2, int(seconds * sample_rate), generator=generator) - 0.5, sample_rate)


def tone(hertz: float, seconds: float, sample_rate: int) -> Sound:
    time = torch.arange(int(seconds * sample_rate), dtype=torch.float64) / sample_rate
    return Sound((0.5 * torch.sin(2 * torch.pi * hertz * time)).float()[None], sample_rate)


def test_from_a_stereo_sound_to_features_and_tags(
    keras_arrays: dict[str, np.ndarray], write_keras_file: Callable[..., Path]
) -> None:
    encoder = Musicnn(write_keras_file(keras_arrays))
    sounds = [stereo(7.5), stereo(1.0, 22_050)]
    features = encoder.encode(sounds, batch_size=2)
    assert features.shape == (2, 1506) and features.dtype == torch.float32
    assert torch.isfinite(features).all() and not torch.equal(features[0], features[1])
    tags = encoder.tag(sounds[0])
    assert len(tags) == 3 and all(name in MTT_50_TAGS and 0 <= value <= 1 for name, value in tags)
    assert encoder.modality == "audio" and encoder.name == "musicnn" and encoder.weights_hash() != "none"


def test_tags_are_means_of_windows_in_evaluation_mode(
    keras_arrays: dict[str, np.ndarray], write_keras_file: Callable[..., Path]
) -> None:
    encoder = Musicnn(write_keras_file(keras_arrays), "msd").train()
    sound = stereo(6.0)
    tags = encoder.tag(sound, top=99)
    assert encoder.training and len(tags) == 50 and {name for name, _ in tags} == set(MSD_50_TAGS)
    assert [value for _, value in tags] == sorted((value for _, value in tags), reverse=True)
    with torch.no_grad():
        logits = encoder.eval().network(encoder.preprocess(sound).samples).logits
    assert dict(tags)["happy"] == pytest.approx(logits.sigmoid().mean(dim=0)[49].item(), abs=1e-6)


@RANDOM
def test_the_penultimate_layer() -> None:
    encoder = Musicnn(layer="penultimate")
    assert encoder.dim == 200 and encoder.encode([stereo(1.0)]).shape == (1, 200)


def test_random_weights_warn_and_leave_the_random_state() -> None:
    torch.manual_seed(1)
    expected = torch.rand(3)
    torch.manual_seed(1)
    with pytest.warns(RandomWeightsWarning, match="'musicnn' got no weights"):
        encoder = Musicnn()
    assert torch.equal(torch.rand(3), expected)
    with pytest.warns(RandomWeightsWarning):
        assert Musicnn(seed=0).weights_hash() == encoder.weights_hash() != Musicnn(seed=1).weights_hash()


@RANDOM
def test_weights_after_the_chosen_layer_do_not_count() -> None:
    pooled, penultimate = Musicnn(), Musicnn(layer="penultimate")
    hashes = pooled.weights_hash(), penultimate.weights_hash()
    assert hashes[0] != hashes[1]
    for encoder in (pooled, penultimate):
        torch.nn.init.zeros_(encoder.network.tags.bias)
    assert (pooled.weights_hash(), penultimate.weights_hash()) == hashes
    for encoder in (pooled, penultimate):
        torch.nn.init.zeros_(encoder.network.dense.bias)
    assert pooled.weights_hash() == hashes[0] and penultimate.weights_hash() != hashes[1]


@RANDOM
def test_sample_rate_and_channels_do_not_matter() -> None:
    encoder = Musicnn()
    plain = tone(440, 3.0, 16_000)
    features = encoder.encode(
        [plain, tone(440, 3.0, 44_100), Sound(plain.waveform.expand(2, -1), 16_000), tone(880, 3.0, 16_000)]
    )
    torch.testing.assert_close(features[2], features[0])
    distance = torch.cdist(features[:1], features)[0]
    assert distance[1] < 0.1 * distance[3]


@pytest.mark.parametrize(
    ("seconds", "max_windows", "windows", "truncated"),
    [(0.1, 20, 1, False), (3.0, 20, 1, False), (7.0, 2, 2, False), (8.0, 2, 2, True), (70.0, 20, 20, True)],
)
def test_windows_of_three_seconds(seconds: float, max_windows: int, windows: int, truncated: bool) -> None:
    prepared = Musicnn(max_windows=max_windows).preprocess(stereo(seconds, 16_000))
    assert prepared.samples.shape == (windows, 48_000) and prepared.truncated is truncated


@pytest.mark.parametrize("sample_rate", [16_000, 44_100])
def test_a_sound_without_samples(sample_rate: int) -> None:
    with pytest.raises(ContentError, match="at least one sample"):
        Musicnn().preprocess(Sound(torch.zeros(2, 0), sample_rate))


def test_files_are_decoded() -> None:
    file = io.BytesIO()
    soundfile.write(file, np.zeros((8000, 2)), 8000, format="WAV")
    sound = Musicnn().preprocess.read(file.getvalue(), "sound.wav")
    assert sound.waveform.shape == (2, 8000) and sound.sample_rate == 8000
    with pytest.raises(ContentError, match=r"sound\.wav"):
        Musicnn().preprocess.read(b"no sound", "sound.wav")


def test_the_preprocess_travels_and_tells_its_settings() -> None:
    preprocess = Musicnn(max_windows=3).preprocess
    assert pickle.loads(pickle.dumps(preprocess)) == preprocess
    expected = "WaveformPreprocess(sample_rate=16000, window_seconds=3.0, stride_seconds=3.0, max_windows=3)"
    assert preprocess.describe() == expected


def test_tag_names() -> None:
    assert len(set(MTT_50_TAGS)) == len(set(MSD_50_TAGS)) == 50
    assert MTT_50_TAGS[12] == "violin" and MSD_50_TAGS[9] == "jazz"


@RANDOM
@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"tags": "mtg"}, r"'tags' must be one of 'mtt', 'msd' \(got 'mtg'\)"),
        ({"layer": "last"}, r"'layer' must be one of 'pooled', 'penultimate' \(got 'last'\)"),
        ({"max_windows": 0}, r"'max_windows' must be a positive integer \(got 0\)"),
    ],
)
def test_bad_options(options: dict, message: str) -> None:
    with pytest.raises(ArgumentError, match=message):
        Musicnn(**options)


@RANDOM
def test_bad_top() -> None:
    with pytest.raises(ArgumentError, match=r"'top' must be a positive integer \(got 0\)"):
        Musicnn().tag(stereo(1.0), top=0)
