"""Heads and configurations: shapes, gradients, files."""

import json

import pytest
import torch
from torch import nn

from encoders.errors import ArgumentError, WeightsError
from encoders.losses import info_nce
from encoders.musicvideo import (
    CONFIGURATIONS,
    AutoencoderTask,
    MusicVideoConfiguration,
    MusicVideoModel,
    ProjectionHead,
    load_music_video_model,
    planted_pairs,
    save_music_video_model,
)
from encoders.store.tensor_file import write_tensor_file


def test_a_head_is_what_the_paper_says():
    head = ProjectionHead(1506)
    assert [type(layer) for layer in head.layers] == [
        nn.Linear,
        nn.BatchNorm1d,
        nn.ReLU,
        nn.Dropout,
        nn.Linear,
        nn.Sigmoid,
    ]
    assert head.layers[0].weight.shape == (512, 1506) and head.layers[4].weight.shape == (256, 512)
    assert head.layers[3].p == 0.3
    features = torch.randn(9, 1506)
    head.eval()
    hidden = torch.relu(head.layers[1](head.layers[0](features)))
    expected = torch.sigmoid(head.layers[4](hidden))
    torch.testing.assert_close(head(features), expected / expected.norm(dim=1, keepdim=True))


def test_the_six_configurations_in_the_order_of_the_paper():
    assert list(CONFIGURATIONS) == [
        "base",
        "embedding-512",
        "four-layers",
        "single-head",
        "temperature-0.3",
        "autoencoder",
    ]
    base = CONFIGURATIONS["base"]
    assert (base.out_features, base.hidden, base.num_layers, base.dropout, base.temperature) == (256, 512, 2, 0.3, 1.0)
    linear = {
        name: [
            tuple(layer.weight.shape)
            for layer in MusicVideoModel(chosen).audio_head.layers
            if isinstance(layer, nn.Linear)
        ]
        for name, chosen in CONFIGURATIONS.items()
    }
    two = [(512, 1506), (256, 512)]
    assert linear["base"] == linear["temperature-0.3"] == linear["autoencoder"] == two
    assert linear["embedding-512"] == [(512, 1506), (512, 512)]
    assert linear["four-layers"] == [(512, 1506), (512, 512), (512, 512), (256, 512)]
    assert linear["single-head"] == []
    single = MusicVideoModel(CONFIGURATIONS["single-head"])
    assert [layer.weight.shape for layer in single.video_head.layers if isinstance(layer, nn.Linear)] == [
        (512, 512),
        (1506, 512),
    ]
    assert float(MusicVideoModel(CONFIGURATIONS["temperature-0.3"]).temperature) == pytest.approx(0.3)


@pytest.mark.parametrize("name", CONFIGURATIONS)
def test_vectors_have_length_one_and_gradients_reach_every_trained_parameter(name):
    torch.manual_seed(0)
    model = MusicVideoModel(CONFIGURATIONS[name]).train()
    audio, video = torch.randn(8, 1506), torch.randn(8, 512)
    vectors = model(audio, video)
    width = {"embedding-512": 512, "single-head": 1506}.get(name, 256)
    assert vectors.audio.shape == vectors.video.shape == (8, width) and model.out_features == width
    for rows in vectors:
        torch.testing.assert_close(rows.norm(dim=1), torch.ones(8))
    if name == "single-head":
        torch.testing.assert_close(vectors.audio, audio / audio.norm(dim=1, keepdim=True))
        assert float(vectors.video.detach().min()) < 0  # not squeezed by a sigmoid
    else:
        assert min(float(rows.detach().min()) for rows in vectors) > 0
    info_nce(vectors.audio, vectors.video, temperature=float(model.temperature)).backward()
    # A bias before batch normalisation is taken out again by its mean, so that its gradient is zero, not missing.
    trained = {name for name, parameter in model.named_parameters() if parameter.requires_grad}
    reached = {name for name, parameter in model.named_parameters() if parameter.grad is not None}
    assert trained == reached and "log_temperature" not in trained
    assert any(".1." in parameter for parameter in trained)  # batch normalisation is trained
    moved = {
        name for name, parameter in model.named_parameters() if parameter.grad is not None and parameter.grad.any()
    }
    assert all(parameter.endswith(".bias") for parameter in trained - moved)


