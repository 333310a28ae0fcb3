"""Logs of external ids: from checked tables to positions."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from gnnrec.data.id_map import IdMap
from gnnrec.data.readers.base import RawLog, TableForm
from gnnrec.data.readers.catalog import catalog_frame, report_repeated_ids
from gnnrec.data.readers.dates import in_seconds
from gnnrec.data.readers.headers import check_header
from gnnrec.data.readers.log_table import LogTable, raise_problems
from gnnrec.errors import ArgumentError

__all__ = ["COLUMN_NAMES", "LogPart", "choose_columns", "encode_ids", "factorize", "read_external_log", "weight_notes"]

# Accepted names of a column by role, whatever their case.
COLUMN_NAMES: Mapping[str, tuple[str, ...]] = {
    "user": ("user_id", "userID", "user", "uid", "reviewerID", "reviewer_id", "customer_id", "User-ID"),
    "item": (
        *("item_id", "itemID", "item", "iid", "movieId", "movie_id", "parent_asin", "asin", "artist_id", "artistID"),
        *("product_id", "business_id", "track_id", "song_id", "book_id", "ISBN", "venue_id", "game_id", "recipe_id"),
        *("news_id", "video_id"),
    ),
    "timestamp": ("timestamp", "time", "unixReviewTime", "date", "datetime"),
    "weight": ("weight", "rating", "score", "overall", "stars", "plays", "play_hours", "Book-Rating"),
    "split": ("split", "part", "x_label"),
}
_REQUIRED = ("user", "item")
# Whole numbers as one writes them; "007" stays text, so that ids go back as they came.
_WHOLE = r"^(0|-?[1-9][0-9]{0,17})$"


@dataclass(frozen=True)
class LogPart:
    """A table of the log and the part of all of its rows (None: a column says, or there is no split)."""

    table: LogTable
    part: int | None = None


def choose_columns(
    table: LogTable, given: Mapping[str, str], names: Mapping[str, Sequence[str]] = COLUMN_NAMES
) -> dict[str, str]:
    """Column of each role that the table has; a missing user or item column is kept as a problem.

    Args:
        table: The table.
        given: Column names chosen by the user, by role.
        names: Accepted names by role.

    Raises:
        ArgumentError: If ``given`` has another role, or one column for users or items and something else.
    """
    unknown = [role for role in given if role not in names]
    if unknown:
        raise ArgumentError(f"'columns' must be for {', '.join(names)} (got '{unknown[0]}')")
    chosen: dict[str, str] = {}
    for role, accepted in names.items():
        wanted = (given[role],) if role in given else accepted
        called = f"{role} ids" if role in _REQUIRED else role
        named = given or not table.is_text_file or all(name.isdigit() for name in table.columns)
        unnamed = "" if named else ", or --no-header where row 1 is data"
        hint = f"; say which with --column {role}=NAME{unnamed}"
        column = table.find(called, wanted, role in {*_REQUIRED, *given}, hint)
        if column is None:
            continue
        for other, taken in chosen.items():
            if taken == column and {role, other} & set(_REQUIRED):
                raise ArgumentError(
                    f"'{other}' and '{role}' must be different columns of {table.path} (got '{column}')"
                )
        chosen[role] = column
    return chosen


def read_external_log(
    path: Path,
    name: str,
    parts: Sequence[LogPart],
    form: TableForm | None = None,
    names: Mapping[str, Sequence[str]] = COLUMN_NAMES,
    catalog: tuple[LogTable, str] | None = None,
) -> RawLog:
    """Turn tables of external ids into a log.

    Positions follow the sorted ids; the items are those of the log and the catalog.

    Args:
        path: What was read, for messages.
        name: Name of the data set.
        parts: Tables of the log.
        form: What the user says of the tables.
        names: Accepted column names by role.
        catalog: Table of the items and its id column.

    Raises:
        DataError: With all problems of all tables.
    """
    tables = [part.table for part in parts] + ([catalog[0]] if catalog else [])
    given = form.columns if form else {}
    chosen = [choose_columns(part.table, given, names) for part in parts]
    if form is None or form.header:
        for part, roles in zip(parts, chosen, strict=True):
            check_header(part.table, roles, names)
    raise_problems(tables)
    user_ids = [part.table.ids(roles["user"]) for part, roles in zip(parts, chosen, strict=True)]
    item_ids = [part.table.ids(roles["item"]) for part, roles in zip(parts, chosen, strict=True)]
    if catalog:
        report_repeated_ids(*catalog)
        item_ids.append(catalog[0].ids(catalog[1]))
    timestamp = _gather(parts, chosen, "timestamp")
    weight = _gather(parts, chosen, "weight")
    labels = [
        part.table.labels(roles["split"]) if part.part is None else np.full(len(part.table), part.part, dtype=np.int8)
        for part, roles in zip(parts, chosen, strict=True)
        if part.part is not None or "split" in roles
    ]
    raise_problems(tables)
    is_text = any(table.is_text_file for table in tables)
    users, user = encode_ids(user_ids, is_text)
    items, item = encode_ids(item_ids, is_text)
    item_map = IdMap(items, kind="item")
    notes = list(dict.fromkeys(note for table in tables for note in table.notes))
    if timestamp is not None:
        timestamp, told = in_seconds(timestamp, chosen[0]["timestamp"])
        notes += told
    if weight is not None:
        notes += weight_notes(weight, chosen[0]["weight"])
    return RawLog(
        path=path,
        name=name,
        users=IdMap(users, kind="user"),
        items=item_map,
        user=user,
        item=item[: len(user)],
        part=np.concatenate(labels) if len(labels) == len(parts) else None,
        timestamp=timestamp,
        weight=weight,
        catalog=catalog_frame(item_map, [catalog] if catalog else []),
        notes=notes,
    )


def weight_notes(weight: npt.NDArray[np.generic], column: str) -> list[str]:
    """That every row counts, whatever its weight.

    Args:
        weight: Weights of the rows. Shape: (E,).
        column: Their name.
    """
    numbers = weight.astype(np.float64)
    least, most = float(numbers.min()), float(numbers.max())
    if (numbers == 0).any():
        return [
            f"{int((numbers == 0).sum())} rows have a '{column}' of 0 and count as taken like all others; leave them "
            "out with --min-weight"
        ]
    if least < most:
        return [f"every row counts as taken, whatever its '{column}' ({least:g} to {most:g}); see --min-weight"]
    return []


def encode_ids(columns: Sequence[Any], is_text_file: bool) -> tuple[npt.NDArray[np.generic], npt.NDArray[np.int64]]:
    """Sorted ids and the place of each row's id among them.

    Args:
        columns: Ids of several tables (``pyarrow.ChunkedArray``), one below the other.
        is_text_file: Whether the ids come from text, where whole numbers are taken for such if all ids are.
    """
    import pyarrow as pa
    import pyarrow.compute as pc

    uniques, codes = factorize(columns)
    if is_text_file:
        uniques = _as_whole(uniques)
    order = pc.sort_indices(pa.array(uniques)).to_numpy()
    rank = np.empty(len(order), dtype=np.int64)
    rank[order] = np.arange(len(order))
    return uniques[order], rank[codes]


def factorize(columns: Sequence[Any]) -> tuple[npt.NDArray[np.generic], npt.NDArray[np.int64]]:
    """Different ids in order of first occurrence and the number of each row's id."""
    import pyarrow as pa

    kind = pa.int64() if all(pa.types.is_integer(column.type) for column in columns) else pa.large_string()
    chunks = [chunk for column in columns for chunk in column.cast(kind).chunks]
    encoded = pa.chunked_array(chunks, type=kind).dictionary_encode().unify_dictionaries().combine_chunks()
    codes = encoded.indices.to_numpy(zero_copy_only=False).astype(np.int64)
    if kind == pa.int64():
        return encoded.dictionary.to_numpy(zero_copy_only=False), codes
    return encoded.dictionary.to_numpy(zero_copy_only=False), codes  # each text as long as it is


def _as_whole(ids: npt.NDArray[np.generic]) -> npt.NDArray[np.generic]:
    import pyarrow as pa
    import pyarrow.compute as pc

    if np.issubdtype(ids.dtype, np.integer):
        return ids
    values = pa.array(ids.tolist(), type=pa.large_string())
    return ids.astype(np.int64) if pc.all(pc.match_substring_regex(values, _WHOLE)).as_py() else ids


def _gather(parts: Sequence[LogPart], chosen: Sequence[Mapping[str, str]], role: str) -> npt.NDArray[np.generic] | None:
    """A column of numbers over all tables, None if none has it; that only some have it is a problem."""
    lacking = [part.table for part, roles in zip(parts, chosen, strict=True) if role not in roles]
    if len(lacking) == len(parts):
        return None
    for table in lacking:
        table.problems.append(f"{table.path}, row 1: must have a column for the {role}, as the log's other files do")
    columns = []
    for part, roles in zip(parts, chosen, strict=True):
        if role in roles:
            columns.append(part.table.weights(roles[role]) if role == "weight" else part.table.times(roles[role]))
    return np.concatenate(columns)
