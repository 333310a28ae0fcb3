"""Which colours a picture has."""

from typing import TYPE_CHECKING

import numpy as np
import torch
from torch import Tensor

from encoders.errors import ContentError

if TYPE_CHECKING:
    from PIL import Image

__all__ = ["COLOUR_HISTOGRAM_DIM", "colour_histogram"]

_LEVELS = 4
_MAX_SIDE = 512
COLOUR_HISTOGRAM_DIM = _LEVELS**3
"""Length of the vector: four levels each of red, green and blue."""


def colour_histogram(image: "Image.Image") -> Tensor:
    """Square roots of the shares of 64 colours; dot products are then Bhattacharyya coefficients.

    Pixels count by their opacity. Pictures of more than 512 pixels a side are shrunk before.

    Args:
        image: A picture; see :func:`encoders.content.read_image` for files.

    Returns:
        A vector of length 1; zeros for a picture without a visible pixel. Shape: (64,), float32.

    Raises:
        ContentError: If its colours cannot be converted.

    Example:
        >>> from PIL import Image
        >>> colour_histogram(Image.new("RGB", (2, 2), "red")).nonzero().flatten().tolist()
        [48]
    """
    try:
        picture = image.convert("RGBA")
    except ValueError as error:
        raise ContentError(f"'image' of mode {image.mode} cannot be converted to colours: {error}") from None
    factor = -(-max(picture.size) // _MAX_SIDE)
    if factor > 1:
        picture = picture.reduce(factor)
    pixels = np.asarray(picture, dtype=np.int64).reshape(-1, 4)
    levels = pixels[:, :3] * _LEVELS // 256
    bins = (levels[:, 0] * _LEVELS + levels[:, 1]) * _LEVELS + levels[:, 2]
    counts = np.bincount(bins, weights=pixels[:, 3], minlength=COLOUR_HISTOGRAM_DIM)
    return torch.from_numpy(np.sqrt(counts / max(counts.sum(), 1.0)).astype(np.float32))
