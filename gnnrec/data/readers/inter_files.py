"""Finding the ``.inter`` file that MMRec and RecBole share, and telling whose it is."""

from collections.abc import Sequence
from pathlib import Path

from gnnrec.data.readers.text_files import header_of
from gnnrec.errors import DataError

__all__ = ["has_typed_header", "inter_files", "only_log"]


def inter_files(path: Path) -> list[Path]:
    """The ``.inter`` files at ``path``: itself or those of the folder."""
    if path.is_dir():
        return sorted(path.glob("*.inter"))
    return [path] if path.suffix == ".inter" and path.is_file() else []


def has_typed_header(path: Path) -> bool:
    """Whether the columns are ``name:type``, as in RecBole's atomic files."""
    return any(":" in name for name in header_of(path))


def only_log(path: Path, stems: Sequence[str]) -> str:
    """The one log among ``stems``: the only one, or that called like the folder.

    Raises:
        DataError: If there is none, or several and none is called like the folder.
    """
    different = sorted(set(stems))
    if not different:
        raise DataError(f"{path}: no such .inter file")
    if len(different) == 1:
        return different[0]
    name = path.resolve().name
    if name in different:
        return name
    raise DataError(f"{path}: has several logs ({', '.join(different)}); give the path of one .inter file")
