import builtins

import numpy as np
import pytest
import torch
from PIL import Image

from encoders.errors import ContentError, MissingPackageError
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


def test_a_file_and_its_picture_are_the_same(tmp_path):
    pixels = np.random.default_rng(0).integers(0, 256, (20, 30, 3), dtype=np.uint8)
    Image.fromarray(pixels).save(tmp_path / "noise.png")
    from_file = colour_histogram(tmp_path / "noise.png")
    assert torch.equal(from_file, colour_histogram(Image.fromarray(pixels)))
    assert torch.equal(from_file, colour_histogram(str(tmp_path / "noise.png")))
    assert from_file.norm().item() == pytest.approx(1, abs=1e-6)


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


@pytest.mark.parametrize("damage", ["text", "cut", "missing"])
def test_unreadable_files_are_one_line(tmp_path, damage):
    path = tmp_path / "picture.png"
    Image.fromarray(np.random.default_rng(0).integers(0, 256, (50, 50, 3), dtype=np.uint8)).save(path)
    content = path.read_bytes()
    if damage == "missing":
        path.unlink()
    else:
        path.write_bytes(b"no picture" if damage == "text" else content[: len(content) // 2])
    with pytest.raises(ContentError, match="cannot be read as a picture") as caught:
        colour_histogram(path)
    assert isinstance(caught.value, ValueError)
    assert str(path) in str(caught.value) and "\n" not in str(caught.value)


def test_without_pillow_the_extra_is_named(monkeypatch, tmp_path):
    real_import = builtins.__import__

    def without_pillow(name, *arguments, **options):
        if name == "PIL" or name.startswith("PIL."):
            raise ImportError(name)
        return real_import(name, *arguments, **options)

    monkeypatch.setattr(builtins, "__import__", without_pillow)
    with pytest.raises(ImportError, match=r"needs 'Pillow'.*pip install 'gnnrec\[demo\]'") as caught:
        colour_histogram(tmp_path / "picture.png")
    assert isinstance(caught.value, MissingPackageError)
