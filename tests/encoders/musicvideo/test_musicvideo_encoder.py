"""Trained heads as encoders of items, and everything from films to figures."""

from dataclasses import replace

import numpy as np
import pytest
import torch
from sounding import film_with_sound, tone

from encoders import create_encoder, create_encoders
from encoders.content import Sound
from encoders.errors import ArgumentError, RandomWeightsWarning, WeightsError
from encoders.musicvideo import (
    CONFIGURATIONS,
    MUSIC_VIDEO_OPTIONS,
    MusicVideoModel,
    SegmentOptions,
    create_backbone,
    cut_segments,
    encode_segments,
    evaluate_music_video,
    load_music_video_model,
    save_music_video_model,
    train_music_video,
)
from encoders.store import EncodeOptions


@pytest.fixture(scope="module")
def weights(tmp_path_factory):
    torch.manual_seed(0)
    path = tmp_path_factory.mktemp("model") / "model.safetensors"
    save_music_video_model(path, MusicVideoModel(CONFIGURATIONS["base"]))
    return path


@pytest.mark.filterwarnings("ignore::encoders.errors.RandomWeightsWarning")
def test_an_item_is_the_mean_of_its_sections_through_backbone_and_head(weights):
    encoder = create_encoder("musicvideo", "audio", weights=weights)
    assert (encoder.name, encoder.modality, encoder.dim, encoder.feature_name) == (
        "musicvideo",
        "audio",
        256,
        "musicvideo.audio",
    )
    sound = Sound(torch.randn(1, 16_000 * 8, generator=torch.Generator().manual_seed(0)).clamp(-1, 1), 16_000)
    backbone, head = create_backbone("audio", sections=6), load_music_video_model(weights).audio_head
    samples = backbone.preprocess(sound).samples
    assert len(samples) == 2  # sections of three seconds at least
    with torch.no_grad():
        expected = head(backbone(samples)).mean(dim=0)
    torch.testing.assert_close(encoder.encode([sound])[0], expected)


@pytest.mark.filterwarnings("ignore::encoders.errors.RandomWeightsWarning")
def test_the_weights_in_use_are_those_of_backbone_and_head(weights):
    encoders = create_encoders("musicvideo", weights=weights)
    assert tuple(encoders) == ("audio", "video")
    for modality, encoder in encoders.items():
        names = set(encoder.weights_in_use())
        assert names <= set(encoder.state_dict()) and any(name.startswith("backbone.") for name in names)
        hashes = [encoder.weights_hash()]
        with torch.no_grad():
            for part in (encoder.backbone, encoder.head):
                next(iter(part.weights_in_use().values()) if part is encoder.backbone else part.parameters()).add_(1)
                hashes.append(encoder.weights_hash())
        assert len(set(hashes)) == 3, modality
    audio = encoders["audio"].weights_in_use()
    assert not any("tags" in name for name in audio)  # what comes after the features is left out


def test_random_weights_are_told_of_by_name(weights):
    with pytest.warns(RandomWeightsWarning) as told:
        create_encoder("musicvideo", "audio")
    assert [str(warning.message).split("'")[1] for warning in told] == ["musicvideo", "musicnn"]
    with pytest.warns(RandomWeightsWarning) as told:
        create_encoder("musicvideo", "video", weights=weights)
    assert [str(warning.message).split("'")[1] for warning in told] == ["r2plus1d"]


@pytest.mark.filterwarnings("ignore::encoders.errors.RandomWeightsWarning")
def test_what_does_not_fit(tmp_path):
    save_music_video_model(tmp_path / "narrow.safetensors", MusicVideoModel(CONFIGURATIONS["base"], audio_features=40))
    with pytest.raises(WeightsError, match=r"the audio head must take the 1506 features of 'musicnn' \(got one for 40"):
        create_encoder("musicvideo", "audio", weights=tmp_path / "narrow.safetensors")
    with pytest.raises(WeightsError, match=r"nothing\.safetensors"):
        create_encoder("musicvideo", "audio", weights=tmp_path / "nothing.safetensors")
    with pytest.raises(ArgumentError, match="'musicvideo' encodes audio, video: 'modality' must say which"):
        create_encoder("musicvideo")
    with pytest.raises(ArgumentError, match="'musicvideo': got an unexpected keyword argument 'colour'"):
        create_encoder("musicvideo", "audio", colour="red")


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore::encoders.errors.RandomWeightsWarning")
def test_from_films_to_figures_by_the_real_networks(tmp_path):
    films = tmp_path / "films"
    films.mkdir()
    for number in range(6):
        grey = 128 + 100 * np.sin(np.arange(60) * (number + 1) / 5)
        content = film_with_sound(tone(200 * (number + 1), 6.0), grey=grey, size=(64, 36))
        (films / f"film{number}.mkv").write_bytes(content)
    data, run = tmp_path / "data", tmp_path / "run"
    report = cut_segments(films, data, options=SegmentOptions(sections=2, seconds=3.0))
    assert report.segments == 12
    features = encode_segments(
        data, create_backbone("audio"), create_backbone("video"), options=EncodeOptions(workers=0, precision="fp32")
    )
    assert features.audio.shape == (12, 1506) and features.video.shape == (12, 512)
    options = replace(MUSIC_VIDEO_OPTIONS, epochs=1)
    result = train_music_video(features, options=options, folder=run, shares=(1 / 3, 1 / 3, 1 / 3))
    assert evaluate_music_video(run, features)[0] == result.test
    item = create_encoder("musicvideo", "video", weights=run / "model.safetensors", sections=1)
    content = item.preprocess.read((data / "film0-0.mp4").read_bytes(), "film0-0.mp4")
    (vector,) = item.encode([content])
    row = (features.film == 0).nonzero()[0]
    torch.testing.assert_close(vector, result.model.encode(features).video[row][0], atol=1e-5, rtol=1e-4)
