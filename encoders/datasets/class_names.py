"""Names of classes whose folders are called by an identifier, such as WordNet's."""

from pathlib import Path
from typing import NamedTuple

from encoders.datasets.problems import row_problem
from encoders.errors import DatasetError

__all__ = ["ClassNames", "read_class_names"]

_FILES = ("LOC_synset_mapping.txt", "classes.txt")


class ClassNames(NamedTuple):
    """The file that gives names, and the first name of each folder."""

    path: Path
    name_of: dict[str, str]


def read_class_names(folder: Path) -> ClassNames | None:
    """Read ``LOC_synset_mapping.txt``, or else ``classes.txt``: lines such as ``n01440764 tench, Tinca tinca``.

    Args:
        folder: Where the file may be.

    Returns:
        None if there is neither.

    Raises:
        DatasetError: If a line has no name, or two lines are of one folder.
    """
    path = next((folder / name for name in _FILES if (folder / name).is_file()), None)
    if path is None:
        return None
    try:
        lines = path.read_text(encoding="utf-8-sig").splitlines()
    except UnicodeDecodeError as error:
        raise DatasetError(f"{path}: must be text in UTF-8: {error.reason} at byte {error.start}") from None
    except OSError as error:
        raise DatasetError(f"{path}: cannot be read: {(error.strerror or str(error)).lower()}") from None
    name_of: dict[str, str] = {}
    without, again = [], []
    for row, line in enumerate(lines, start=1):
        identifier, _, names = line.strip().partition(" ")
        name = names.partition(",")[0].strip()
        if identifier and not name:
            without.append(row)
        elif identifier and name_of.setdefault(identifier, name) != name:
            again.append(row)
    problems = []
    if without:
        wanted = "must be a folder's name, a space and the class's name"
        problems.append(row_problem(path, without, f"{wanted} (got '{lines[without[0] - 1].strip()}')"))
    if again:
        identifier = lines[again[0] - 1].split()[0]
        problems.append(row_problem(path, again, f"folders must have one name (got '{identifier}' again)"))
    if problems:
        raise DatasetError(problems)
    return ClassNames(path, name_of)
