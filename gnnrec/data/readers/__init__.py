"""One module a file format; each has a ``READER``."""

from pathlib import Path

from gnnrec.data.readers import folder, lightgcn, mmrec, movielens, recbole, table
from gnnrec.data.readers.base import PARTS, RawLog, Reader, TableForm
from gnnrec.errors import DataError, UnknownNameError

__all__ = ["PARTS", "RawLog", "Reader", "TableForm", "find_reader", "list_formats"]

# In the order of detection: the last takes any table.
_READERS: dict[str, Reader] = {
    module.READER.name: module.READER for module in (folder, recbole, mmrec, lightgcn, movielens, table)
}


def list_formats() -> list[str]:
    """Names of the formats that can be read."""
    return sorted(_READERS)


def find_reader(path: Path, name: str | None = None) -> Reader:
    """The reader called ``name``, or else that of the format found at ``path``.

    Raises:
        DataError: If nothing is at ``path`` or no format is found there.
        UnknownNameError: If no format has this name.
    """
    if name is not None and name not in _READERS:
        raise UnknownNameError("format", name, _READERS)
    if not path.exists():
        raise DataError(f"{path}: no such file or folder")
    if name is not None:
        return _READERS[name]
    for reader in _READERS.values():
        if reader.detect(path):
            return reader
    looked = "; ".join(f"{reader.looks_for} ({reader.name})" for reader in _READERS.values())
    raise DataError(
        f"{path}: no known data format; looked for: {looked}. "
        f"A format can be named with --format: {', '.join(list_formats())}"
    )
