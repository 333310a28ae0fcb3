"""Folders that are classes."""

from collections.abc import Sequence
from pathlib import Path

from encoders.datasets.listing import files_of, folders_of
from encoders.errors import DatasetError

__all__ = ["files_by_class"]

_MIN_CLASSES = 2


def files_by_class(roots: Sequence[Path], suffixes: frozenset[str], noun: str) -> dict[Path, list[Path]]:
    """The files of each class folder.

    Args:
        roots: Folders that have a folder for each class.
        suffixes: How the files end.
        noun: What the files are, in plural, for messages.

    Returns:
        Files by folder, both in the order of their names.

    Raises:
        DatasetError: If a root has no folders, a folder no such files, or there are fewer than two classes.
    """
    problems = []
    files: dict[Path, list[Path]] = {}
    for root in roots:
        folders = folders_of(root)
        files |= {folder: files_of(folder, suffixes) for folder in folders}
        if not folders:
            problems.append(f"{root}: must have a folder for each class (got no folders)")
    problems += [
        f"{folder}: must have {noun} of its class ({', '.join(sorted(suffixes))}; got none)"
        for folder, found in files.items()
        if not found
    ]
    names = sorted({folder.name for folder in files})
    if not problems and len(names) < _MIN_CLASSES:
        shown = ", ".join(map(repr, names))
        problems.append(f"{roots[0]}: must have folders of at least {_MIN_CLASSES} classes (got {shown})")
    if problems:
        raise DatasetError(problems)
    return files
