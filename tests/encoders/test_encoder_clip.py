"""CLIP's towers beside open_clip's own."""

import json
import logging
import warnings

import numpy as np
import pytest
import torch
from PIL import Image

from encoders import create_encoder, create_encoders
from encoders.clip import CLIPEncoder, load_clip
from encoders.clip_text import ClipTextPreprocess, tokenize
from encoders.errors import ArgumentError, RandomWeightsWarning, WeightsError
from encoders.image_preprocess import ImagePreprocess

open_clip = pytest.importorskip("open_clip")

TINY = {
    "embed_dim": 24,
    "vision_cfg": {"image_size": 64, "layers": 1, "width": 64, "head_width": 32, "patch_size": 32},
    "text_cfg": {"context_length": 12, "vocab_size": 49408, "width": 32, "heads": 2, "layers": 1},
}
TEXTS = ["a dog", "Rain on a roof, at night", "one two three four five six seven eight nine ten eleven twelve thirteen"]

pytestmark = pytest.mark.filterwarnings("ignore::encoders.errors.RandomWeightsWarning")


@pytest.fixture(scope="module", autouse=True)
def models(tmp_path_factory):
    """Small models besides open_clip's own, as users add theirs."""
    folder = tmp_path_factory.mktemp("models")
    (folder / "tiny-clip.json").write_text(json.dumps(TINY))
    (folder / "tiny-custom-text.json").write_text(json.dumps(TINY | {"custom_text": True}))
    factory = open_clip.factory
    paths, configs = list(factory._MODEL_CONFIG_PATHS), dict(factory._MODEL_CONFIGS)
    open_clip.add_model_config(folder)
    logging.disable()
    yield
    logging.disable(logging.NOTSET)
    factory._MODEL_CONFIG_PATHS[:] = paths
    factory._MODEL_CONFIGS.clear()
    factory._MODEL_CONFIGS.update(configs)


def pictures() -> list[Image.Image]:
    random = np.random.default_rng(0)
    return [
        Image.fromarray(random.integers(0, 256, (*size, 3), dtype=np.uint8)) for size in ((61, 97), (130, 75), (64, 64))
    ]


@pytest.fixture
def weights(tmp_path):
    """A file of weights that no seed would give."""
    model = load_clip("tiny-clip", seed=11)
    with torch.no_grad():
        for parameter in model.parameters():
            parameter += 0.1 * torch.randn_like(parameter)
    path = tmp_path / "tiny.pt"
    torch.save(model.state_dict(), path)
    return path


@pytest.mark.parametrize("architecture", ["ViT-S-32-alt", "tiny-clip", "tiny-custom-text"])
def test_features_equal_open_clip(architecture, tmp_path):
    theirs, _, transform = open_clip.create_model_and_transforms(architecture)
    theirs.eval()
    path = tmp_path / "weights.pt"
    torch.save(theirs.state_dict(), path)
    ours = create_encoders(f"clip:{architecture}", weights=path)
    with torch.no_grad():
        image = theirs.encode_image(torch.stack([transform(picture) for picture in pictures()]))
        text = theirs.encode_text(open_clip.get_tokenizer(architecture)(TEXTS))
    torch.testing.assert_close(ours["image"].encode(pictures()), image, atol=1e-5, rtol=0)
    torch.testing.assert_close(ours["text"].encode(TEXTS), text, atol=1e-5, rtol=0)
    assert ours["image"].dim == ours["text"].dim == image.shape[1]
    assert ours["image"].feature_name == f"clip-{architecture.lower()}.image"


def test_the_towers_share_a_model_of_the_preprocessing_that_it_asks_for():
    encoders = create_encoders("clip:tiny-clip")
    assert encoders["image"].model is encoders["text"].model
    assert encoders["image"].preprocess == ImagePreprocess(size=64)
    assert encoders["text"].preprocess == ClipTextPreprocess(context_length=12, tokenizer="tiny-clip")


