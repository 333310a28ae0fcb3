"""Pictures and sounds from files."""

from pathlib import Path
from typing import TYPE_CHECKING

import torch
from torch import Tensor

from encoders.errors import ContentError, MissingPackageError

if TYPE_CHECKING:
    from PIL import Image

__all__ = ["read_picture", "read_waveform"]


def read_picture(path: str | Path) -> "Image.Image":
    """The decoded picture in a file.

    Raises:
        ContentError: If the file is missing, damaged or no picture.
        MissingPackageError: If Pillow is not installed.
    """
    try:
        from PIL import Image
    except ImportError:
        raise MissingPackageError("Pillow", "demo", "reading pictures") from None
    try:
        with Image.open(path) as image:
            image.load()
            return image
    # Pillow tells of a broken PNG by SyntaxError.
    except (OSError, SyntaxError, ValueError, Image.DecompressionBombError) as error:
        raise ContentError(f"{path}: cannot be read as a picture: {_one_line(error)}") from None


def read_waveform(path: str | Path) -> tuple[Tensor, int]:
    """The samples in a sound file.

    Returns:
        Samples between -1 and 1, float32, of shape (channels, samples), and the sample rate in hertz.

    Raises:
        ContentError: If the file is missing, damaged or no sound.
        MissingPackageError: If soundfile is not installed.
    """
    try:
        import soundfile
    except ImportError:
        raise MissingPackageError("soundfile", "demo", "reading sounds") from None
    try:
        samples, sample_rate = soundfile.read(str(path), dtype="float32", always_2d=True)
    except (OSError, RuntimeError) as error:
        raise ContentError(f"{path}: cannot be read as a sound: {_one_line(error)}") from None
    return torch.from_numpy(samples).T.contiguous(), int(sample_rate)


def _one_line(error: Exception) -> str:
    return " ".join(str(error).split()) or type(error).__name__
