"""The folder of a study."""

from pathlib import Path

from gnnrec.errors import ArgumentError

__all__ = ["JOURNAL", "RESULT", "RUNS", "study_folder"]

JOURNAL, RESULT, RUNS = "study.journal", "result.json", "runs"
"""What a study's folder holds; runs are in a folder of :func:`~gnnrec.tuning.study_settings.study_key`."""


def study_folder(folder: Path | str, name: str) -> Path:
    """The folder of a study in that of all studies.

    Args:
        folder: Folder of all studies.
        name: Name of the study.

    Raises:
        ArgumentError: If the name is no name of a folder, or would lead out of ``folder``.
    """
    if name in ("", ".", "..") or not name.isprintable() or "/" in name or "\\" in name:
        raise ArgumentError(f"'name' of a study must be a name of a folder, without / or \\ (got {name!r})")
    return Path(folder) / name
