"""Pictures become what open_clip and torchvision make of them."""

import numpy as np
import pytest
import torch
from PIL import Image

from encoders.errors import ArgumentError, ContentError
from encoders.image_preprocess import CLIP_MEAN, CLIP_STD, IMAGENET_MEAN, IMAGENET_STD, ImagePreprocess

# Width and height: odd ones, upright and wide, smaller and larger than the result, one side exact, very narrow.
SIZES = [(301, 203), (203, 301), (224, 224), (225, 224), (224, 227), (97, 61), (640, 479), (5, 333), (1, 1), (257, 256)]


def picture(size: tuple[int, int]) -> Image.Image:
    """Noise upon slopes, so that places and colours count."""
    width, height = size
    random = np.random.default_rng(width * 1000 + height)
    x, y = np.meshgrid(np.linspace(0, 200, width), np.linspace(0, 200, height))
    pixels = np.stack([x, y, 200 - x], axis=-1) + random.uniform(0, 55, (height, width, 3))
    return Image.fromarray(pixels.astype(np.uint8))


@pytest.mark.parametrize("size", SIZES, ids=str)
def test_equals_open_clip(size):
    open_clip = pytest.importorskip("open_clip")
    theirs = open_clip.image_transform(224, is_train=False)(picture(size))
    ours, truncated = ImagePreprocess()(picture(size))
    assert ours.shape == (1, 3, 224, 224) and ours.dtype == torch.float32 and not truncated
    torch.testing.assert_close(ours[0], theirs, atol=1e-6, rtol=0)


@pytest.mark.parametrize("size", [(301, 203), (97, 131)], ids=str)
@pytest.mark.parametrize("interpolation", ["bicubic", "bilinear"])
def test_other_settings_equal_open_clip(size, interpolation):
    open_clip = pytest.importorskip("open_clip")
    mean, std = (0.1, 0.2, 0.3), (0.5, 0.25, 2.0)
    transform = open_clip.image_transform(97, is_train=False, mean=mean, std=std, interpolation=interpolation)
    ours = ImagePreprocess(size=97, interpolation=interpolation, mean=mean, std=std)(picture(size)).samples[0]
    torch.testing.assert_close(ours, transform(picture(size)), atol=1e-6, rtol=0)


@pytest.mark.parametrize("size", SIZES, ids=str)
@pytest.mark.parametrize(("version", "resize"), [("IMAGENET1K_V1", 256), ("IMAGENET1K_V2", 232)])
def test_equals_torchvision(size, version, resize):
    models = pytest.importorskip("torchvision.models")
    ours = ImagePreprocess(resize=resize, interpolation="bilinear", mean=IMAGENET_MEAN, std=IMAGENET_STD)
    theirs = models.ResNet50_Weights[version].transforms()(picture(size))
    torch.testing.assert_close(ours(picture(size)).samples[0], theirs, atol=1e-6, rtol=0)


def test_known_pixels():
    colours = Image.new("RGB", (300, 200), (255, 0, 51))
    pixels = ImagePreprocess()(colours).samples[0]
    for channel, value in enumerate((1.0, 0.0, 0.2)):
        expected = (value - CLIP_MEAN[channel]) / CLIP_STD[channel]
        assert float(pixels[channel].min()) == pytest.approx(expected, abs=1e-6)
        assert float(pixels[channel].max()) == pytest.approx(expected, abs=1e-6)
    # Only the middle is kept: 50 columns are cut off on the left and on the right.
    wide = Image.new("RGB", (300, 200), "red")
    wide.paste((0, 0, 255), (50, 0, 250, 200))
    pixels = ImagePreprocess(size=200)(wide).samples[0]
    assert float(pixels[0].max()) == pytest.approx(-CLIP_MEAN[0] / CLIP_STD[0], abs=1e-6)


def test_grey_and_files(tmp_path):
    grey = picture((301, 203)).convert("L")
    ours = ImagePreprocess()
    assert torch.equal(ours(grey).samples, ours(grey.convert("RGB")).samples)
    path = tmp_path / "picture.png"
    picture((97, 61)).save(path)
    assert torch.equal(ours(ours.read(path.read_bytes(), "picture")).samples, ours(picture((97, 61))).samples)
    with pytest.raises(ContentError, match=r"cover\.jpg: is not a picture"):
        ours.read(b"a text", "cover.jpg")


def test_the_picture_itself_is_left_alone():
    given = picture((224, 224))
    before = np.asarray(given).copy()
    ImagePreprocess()(given).samples.zero_()
    assert np.array_equal(np.asarray(given), before)


@pytest.mark.parametrize("size", [(1, 100_000), (100_000, 1)])
def test_a_line_of_pixels_is_refused(size):
    with pytest.raises(ContentError, match=f"a picture of {size[0]} x {size[1]} pixels is too narrow"):
        ImagePreprocess()(Image.new("RGB", size))
    assert ImagePreprocess()(Image.new("RGB", (1, 1000))).samples.shape == (1, 3, 224, 224)


def test_interpolation_is_checked_and_settings_are_told():
    with pytest.raises(ArgumentError, match=r"'interpolation' must be bicubic or bilinear \(got 'nearest'\)"):
        ImagePreprocess(interpolation="nearest")
    assert ImagePreprocess().describe() != ImagePreprocess(resize=256).describe()
