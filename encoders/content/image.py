"""Pictures from files or bytes."""

import io
import warnings
from pathlib import Path
from typing import TYPE_CHECKING

from encoders.content.pixels import rgb_picture, upright_picture
from encoders.content.refusal import refusal
from encoders.content.sources import require_kind, source_bytes, source_name
from encoders.errors import ArgumentError, ContentError, MissingPackageError

if TYPE_CHECKING:
    from PIL import Image

__all__ = ["read_image"]


def read_image(source: str | Path | bytes, *, max_pixels: int = 89_478_485, name: str | None = None) -> "Image.Image":
    """Decode a picture: upright, in colours of 8 bit.

    PNG, JPEG, GIF, WebP, BMP, TIFF, PNM, JPEG 2000 and AVIF are read, whatever the file is called. Of animations, the
    first frame counts. What the colours become is said at :func:`~encoders.content.pixels.rgb_picture`.

    Args:
        source: A file, or its bytes.
        max_pixels: Pictures of more pixels are refused by what their header says, before decoding. Pillow's own limit
            of 178,956,970 pixels stays in force.
        name: What to call the source in a reason; the path, or ``"picture"`` for bytes, by default.

    Returns:
        A picture of mode RGB.

    Raises:
        ArgumentError: If ``max_pixels`` is not positive.
        ContentError: If the content is missing, truncated, damaged, too large or no picture.
        MissingPackageError: If Pillow is not installed.
    """
    if max_pixels < 1:
        raise ArgumentError(f"'max_pixels' must be a positive integer (got {max_pixels})")
    try:
        from PIL import Image, UnidentifiedImageError
    except ImportError:
        raise MissingPackageError("Pillow", "encoders", "reading pictures") from None
    shown = source_name(source, name, "picture")
    content = source_bytes(source, shown)
    kind = require_kind(content, ("image",), "picture", shown)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # Pillow tells of damage that it can live with
            with Image.open(io.BytesIO(content), formats=kind.decoder.split(",")) as picture:
                width, height = picture.size
                if width * height > max_pixels:
                    raise refusal(shown, f"has {width} x {height} pixels, more than the limit of {max_pixels}")
                picture.load()
                return upright_picture(rgb_picture(picture), picture)
    except ContentError:
        raise
    except Image.DecompressionBombError as error:
        raise refusal(shown, f"has too many pixels: {error}") from None
    except UnidentifiedImageError:
        raise refusal(shown, f"is {kind.noun} that is damaged or truncated: its header cannot be read") from None
    # Damaged bytes make Pillow raise nearly anything: OSError, SyntaxError, KeyError, struct.error, MemoryError.
    except Exception as error:
        raise refusal(shown, f"is {kind.noun} that is damaged or truncated: {_said(error)}") from None


def _said(error: Exception) -> str:
    return str(error) or type(error).__name__
