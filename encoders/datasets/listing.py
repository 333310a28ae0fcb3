"""Files and folders of data sets."""

import os
import re
from collections.abc import Iterator
from pathlib import Path

from encoders.errors import DatasetError

__all__ = ["PICTURE_SUFFIXES", "SOUND_SUFFIXES", "files_of", "folders_of", "has_file", "spoken"]

SOUND_SUFFIXES = frozenset(
    {".wav", ".flac", ".ogg", ".oga", ".opus", ".mp3", ".m4a", ".aac", ".aif", ".aiff", ".au", ".caf", ".w64", ".wma"}
    | {".ac3", ".amr", ".wv", ".webm", ".mp4"}
)
PICTURE_SUFFIXES = frozenset({".jpg", ".jpeg", ".png", ".webp", ".gif", ".bmp", ".tif", ".tiff", ".avif"})


def files_of(folder: Path, suffixes: frozenset[str]) -> list[Path]:
    """Files of a folder that end so, whatever the case, without hidden ones.

    Args:
        folder: The folder; one that is not there has no files.
        suffixes: Ends of names, in small letters.

    Returns:
        In the order of their names, where numbers count by their value.

    Raises:
        DatasetError: If the folder cannot be listed.
    """
    return [folder / name for name in sorted(_file_names(folder, suffixes), key=_by_number)]


def folders_of(folder: Path) -> list[Path]:
    """Folders of a folder in the order of their names, without hidden ones.

    Raises:
        DatasetError: If the folder cannot be listed.
    """
    names = (entry.name for entry in _entries(folder) if entry.is_dir())
    return [folder / name for name in sorted(names, key=_by_number)]


def has_file(folder: Path, suffixes: frozenset[str]) -> bool:
    """Whether a folder has a file that ends so."""
    return next(_file_names(folder, suffixes), None) is not None


def spoken(name: str) -> str:
    """The name of a class as a sentence would have it: without underscores.

    Example:
        >>> spoken("sea_waves")
        'sea waves'
    """
    return " ".join(name.replace("_", " ").split())


def _file_names(folder: Path, suffixes: frozenset[str]) -> Iterator[str]:
    ends = tuple(suffixes)
    return (entry.name for entry in _entries(folder) if entry.name.lower().endswith(ends) and entry.is_file())


def _entries(folder: Path) -> Iterator[os.DirEntry[str]]:
    # Entries know what they are; to ask about each of a million paths takes long.
    try:
        with os.scandir(folder) as entries:
            yield from (entry for entry in entries if not entry.name.startswith("."))
    except (FileNotFoundError, NotADirectoryError):
        return
    except OSError as error:
        raise DatasetError(f"{folder}: cannot be listed: {(error.strerror or str(error)).lower()}") from None


def _by_number(name: str) -> tuple[list[str | int], str]:
    # Of a split at numbers every other part is a number, so that text is never compared to one.
    parts = re.split(r"([0-9]+)", name)
    return [int(part) if place % 2 else part for place, part in enumerate(parts)], name