def test_context_length_is_the_models():
    encoder = create_encoder("clip:tiny-clip", "text")
    tokens, truncated = encoder.preprocess(TEXTS[2])
    assert tokens.shape == (1, 12) and truncated
    assert tokens[0, 0] == 49406 and tokens[0, -1] == 49407
    assert not encoder.preprocess("one two three four five six seven eight nine ten").truncated
    assert encoder.preprocess("one two three four five six seven eight nine ten eleven").truncated
    pieces = create_encoder("clip:tiny-clip", "text", long_text="chunk-mean").preprocess(TEXTS[2])
    assert pieces.samples.shape == (2, 12) and not pieces.truncated
    with pytest.raises(ArgumentError, match="a text has more tokens than the 12 that the model takes: 'one two"):
        create_encoder("clip:tiny-clip", "text", long_text="error").encode(TEXTS)


def test_chunks_are_averaged():
    whole = create_encoder("clip:tiny-clip", "text", long_text="chunk-mean")
    halves = ["one two three four five six", "seven eight nine ten eleven twelve thirteen"]
    torch.testing.assert_close(whole.encode(TEXTS[2:])[0], whole.encode(halves).mean(dim=0), atol=1e-6, rtol=0)


def test_tokenize():
    tokens, longer = tokenize(["A Dog", "a dog"], 6)
    assert tokens.tolist() == [[49406, 320, 1929, 49407, 0, 0]] * 2 and longer == [False, False]
    tokens, longer = tokenize(["a dog", "a dog barks"], 4)
    assert tokens.tolist() == [[49406, 320, 1929, 49407]] * 2 and longer == [False, True]
    tokens, longer = tokenize([], 7)
    assert tokens.shape == (0, 7) and longer == []


@pytest.mark.parametrize("suffix", [".pt", ".safetensors"])
def test_weights_of_a_file(weights, tmp_path, suffix):
    state = torch.load(weights)
    path = tmp_path / f"copy{suffix}"
    if suffix == ".pt":
        torch.save(state, path)
    else:
        from safetensors.torch import save_file

        save_file({name: tensor.contiguous() for name, tensor in state.items()}, path)
    with warnings.catch_warnings():
        warnings.simplefilter("error", RandomWeightsWarning)
        loaded = load_clip("tiny-clip", weights=path).state_dict()
    assert all(torch.equal(tensor, loaded[name]) for name, tensor in state.items())


def test_a_file_that_does_not_fit_is_one_error(weights):
    state = torch.load(weights)
    del state["visual.proj"]
    torch.save(state | {"surprise": torch.zeros(1)}, weights)
    with pytest.raises(WeightsError, match=r"tiny-clip with weights '.*tiny.pt'.*visual\.proj.*surprise") as caught:
        load_clip("tiny-clip", weights=weights)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    "content", [{}, [torch.zeros(1)], {"a": 3}, {"state_dict": {}}, {"positional_embedding": torch.zeros(3)}], ids=str
)
def test_another_content_is_one_error(tmp_path, content):
    path = tmp_path / "weights.pt"
    torch.save(content, path)
    with pytest.raises(WeightsError, match=r"tiny-clip with weights '.*weights.pt': [A-Z]"):
        load_clip("tiny-clip", weights=path)


@pytest.mark.parametrize("name", ["weights.pt", "weights.safetensors", "weights.npz"])
@pytest.mark.parametrize("content", [b"", b"no weights at all"])
def test_a_damaged_file_is_one_error(tmp_path, name, content):
    path = tmp_path / name
    path.write_bytes(content)
    with pytest.raises(WeightsError, match=r"tiny-clip with weights '.*weights"):
        load_clip("tiny-clip", weights=path)


def test_a_folder_is_one_error(tmp_path):
    with pytest.raises(WeightsError, match="tiny-clip with weights"):
        load_clip("tiny-clip", weights=tmp_path)


def test_unknown_tags_and_architectures():
    with pytest.raises(
        WeightsError,
        match=r"file or one of open_clip's tags for RN50-quickgelu \(got 'openia'\); tags: openai, yfcc15m",
    ):
        load_clip("RN50-quickgelu", weights="openia")
    with pytest.raises(WeightsError, match=r"tags for tiny-clip \(got 'openai'\); tags: none"):
        load_clip("tiny-clip", weights="openai")
    with pytest.raises(ArgumentError, match="open_clip has no model 'ViT-Q-1'; names are such as"):
        create_encoder("clip:ViT-Q-1", "image")