def test_a_learned_temperature_gets_a_gradient_and_stays_positive():
    model = MusicVideoModel(MusicVideoConfiguration(learn_temperature=True, temperature=0.5))
    vectors = model(torch.randn(8, 1506), torch.randn(8, 512))
    info_nce(vectors.audio, vectors.video, temperature=model.temperature).backward()
    assert float(model.log_temperature.grad.abs()) > 0
    with torch.no_grad():
        model.log_temperature -= 50
    assert float(model.temperature.detach()) > 0


def test_a_file_builds_the_model_that_was_written(tmp_path):
    torch.manual_seed(0)
    model = MusicVideoModel(CONFIGURATIONS["four-layers"], audio_features=12, video_features=7)
    model(torch.randn(5, 12), torch.randn(5, 7))  # moves the statistics of batch normalisation
    save_music_video_model(tmp_path / "model.safetensors", model.eval(), notes={"data": "mine"})
    loaded = load_music_video_model(tmp_path / "model.safetensors")
    assert loaded.configuration == model.configuration and not loaded.training
    audio, video = torch.randn(5, 12), torch.randn(5, 7)
    for first, second in zip(model(audio, video), loaded(audio, video), strict=True):
        assert torch.equal(first, second)


def test_files_that_hold_no_model(tmp_path):
    with pytest.raises(WeightsError, match="there is no such file"):
        load_music_video_model(tmp_path / "none.safetensors")
    write_tensor_file(tmp_path / "other.safetensors", {"x": torch.zeros(3)}, {"kind": "other"})
    with pytest.raises(WeightsError, match="holds no music-video model"):
        load_music_video_model(tmp_path / "other.safetensors")
    header = {"kind": "music-video model", "configuration": json.dumps({"colour": 3})}
    write_tensor_file(tmp_path / "odd.safetensors", {"x": torch.zeros(3)}, header)
    with pytest.raises(WeightsError, match="its header cannot be used"):
        load_music_video_model(tmp_path / "odd.safetensors")
    header["configuration"] = "{}"
    write_tensor_file(
        tmp_path / "bare.safetensors",
        {"x": torch.zeros(3)},
        header | {"audio_features": "12", "video_features": "7"},
    )
    with pytest.raises(WeightsError, match="does not fit the network"):
        load_music_video_model(tmp_path / "bare.safetensors")


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"in_features": 0}, "'in_features' must be an integer of at least 1"),
        ({"num_layers": -1}, "'num_layers' must be an integer of at least 0"),
        ({"dropout": 1.0}, "'dropout' must be at least 0 and below 1"),
        ({"num_layers": 0}, r"'out_features' must be 'in_features', 12, where no layer changes it \(got 256\)"),
    ],
)
def test_heads_that_cannot_be(options, message):
    with pytest.raises(ArgumentError, match=message):
        ProjectionHead(**({"in_features": 12} | options))
    with pytest.raises(ArgumentError, match="'temperature' must be positive and finite"):
        MusicVideoConfiguration(temperature=0)
    with pytest.raises(ArgumentError, match="'autoencoder' needs two heads"):
        MusicVideoConfiguration(single_head=True, autoencoder=True)


def test_the_autoencoder_is_the_head_and_its_mirror():
    features = planted_pairs(20, shared=1, seed=0, segments=3, audio_features=30, video_features=10)
    head = ProjectionHead(30, 4, hidden=8, num_layers=3)
    task = AutoencoderTask(head, features.audio, features.audio, batch_size=25)
    decoder = task.model["decoder"]
    assert [tuple(layer.weight.shape) for layer in decoder if isinstance(layer, nn.Linear)] == [(8, 4), (8, 8), (30, 8)]
    assert isinstance(decoder[-1], nn.Linear)
    batches = list(task.batches(1))
    assert [len(batch) for batch in batches] == [20, 20, 20] and task.num_steps == 3
    assert torch.cat(batches).sort().values.tolist() == list(range(60))
    task.loss(batches[0])["reconstruction"].backward()
    assert all(parameter.grad is not None for parameter in task.model.parameters())
    with torch.no_grad():  # the mean of everything has an error of 1, but for the divisor of the variance
        decoder[-1].weight.zero_()
        decoder[-1].bias.zero_()
    task.model.eval()
    assert task.validate()["loss"] == pytest.approx(59 / 60, abs=1e-5)
    with pytest.raises(ArgumentError, match="'head' must have a layer"):
        AutoencoderTask(ProjectionHead(30, 30, num_layers=0), features.audio, features.audio)
