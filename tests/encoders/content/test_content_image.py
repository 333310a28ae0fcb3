import builtins
import io
import subprocess
import sys
import warnings

import numpy as np
import pytest
from hostile import picture_bytes, png_claiming
from PIL import Image

from encoders.content import read_image
from encoders.errors import ArgumentError, ContentError, MissingPackageError


def saved(picture: Image.Image, format_name: str = "PNG", **options) -> bytes:
    buffer = io.BytesIO()
    picture.save(buffer, format_name, **options)
    return buffer.getvalue()


def decoded(picture: Image.Image, format_name: str = "PNG", **options) -> np.ndarray:
    image = read_image(saved(picture, format_name, **options))
    assert image.mode == "RGB"
    return np.asarray(image)


# Where the red, green, blue and white quarters of the upright picture are stored, from the EXIF standard: row 0 and
# column 0 of what is stored are at the top left, top right, bottom right, bottom left, left top, right top, right
# bottom and left bottom of what is to be seen.
UPRIGHT = np.array([[1, 2, 3], [4, 5, 6]])
STORED = {
    1: UPRIGHT,
    2: [[3, 2, 1], [6, 5, 4]],
    3: [[6, 5, 4], [3, 2, 1]],
    4: [[4, 5, 6], [1, 2, 3]],
    5: [[1, 4], [2, 5], [3, 6]],
    6: [[3, 6], [2, 5], [1, 4]],
    7: [[6, 3], [5, 2], [4, 1]],
    8: [[4, 1], [5, 2], [6, 3]],
}


@pytest.mark.parametrize("orientation", STORED)
@pytest.mark.parametrize("format_name", ["PNG", "JPEG", "TIFF", "WEBP"])
def test_orientation_of_the_camera(orientation, format_name):
    stored = np.kron(np.array(STORED[orientation]), np.ones((16, 16))).astype(np.uint8) * 40
    exif = Image.Exif()
    exif[0x0112] = orientation
    pixels = decoded(Image.fromarray(stored).convert("RGB"), format_name, exif=exif.tobytes())
    assert pixels.shape == (32, 48, 3)
    np.testing.assert_allclose(pixels[8::16, 8::16, 0], UPRIGHT * 40, atol=3)


def test_damaged_exif_data_turn_nothing():
    pixels = decoded(Image.new("RGB", (4, 2), "red"), exif=b"Exif\0\0II*\0\xff\xff\xff\xff")
    assert pixels.shape == (2, 4, 3) and (pixels == [255, 0, 0]).all()


@pytest.mark.parametrize("inks, colour", [((0, 0, 0, 0), 255), ((0, 255, 255, 0), (255, 0, 0)), ((0, 0, 0, 255), 0)])
@pytest.mark.parametrize("format_name", ["JPEG", "TIFF"])
def test_cmyk_inks_become_colours(inks, colour, format_name):
    pixels = decoded(Image.new("CMYK", (16, 16), inks), format_name)
    np.testing.assert_allclose(pixels[8, 8].astype(int), colour, atol=3)


@pytest.mark.parametrize("format_name", ["PNG", "TIFF", "PPM"])
def test_grey_of_16_bit_keeps_its_ramp(format_name):
    ramp = np.arange(256, dtype=np.uint16)[None] * 257
    pixels = decoded(Image.fromarray(np.repeat(ramp, 4, axis=0)), format_name)
    np.testing.assert_array_equal(pixels, np.broadcast_to(np.arange(256)[None, :, None], (4, 256, 3)))


def test_grey_of_16_bit_is_rounded_to_the_nearest():
    values = np.array([[0, 128, 129, 385, 386, 65_406, 65_407, 65_535]], dtype=np.uint16)
    np.testing.assert_array_equal(decoded(Image.fromarray(values))[0, :, 0], [0, 0, 1, 1, 2, 254, 255, 255])


@pytest.mark.parametrize(
    "values, expected",
    [
        (np.array([[0, 65_535]], np.int32), [0, 255]),
        (np.array([[-100, 0, 100]], np.int32), [0, 128, 255]),
        (np.array([[0, 1_000_000, 2_000_000]], np.int32), [0, 128, 255]),
        (np.array([[0.0, 0.2, 1.0]], np.float32), [0, 51, 255]),
        (np.array([[-1.0, 0.0, 4.0]], np.float32), [0, 51, 255]),
        (np.array([[7, 7]], np.float32), [0, 0]),
    ],
)
def test_wide_grey_is_scaled_not_clipped(values, expected):
    np.testing.assert_allclose(decoded(Image.fromarray(values), "TIFF")[0, :, 0].astype(int), expected, atol=1)


