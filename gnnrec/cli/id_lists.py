"""Ids on the command line: by commas, in quotes, or in a file."""

import csv
from collections.abc import Sequence
from pathlib import Path

from encoders.files import require_regular
from gnnrec.cli.output import status
from gnnrec.data.id_map import ExternalId, IdMap
from gnnrec.data.readers.external_log import COLUMN_NAMES
from gnnrec.data.readers.log_table import raise_problems
from gnnrec.data.readers.table import TABLE_SUFFIXES, read_table
from gnnrec.errors import ArgumentError, DataError

__all__ = ["as_stored", "parse_ids", "read_id_file"]


def parse_ids(option: str, values: Sequence[str] | None, ids: IdMap) -> list[ExternalId] | None:
    """Ids that an option was given, in all of its values; ``None`` where it was not given.

    A value that is an id as a whole is that id, commas and all. Otherwise it is ids by commas, those with a comma in
    double quotes as in CSV; or ``@FILE`` or the name of a file, see :func:`read_id_file`.

    Args:
        option: Its name, for messages.
        values: What it was given, each time.
        ids: The ids that exist, to tell what is meant.

    Raises:
        ArgumentError: If quotes are wrong, or a file that is named does not exist.
        DataError: If a file cannot be read.
    """
    if values is None:
        return None
    return [one for value in values for one in _ids_of(option, value, ids)]


def as_stored(ids: IdMap, names: Sequence[ExternalId]) -> list[ExternalId]:
    """Ids of the kind that the data have, where they exist: ``"12"`` becomes 12 if ids are integers."""
    positions = ids.positions(names).tolist()
    return [ids.ids([place])[0] if place >= 0 else name for name, place in zip(names, positions, strict=True)]


def read_id_file(path: Path, kind: str) -> list[ExternalId]:
    """Ids of a table (.csv, .tsv or .parquet with a column ``item_id`` or ``user_id``), else of a text: one a line.

    Args:
        path: The file.
        kind: ``"user"`` or ``"item"``.

    Raises:
        DataError: If the file cannot be read or has no such ids.
    """
    require_regular(path, DataError)
    if path.suffix.lower() in TABLE_SUFFIXES:
        table = read_table(path)
        column = table.find(f"{kind} ids", COLUMN_NAMES[kind])
        found = [] if column is None else table.ids(column).to_pylist()
        raise_problems([table])
        return list(found)
    try:
        text = path.read_text(encoding="utf-8-sig")
    except UnicodeDecodeError as error:
        raise DataError(f"{path}: must be a text in UTF-8 with an id a line ({error.reason})") from None
    return [line.strip() for line in text.splitlines() if line.strip()]


def _ids_of(option: str, value: str, ids: IdMap) -> Sequence[ExternalId]:
    if value in ids:
        return [value]
    plain, quoted = [part.strip() for part in value.split(",") if part.strip()], None
    if '"' in value:
        quoted = _split_quoted(option, value)
    for names in (quoted, plain):
        if names is not None and (ids.positions(names) >= 0).all():
            return names
    file = value.removeprefix("@")
    if _exists(file):
        return read_id_file(Path(file), ids.kind)
    if value.startswith("@"):
        raise ArgumentError(f"'{option}' names a file that does not exist: {file}")
    if "," in value and any("," in str(one) for one in ids.ids(range(len(ids)))):
        status(f"note: of '{option}', an id that holds a comma goes in double quotes, or in an option of its own")
    return plain if quoted is None else quoted


def _split_quoted(option: str, value: str) -> list[str]:
    try:
        rows = list(csv.reader([value], skipinitialspace=True, strict=True))
    except csv.Error as error:
        raise ArgumentError(
            f"'{option}' must be ids by commas, those with a comma in double quotes (got {value!r}: {error})"
        ) from None
    return [name.strip() for row in rows for name in row if name.strip()]


def _exists(name: str) -> bool:
    """Whether it names a file, or something that is refused as none; lists of ids may be too long for a name."""
    try:
        path = Path(name)
        return path.exists() and not path.is_dir()
    except (OSError, ValueError):
        return False
