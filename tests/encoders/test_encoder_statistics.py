"""Statistics as encoders."""

import io
import math

import numpy as np
import pytest
import torch
from PIL import Image

from encoders import create_encoder
from encoders.content import Sound
from encoders.errors import ArgumentError, ContentError
from encoders.signal import colour_histogram, hashed_words, mean_spectrum
from encoders.statistics import STATISTICS, StatisticsEncoder, StatisticsPreprocess


def noise(seed: int, channels: int = 2) -> Sound:
    generator = torch.Generator().manual_seed(seed)
    return Sound(torch.rand(channels, 8000, generator=generator) - 0.5, 16_000)


def tone(hertz: float) -> Sound:
    return Sound(torch.sin(2 * math.pi * hertz * torch.arange(16_000) / 16_000)[None], 16_000)


def picture(seed: int) -> Image.Image:
    return Image.fromarray(np.random.default_rng(seed).integers(0, 256, (9, 7, 3), dtype=np.uint8))


CASES = {
    "colour-histogram": ([picture(0), picture(1), Image.new("RGB", (3, 2), "red")], colour_histogram),
    "mean-spectrum": (
        [noise(0), tone(440.0), noise(1, channels=1)],
        lambda sound: mean_spectrum(sound.waveform, sound.sample_rate),
    ),
    "hashed-words": (["Calm sea", "a storm at night", "rain, rain, rain"], hashed_words),
}


def test_the_cases_are_all_that_there_are():
    assert CASES.keys() == STATISTICS.keys()


@pytest.mark.parametrize("name", CASES)
def test_equals_the_function(name):
    contents, function = CASES[name]
    encoder = create_encoder(name)
    expected = torch.stack([function(content) for content in contents])
    assert encoder.dim == expected.shape[1] and encoder.modality == STATISTICS[name]
    assert torch.equal(encoder.encode(contents), expected)
    assert len(torch.unique(expected, dim=0)) == len(contents)
    assert torch.equal(torch.cat([encoder.encode([content]) for content in contents]), expected)
    assert encoder.encode([]).shape == (0, encoder.dim)
    assert encoder.weights_hash() == "none" and encoder.device.type == "cpu"


def test_words_are_cleaned():
    encoder = create_encoder("hashed-words")
    assert torch.equal(encoder.encode(["cafe\u0301\x00noir"]), hashed_words("café noir")[None])


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("colour-histogram", Image.new("RGBA", (4, 4), (255, 0, 0, 0))),
        ("mean-spectrum", Sound(torch.zeros(2, 16_000), 16_000)),
        ("mean-spectrum", Sound(torch.zeros(1, 0), 16_000)),
        ("hashed-words", "?! ... --"),
    ],
)
def test_nothing_to_encode(name, content):
    encoder = create_encoder(name)
    with pytest.raises(ContentError, match="nothing to encode: transparent, silent or without words"):
        encoder.encode([CASES[name][0][0], content])


def test_files():
    data = io.BytesIO()
    picture(0).save(data, "PNG")
    histogram = create_encoder("colour-histogram").preprocess
    assert torch.equal(histogram(histogram.read(data.getvalue(), "cover")).samples[0], colour_histogram(picture(0)))
    words = create_encoder("hashed-words").preprocess
    assert torch.equal(words(words.read("Über".encode(), "title")).samples[0], hashed_words("über"))
    for name in ("colour-histogram", "mean-spectrum"):
        with pytest.raises(ContentError, match="item 7: is not a"):
            create_encoder(name).preprocess.read(b"a text", "item 7")


def test_sound_files():
    soundfile = pytest.importorskip("soundfile")
    data = io.BytesIO()
    soundfile.write(data, noise(0).waveform.T.numpy(), 16_000, format="WAV", subtype="FLOAT")
    spectrum = create_encoder("mean-spectrum").preprocess
    expected = mean_spectrum(noise(0).waveform, 16_000)
    assert torch.equal(spectrum(spectrum.read(data.getvalue(), "song")).samples[0], expected)


def test_names_and_weights():
    with pytest.raises(
        ArgumentError,
        match=r"'statistic' must be one of colour-histogram, mean-spectrum, hashed-words \(got 'median'\)",
    ):
        StatisticsEncoder("median")
    with pytest.raises(ArgumentError, match=r"'mean-spectrum' has no weights \(got 'file.pt'\)"):
        create_encoder("mean-spectrum", weights="file.pt")
    descriptions = {StatisticsPreprocess(name).describe() for name in STATISTICS}
    assert len(descriptions) == 3