def test_grey_that_is_not_finite_is_refused():
    values = np.array([[0.0, np.nan]], np.float32)
    with pytest.raises(ContentError, match=r"^picture: .*a pixel is not finite"):
        read_image(saved(Image.fromarray(values), "TIFF"))


def test_one_bit_palette_and_grey():
    bits = Image.new("1", (2, 1))
    bits.putpixel((1, 0), 1)
    np.testing.assert_array_equal(decoded(bits)[0], [[0] * 3, [255] * 3])
    palette = Image.new("P", (2, 1))
    palette.putpalette([10, 20, 30, 200, 100, 50])
    palette.putpixel((1, 0), 1)
    np.testing.assert_array_equal(decoded(palette)[0], [[10, 20, 30], [200, 100, 50]])
    np.testing.assert_array_equal(decoded(Image.new("L", (1, 1), 77))[0, 0], [77] * 3)


def test_transparency_is_over_white():
    layer = Image.new("RGBA", (3, 1))
    for column, pixel in enumerate([(255, 0, 0, 255), (0, 0, 0, 0), (0, 0, 200, 102)]):
        layer.putpixel((column, 0), pixel)
    over = [[255, 0, 0], [255, 255, 255], [153, 153, 233]]  # 0.4 * 200 + 0.6 * 255 = 233
    np.testing.assert_allclose(decoded(layer)[0].astype(int), over, atol=1)
    np.testing.assert_allclose(decoded(Image.new("LA", (1, 1), (0, 51)))[0, 0].astype(int), [204] * 3, atol=1)
    palette = Image.new("P", (2, 1), 1)
    palette.putpalette([0, 0, 0, 9, 9, 9])
    palette.putpixel((1, 0), 0)
    np.testing.assert_array_equal(decoded(palette, transparency=1)[0], [[255] * 3, [0] * 3])
    colours = Image.new("RGB", (2, 1), (1, 2, 3))
    colours.putpixel((1, 0), (3, 2, 1))
    np.testing.assert_array_equal(decoded(colours, transparency=(1, 2, 3))[0], [[255] * 3, [3, 2, 1]])


@pytest.mark.parametrize("format_name", ["GIF", "WEBP", "PNG", "TIFF"])
def test_the_first_frame_of_an_animation(format_name):
    frames = [Image.new("RGB", (16, 16), colour) for colour in ("red", "blue", "green")]
    pixels = decoded(frames[0], format_name, save_all=True, append_images=frames[1:])
    np.testing.assert_allclose(pixels[8, 8].astype(int), [255, 0, 0], atol=3)


def test_the_limit_counts_pixels_and_comes_before_decoding():
    content = picture_bytes("PNG")  # 64 x 48
    assert read_image(content, max_pixels=3072).size == (64, 48)
    with pytest.raises(ContentError, match=r"^picture: has 64 x 48 pixels, more than the limit of 3071$"):
        read_image(content, max_pixels=3071)
    # Its rows are not there, which nobody learns who does not decode.
    with pytest.raises(ContentError, match="has 10000 x 9000 pixels, more than the limit of 89478485"):
        read_image(png_claiming(10_000, 9_000))


def test_a_file_and_its_bytes_are_the_same_whatever_the_name(tmp_path):
    content = picture_bytes("JPEG")
    path = tmp_path / "misnamed.png"
    path.write_bytes(content)
    expected = np.asarray(read_image(content))
    np.testing.assert_array_equal(np.asarray(read_image(path)), expected)
    np.testing.assert_array_equal(np.asarray(read_image(str(path))), expected)


def test_warnings_of_pillow_stay_inside():
    content = picture_bytes("TIFF")
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        with pytest.raises(ContentError, match="a TIFF picture that is damaged or truncated"):
            read_image(content[:-10])


def test_wrong_limit():
    with pytest.raises(ArgumentError, match=r"'max_pixels' must be a positive integer \(got 0\)"):
        read_image(picture_bytes("PNG"), max_pixels=0)


def test_without_pillow_the_extra_is_named(monkeypatch):
    real_import = builtins.__import__

    def without_pillow(name, *arguments, **options):
        if name == "PIL":
            raise ImportError(name)
        return real_import(name, *arguments, **options)

    monkeypatch.setattr(builtins, "__import__", without_pillow)
    with pytest.raises(MissingPackageError, match=r"'Pillow'.*gnnrec\[encoders\]"):
        read_image(b"anything")


def test_importing_the_package_imports_no_decoder():
    code = (
        "import sys, encoders.content;"
        "print([name for name in ('PIL', 'soundfile', 'av', 'torchaudio', 'torchvision') if name in sys.modules])"
    )
    output = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout
    assert output.strip() == "[]"
