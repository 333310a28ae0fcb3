import copy
import math

import numpy as np
import pytest
import torch

from encoders.audioclip import AudioCLIP
from encoders.errors import ArgumentError, UnknownEncoderError


def sine(hertz, rate, seconds=1.0, amplitude=0.3):
    return amplitude * torch.sin(2 * math.pi * hertz * torch.arange(round(seconds * rate)) / rate)[None]


@pytest.fixture
def batch():
    random = torch.Generator().manual_seed(0)
    return {
        "audio": torch.rand(4, 8000, generator=random) - 0.5,
        "image": torch.randn(4, 3, 64, 64, generator=random),
        "text": ["a dog barks", "the sea", "rain on a roof", "a violin"],
        "sample_rate": 16_000,
    }


def test_forward_gives_all_pairs_and_their_loss(tiny, batch):
    with torch.no_grad():
        output = tiny(**batch)
        a, i, t = (
            torch.nn.functional.normalize(vectors).double().numpy()
            for vectors in (
                tiny.encode_audio(batch["audio"], 16_000),
                tiny.encode_image(batch["image"]),
                tiny.encode_text(batch["text"]),
            )
        )
    pairs = {
        "audio_image": 100 * a @ i.T,
        "audio_text": 100 * a @ t.T,
        "image_text": i @ t.T / 0.07,
    }
    loss = 0.0
    for name, expected in pairs.items():
        np.testing.assert_allclose(getattr(output, name).numpy(), expected, atol=1e-4)
        for scores in (expected, expected.T):
            loss += np.mean(np.log(np.exp(scores - scores.max()).sum(axis=1)) + scores.max() - np.diag(scores)) / 6
    assert float(output.loss) == pytest.approx(loss, rel=1e-4)


def test_missing_modalities_give_none(tiny, batch):
    with torch.no_grad():
        output = tiny(image=batch["image"], text=batch["text"])
        alone = tiny(text=batch["text"])
    assert (output.audio, output.audio_image, output.audio_text) == (None, None, None)
    scores = output.image_text.double()
    both = torch.nn.functional.cross_entropy(scores, torch.arange(4)) + torch.nn.functional.cross_entropy(
        scores.T, torch.arange(4)
    )
    assert float(output.loss) == pytest.approx(float(both), rel=1e-5)
    assert alone.loss is None
    assert alone.text.shape == (4, 64)


def test_gradients_reach_every_parameter(tiny, batch):
    model = copy.deepcopy(tiny).train()
    with torch.no_grad():  # open_clip starts these at zero, which shuts the rest of the block off at the first step
        for name, parameter in model.visual.named_parameters():
            if name.endswith("bn3.weight"):
                parameter.fill_(0.5)
    model(**batch).loss.backward()
    without = [n for n, p in model.named_parameters() if p.requires_grad and (p.grad is None or not p.grad.any())]
    # A bias before a batch normalisation, and one that shifts all keys of an attention alike, move nothing.
    allowed = ("conv_point.bias", "conv_depth.bias", "k_proj.bias")
    assert [name for name in without if not name.endswith(allowed)] == []
    for parameter in (model.audio.fbsp.m, model.audio.fbsp.fb, model.audio.fbsp.fc):
        assert float(parameter.grad.abs().max()) == pytest.approx(1.0, abs=1e-4)


def test_reference_scale_has_no_gradient_at_its_limit_and_ours_has(tiny, batch):
    scale = torch.tensor(math.log(100), requires_grad=True)
    limited = torch.clamp(scale.exp(), 1.0, 100.0)
    limited.backward()
    assert float(limited) == 100.0
    assert float(scale.grad) == 0.0
    model = copy.deepcopy(tiny)
    model(**batch).loss.backward()
    assert abs(float(model.logit_scale_ai.grad)) > 1e-4
    assert abs(float(model.logit_scale_at.grad)) > 1e-4


def test_scales_are_brought_back_into_their_limits(tiny):
    model = copy.deepcopy(tiny)
    with torch.no_grad():
        model.logit_scale_ai.fill_(7.0)
        model.logit_scale.fill_(-1.0)
    model.limit_logit_scales()
    assert float(model.logit_scale_ai.exp()) == pytest.approx(100.0)
    assert float(model.logit_scale) == 0.0


