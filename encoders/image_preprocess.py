"""Pictures as image towers take them."""

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import torch

from encoders.base import Prepared, Preprocess
from encoders.content import read_image
from encoders.errors import ArgumentError, ContentError

if TYPE_CHECKING:
    from PIL import Image

__all__ = ["CLIP_MEAN", "CLIP_STD", "IMAGENET_MEAN", "IMAGENET_STD", "ImagePreprocess"]

CLIP_MEAN = (0.48145466, 0.4578275, 0.40821073)
CLIP_STD = (0.26862954, 0.26130258, 0.27577711)
IMAGENET_MEAN = (0.485, 0.456, 0.406)
IMAGENET_STD = (0.229, 0.224, 0.225)
_MAX_PIXELS = 2**26  # a line of pixels in a file of a kilobyte could become gigabytes


@dataclass(frozen=True)
class ImagePreprocess(Preprocess):
    """Shorter side to a length, centre cut out, colours normalised: the way of CLIP's and torchvision's models.

    Args:
        size: Height and width of the result.
        resize: Length of the shorter side before the cut [default: ``size``].
        interpolation: ``"bicubic"`` or ``"bilinear"``.
        mean: Subtracted from red, green and blue between 0 and 1.
        std: What they are then divided by.
    """

    size: int = 224
    resize: int | None = None
    interpolation: str = "bicubic"
    mean: tuple[float, float, float] = CLIP_MEAN
    std: tuple[float, float, float] = CLIP_STD

    def __post_init__(self) -> None:
        if self.interpolation not in ("bicubic", "bilinear"):
            raise ArgumentError(f"'interpolation' must be bicubic or bilinear (got {self.interpolation!r})")

    def read(self, data: bytes, name: str) -> "Image.Image":
        """Decode a picture."""
        return read_image(data, name=name)

    def __call__(self, content: "Image.Image") -> Prepared:
        """Pixels of one picture. Shape of the samples: (1, 3, size, size), float32.

        Raises:
            ContentError: If the longer side is over a thousand times the shorter one.
        """
        from PIL import Image

        picture = content.convert("RGB")
        short = self.resize or self.size
        width, height = picture.size
        # As torchvision rounds: the longer side down.
        scaled = (short, short * height // width) if width <= height else (short * width // height, short)
        resample = Image.Resampling.BICUBIC if self.interpolation == "bicubic" else Image.Resampling.BILINEAR
        if scaled[0] * scaled[1] > _MAX_PIXELS:
            raise ContentError(f"a picture of {width} x {height} pixels is too narrow to be resized")
        if scaled != picture.size:
            picture = picture.resize(scaled, resample)
        left, top = (round((length - self.size) / 2) for length in picture.size)
        picture = picture.crop((left, top, left + self.size, top + self.size))
        pixels = torch.from_numpy(np.asarray(picture).copy()).permute(2, 0, 1).to(torch.float32) / 255
        mean, std = (torch.tensor(values)[:, None, None] for values in (self.mean, self.std))
        return Prepared(((pixels - mean) / std)[None])
