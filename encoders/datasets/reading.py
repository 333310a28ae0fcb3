"""From a folder to labelled items, whatever its layout."""

import difflib
from pathlib import Path

from encoders.datasets import audioset, esc50, folders, images, urbansound8k
from encoders.datasets.dataset_format import DatasetFormat
from encoders.datasets.esc50 import read_esc50
from encoders.datasets.labeled_collection import LabeledCollection
from encoders.errors import ArgumentError, DatasetError

__all__ = ["list_formats", "read_collection"]

# In the order of detection: the official layouts first, then folders of classes.
_FORMATS: dict[str, DatasetFormat] = {
    module.FORMAT.name: module.FORMAT for module in (esc50, urbansound8k, audioset, folders, images)
}


def list_formats() -> list[str]:
    """Names of the formats that can be read."""
    return sorted(_FORMATS)


def read_collection(path: str | Path, format: str | None = None, *, esc10_only: bool = False) -> LabeledCollection:
    """Read what a folder of labelled sounds or pictures names.

    Args:
        path: The folder.
        format: One of :func:`list_formats`; each is described at its reader, such as
            :func:`~encoders.datasets.read_esc50`. Found out by default.
        esc10_only: Of ESC-50, keep the ten classes of ESC-10.

    Raises:
        ArgumentError: If no format has this name, or ``esc10_only`` is given for another than ESC-50.
        DatasetError: If there is no such folder, no format is found there, or its files are wrong.
    """
    folder = Path(path)
    if format is not None and format not in _FORMATS:
        near = difflib.get_close_matches(format.lower(), _FORMATS, n=2, cutoff=0.5)
        hint = f" did you mean {' or '.join(map(repr, near))}?" if near else ""
        raise ArgumentError(f"unknown format '{format}';{hint} Available: {', '.join(list_formats())}")
    if not folder.is_dir():
        raise DatasetError(f"{folder}: {'must be a folder, not a file' if folder.exists() else 'no such folder'}")
    found = _FORMATS[format] if format is not None else _detect(folder)
    if not esc10_only:
        return found.read(folder)
    if found is not esc50.FORMAT:
        raise ArgumentError(f"'esc10_only' must be False for format '{found.name}' (got True)")
    return read_esc50(folder, esc10_only=True)


def _detect(folder: Path) -> DatasetFormat:
    for known in _FORMATS.values():
        if known.detect(folder):
            return known
    looked = "; ".join(f"{known.looks_for} ({known.name})" for known in _FORMATS.values())
    raise DatasetError(
        f"{folder}: no known layout; looked for: {looked}. A format can be named: {', '.join(list_formats())}"
    )