def test_int16_equals_scaled_floats(tiny):
    samples = torch.randint(-32768, 32768, (2, 1, 8000), generator=torch.Generator().manual_seed(0)).to(torch.int16)
    with torch.no_grad():
        whole, floating = tiny.encode_audio(samples, 16_000), tiny.encode_audio(samples.float() / 32768, 16_000)
    torch.testing.assert_close(whole, floating, atol=1e-6, rtol=1e-6)


def test_resampled_sine_keeps_its_direction(tiny):
    with torch.no_grad():
        at_44, at_48 = (tiny.encode_audio(sine(1000, rate), rate) for rate in (44_100, 48_000))
        other = tiny.encode_audio(sine(3000, 44_100), 44_100)
    assert float(torch.cosine_similarity(at_44, at_48)) >= 0.99
    assert float(torch.cosine_similarity(at_44, other)) < float(torch.cosine_similarity(at_44, at_48))


@pytest.mark.slow
def test_resampled_sine_keeps_its_direction_at_the_papers_sizes(full):
    with torch.no_grad():
        at_44, at_48 = (full.encode_audio(sine(1000, rate), rate) for rate in (44_100, 48_000))
    assert float(torch.cosine_similarity(at_44, at_48)) >= 0.99


def test_normalize(tiny, batch):
    with torch.no_grad():
        long, short = (tiny.encode_text(batch["text"], normalize=normalize) for normalize in (False, True))
    torch.testing.assert_close(short, torch.nn.functional.normalize(long))
    assert not torch.allclose(long.norm(dim=1), torch.ones(4))


def test_batch_of_one_equals_batch_of_eight(tiny):
    random = torch.Generator().manual_seed(1)
    pixels, sounds = torch.randn(8, 3, 64, 64, generator=random), torch.rand(8, 8000, generator=random) - 0.5
    texts = [f"number {place} of the texts" * (1 + place % 3) for place in range(8)]
    with torch.no_grad():
        for together, alone in (
            (tiny.encode_image(pixels), [tiny.encode_image(row[None]) for row in pixels]),
            (tiny.encode_audio(sounds, 16_000), [tiny.encode_audio(row[None], 16_000) for row in sounds]),
            (tiny.encode_text(texts), [tiny.encode_text([text]) for text in texts]),
        ):
            torch.testing.assert_close(torch.cat(alone), together, atol=1e-5, rtol=1e-5)


def test_long_texts(tiny):
    long = "sea " * 100
    with torch.no_grad():
        torch.testing.assert_close(tiny.encode_text([long]), tiny.encode_text(["sea " * 75]))
        with pytest.raises(ArgumentError, match="at most 77 tokens a text; text 1 has more"):
            tiny.encode_text(["short", long], truncate=False)


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda m: m.encode_audio(torch.full((1, 99), 1.5), 16_000), "must be between -1 and 1 .got 1.5.*int16"),
        (lambda m: m.encode_audio(torch.full((1, 99), math.nan), 16_000), "must be between -1 and 1"),
        (lambda m: m.encode_audio(torch.zeros(1, 99, dtype=torch.int32), 16_000), "must be int16 or floating"),
        (lambda m: m.encode_audio(torch.zeros(99), 16_000), r"\(batch, samples\)"),
        (lambda m: m.encode_audio(torch.zeros(1, 0), 16_000), "not be empty"),
        (lambda m: m.encode_audio(torch.zeros(1, 99), 0), "'sample_rate' must be a positive integer"),
        (lambda m: m.encode_image(torch.zeros(1, 3, 224, 224)), r"\(batch, 3, 64, 64\)"),
        (lambda m: m.encode_image(torch.zeros(1, 3, 64, 64, dtype=torch.uint8)), "must be floating"),
        (lambda m: m.encode_text("one text"), "'text' must be a list of texts"),
        (lambda m: m(), "equally many items"),
        (lambda m: m(text=["a"], image=torch.zeros(2, 3, 64, 64)), "equally many items"),
    ],
)
def test_bad_input_is_named(tiny, call, message):
    with pytest.raises(ArgumentError, match=message):
        call(tiny)


def test_training_with_one_item_is_refused(tiny):
    model = copy.deepcopy(tiny).train()
    with pytest.raises(ArgumentError, match="at least 2 sounds a batch"):
        model.encode_audio(torch.zeros(1, 8000), 16_000)


def test_unknown_preset():
    with pytest.raises(UnknownEncoderError, match="did you mean 'audioclip-tiny'"):
        AudioCLIP.from_preset("audioclip-tyni")
