"""From whatever pixels a picture file has to upright ones of red, green and blue."""

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from PIL import Image

__all__ = ["rgb_picture", "upright_picture"]

_ORIENTATION_TAG = 0x0112


def rgb_picture(picture: "Image.Image") -> "Image.Image":
    """The picture in mode RGB.

    Transparency is composited over white. Grey of 16 bit is divided by 257, so that white stays white. Grey of 32 bit
    is taken for 16 bit if its values fit, and is otherwise stretched from its least to its greatest value; floating
    grey is taken to reach from 0 to 1 if it fits, and is otherwise stretched.

    Raises:
        ValueError: If floating grey is not finite or the mode has no colours.
    """
    from PIL import Image

    if picture.mode.startswith("I;16"):
        return _grey_picture(np.asarray(picture), 0, 65_535)
    if picture.mode in ("I", "F"):
        values = np.asarray(picture, dtype=np.float64)
        if not np.isfinite(values).all():
            raise ValueError("a pixel is not finite")
        low, high, most = values.min(), values.max(), 65_535 if picture.mode == "I" else 1
        return _grey_picture(values, 0, most) if low >= 0 and high <= most else _grey_picture(values, low, high)
    if picture.mode in ("LA", "La", "PA", "RGBA", "RGBa") or "transparency" in picture.info:
        # Premultiplied modes have a single way out; RGBA of RGBA is a copy.
        layer = picture.convert("LA").convert("RGBA") if picture.mode == "La" else picture.convert("RGBA")
        return Image.alpha_composite(Image.new("RGBA", layer.size, "white"), layer).convert("RGB")
    return picture.convert("RGB")


def _grey_picture(values: "np.typing.NDArray[np.generic]", low: float, high: float) -> "Image.Image":
    """Grey of 8 bit: ``low`` is black, ``high`` is white."""
    from PIL import Image

    scaled = (values.astype(np.float32) - low) * (255 / max(high - low, 1e-30))
    return Image.fromarray(np.rint(scaled).clip(0, 255).astype(np.uint8)).convert("RGB")


def upright_picture(pixels: "Image.Image", picture: "Image.Image") -> "Image.Image":
    """Pixels turned as the EXIF data says that the camera was held.

    Args:
        pixels: The pixels to turn.
        picture: The loaded picture that they are from; EXIF data that cannot be read turn nothing.
    """
    from PIL import Image

    turns = {
        2: Image.Transpose.FLIP_LEFT_RIGHT,
        3: Image.Transpose.ROTATE_180,
        4: Image.Transpose.FLIP_TOP_BOTTOM,
        5: Image.Transpose.TRANSPOSE,
        6: Image.Transpose.ROTATE_270,
        7: Image.Transpose.TRANSVERSE,
        8: Image.Transpose.ROTATE_90,
    }
    try:
        turn = turns.get(picture.getexif().get(_ORIENTATION_TAG, 1))
    # A picture whose pixels are whole is worth having, whatever is wrong with the data about it.
    except Exception:
        turn = None
    return pixels if turn is None else pixels.transpose(turn)