def test_random_weights():
    torch.manual_seed(3)
    before = torch.get_rng_state()
    with pytest.warns(RandomWeightsWarning, match=r"'tiny-clip' got no weights.*\(seed 1\)"):
        first = create_encoders("clip:tiny-clip", seed=1)
    again, other = (create_encoders("clip:tiny-clip", seed=seed) for seed in (1, 2))
    assert torch.equal(torch.get_rng_state(), before)
    for modality, contents in (("image", pictures()), ("text", TEXTS)):
        vectors = first[modality].encode(contents)
        assert torch.equal(vectors, again[modality].encode(contents))
        assert float((vectors - other[modality].encode(contents)).abs().max()) > 0.1
        assert first[modality].weights_hash() == again[modality].weights_hash() != other[modality].weights_hash()


@pytest.mark.parametrize("architecture", ["tiny-clip", "tiny-custom-text"])
def test_a_hash_tells_of_its_own_tower_alone(architecture):
    encoders = create_encoders(f"clip:{architecture}")
    model = encoders["image"].model

    def hashes() -> dict[str, str]:
        return {modality: encoder.weights_hash() for modality, encoder in encoders.items()}

    start = hashes()
    assert start["image"] != start["text"]
    with torch.no_grad():
        model.logit_scale += 1
    assert hashes() == start
    for name, parameter in model.named_parameters():
        if name == "logit_scale":
            continue
        with torch.no_grad():
            kept = parameter.clone()
            parameter.view(-1)[0] += 1
        changed = {modality for modality, value in hashes().items() if value != start[modality]}
        assert changed == {"image" if name.startswith("visual.") else "text"}, name
        with torch.no_grad():
            parameter.copy_(kept)
    assert hashes() == start


def test_many_at_once_equal_one_by_one():
    encoders = create_encoders("clip:tiny-clip", long_text="chunk-mean")
    for modality, contents in (("image", pictures()), ("text", TEXTS)):
        encoder = encoders[modality]
        alone = torch.cat([encoder.encode([content]) for content in contents])
        for batch_size in (1, 2, 64):
            torch.testing.assert_close(encoder.encode(contents, batch_size=batch_size), alone, atol=1e-5, rtol=0)
        assert encoder.encode([]).shape == (0, 24)


def test_bad_settings():
    model = load_clip("tiny-clip")
    with pytest.raises(ArgumentError, match=r"CLIP encodes image and text \(got modality 'audio'\)"):
        CLIPEncoder(model, modality="audio", architecture="tiny-clip")
    with pytest.raises(
        ArgumentError, match=r"'long_text' must be one of truncate, chunk-mean, error \(got 'first-sentence'\)"
    ):
        CLIPEncoder(model, modality="text", architecture="tiny-clip", long_text="first-sentence")
    model.visual.preprocess_cfg = model.visual.preprocess_cfg | {"resize_mode": "squash"}
    with pytest.raises(ArgumentError, match="models that resize pictures by 'squash' are not supported"):
        CLIPEncoder(model, modality="image", architecture="tiny-clip")


@pytest.mark.slow
@pytest.mark.parametrize("name", ["clip-rn50", "clip-vit-b-16"])
def test_listed_models_equal_open_clip(name, tmp_path):
    architecture = {"clip-rn50": "RN50-quickgelu", "clip-vit-b-16": "ViT-B-16-quickgelu"}[name]
    theirs, _, transform = open_clip.create_model_and_transforms(architecture)
    theirs.eval()
    path = tmp_path / "weights.pt"
    torch.save(theirs.state_dict(), path)
    ours = create_encoders(name, weights=path)
    with torch.no_grad():
        image = theirs.encode_image(torch.stack([transform(picture) for picture in pictures()]))
        text = theirs.encode_text(open_clip.get_tokenizer(architecture)(TEXTS))
    torch.testing.assert_close(ours["image"].encode(pictures()), image, atol=1e-5, rtol=0)
    torch.testing.assert_close(ours["text"].encode(TEXTS), text, atol=1e-5, rtol=0)
