import pytest
import torch
from PIL import Image

from encoders.signal import COLOUR_HISTOGRAM_DIM, colour_histogram


def test_shares_of_colours_by_hand():
    image = Image.new("RGB", (4, 4), (0, 0, 255))
    image.paste((255, 128, 0), (0, 0, 1, 4))  # a quarter
    vector = colour_histogram(image)
    assert vector.shape == (COLOUR_HISTOGRAM_DIM,) and vector.dtype == torch.float32
    expected = torch.zeros(COLOUR_HISTOGRAM_DIM)
    expected[3] = 0.75**0.5  # blue: level 3 of the last channel
    expected[3 * 16 + 2 * 4] = 0.25**0.5
    torch.testing.assert_close(vector, expected)


@pytest.mark.parametrize("mode", ["1", "L", "P", "RGB", "RGBA", "LA", "CMYK", "I;16", "F"])
def test_one_pixel_of_any_mode(mode):
    vector = colour_histogram(Image.new(mode, (1, 1), 0))
    assert torch.isfinite(vector).all() and vector.norm().item() in (0.0, 1.0)


def test_transparent_pixels_do_not_count():
    image = Image.new("RGBA", (2, 1), (255, 0, 0, 255))
    image.putpixel((0, 0), (0, 255, 0, 0))
    assert torch.equal(colour_histogram(image), colour_histogram(Image.new("RGB", (1, 1), "red")))
    assert not colour_histogram(Image.new("RGBA", (2, 2), (9, 9, 9, 0))).any()


def test_a_large_picture_keeps_its_shares():
    image = Image.new("RGB", (1800, 1200), "red")
    image.paste((0, 0, 255), (0, 0, 900, 1200))
    shares = colour_histogram(image).square()
    assert shares[48].item() == pytest.approx(0.5, abs=0.01) and shares[3].item() == pytest.approx(0.5, abs=0.01)
