"""Small files of run folders."""

import json
import platform
from collections.abc import Mapping
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

from encoders.files import atomic_write

__all__ = ["versions", "write_json"]

_PACKAGES = ("gnnrec", "torch", "torchaudio", "torchvision", "open_clip_torch")


def write_json(path: Path, content: Mapping[str, Any]) -> None:
    """Write a file of indented JSON at once."""
    with atomic_write(path) as draft:
        draft.write_text(json.dumps(content, indent=2) + "\n", encoding="utf-8")


def versions() -> dict[str, str]:
    """Versions of Python and of the packages that results depend on."""
    found = {"python": platform.python_version()}
    for name in _PACKAGES:
        try:
            found[name] = version(name)
        except PackageNotFoundError:
            continue
    return found
