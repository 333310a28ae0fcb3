"""The files that a catalog names, and their bytes."""

import os
import stat
from pathlib import Path, PureWindowsPath

from encoders.content.refusal import refusal
from encoders.errors import ArgumentError

__all__ = ["locate", "read_content_bytes", "require_readable_file"]

_SPECIAL_FILES = (
    (stat.S_ISDIR, "is a directory, not a file"),
    (stat.S_ISFIFO, "is a pipe, not a regular file"),
    (stat.S_ISSOCK, "is a socket, not a regular file"),
    (lambda mode: not stat.S_ISREG(mode), "is a device, not a regular file"),
)


def locate(root: Path, relative: str) -> Path:
    """The file that a catalog names: a readable one that has content and lies in the folder.

    Args:
        root: The folder that the catalog's names start from.
        relative: The name.

    Returns:
        The file's path without symbolic links.

    Raises:
        ContentError: If the name is empty, absolute or has ``..`` or a NUL character in it, or if the file is
            missing, outside of the folder, a directory, not regular, unreadable or empty.
    """
    if not relative.strip():
        raise refusal("file", "its name is empty")
    if "\0" in relative:
        raise refusal(relative, "its name has a NUL character in it")
    if Path(relative).is_absolute() or PureWindowsPath(relative).is_absolute():
        raise refusal(relative, "its name is absolute, not relative to the folder")
    if ".." in Path(relative).parts or ".." in PureWindowsPath(relative).parts:
        raise refusal(relative, "its name has '..' in it")
    try:
        folder = root.resolve(strict=True)
        path = (folder / relative).resolve(strict=True)
    # A loop of symbolic links is a RuntimeError before Python 3.13; letters that the system cannot write, a ValueError.
    except (OSError, RuntimeError, ValueError) as error:
        raise refusal(relative, _reason(error)) from None
    if not path.is_relative_to(folder):
        raise refusal(relative, "is a link that leaves the folder")
    require_readable_file(path, relative)
    return path


def require_readable_file(path: Path, name: str) -> int:
    """Refuse all but readable regular files that have content; never opens, so never waits for a pipe.

    Args:
        path: The file.
        name: What to call it in a reason.

    Returns:
        Its size in bytes.

    Raises:
        ContentError: With the reason.
    """
    try:
        status = path.stat()
    except (OSError, RuntimeError, ValueError) as error:
        raise refusal(name, _reason(error)) from None
    for is_special, reason in _SPECIAL_FILES:
        if is_special(status.st_mode):
            raise refusal(name, reason)
    if not os.access(path, os.R_OK):
        raise refusal(name, "cannot be read: permission denied")
    if status.st_size == 0:
        raise refusal(name, "is empty")
    return status.st_size


def read_content_bytes(path: Path, *, max_bytes: int, name: str | None = None) -> bytes:
    """All bytes of a file.

    Args:
        path: The file.
        max_bytes: Files of more bytes are refused, before reading.
        name: What to call it in a reason; the path by default.

    Raises:
        ArgumentError: If ``max_bytes`` is not positive.
        ContentError: If the file is missing, not regular, unreadable, empty or too large.
    """
    if max_bytes < 1:
        raise ArgumentError(f"'max_bytes' must be a positive integer (got {max_bytes})")
    shown = str(path) if name is None else name
    size = require_readable_file(path, shown)
    if size > max_bytes:
        raise refusal(shown, f"has {size} bytes, more than the limit of {max_bytes}")
    try:
        with path.open("rb") as file:
            return file.read(size)
    except OSError as error:
        raise refusal(shown, _reason(error)) from None


def _reason(error: Exception) -> str:
    """Why the file cannot be reached."""
    if isinstance(error, (FileNotFoundError, NotADirectoryError)):
        return "does not exist"
    if isinstance(error, PermissionError):
        return "cannot be read: permission denied"
    if isinstance(error, OSError) and error.strerror:
        return f"cannot be reached: {error.strerror.lower()}"
    return f"cannot be reached: {error}"
