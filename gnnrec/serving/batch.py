"""Lists of many users, written to a file."""

from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, SupportsIndex

import numpy as np

from encoders.files import atomic_write
from gnnrec.data.id_map import ExternalId, plain_ids
from gnnrec.errors import ArgumentError
from gnnrec.serving.predictor import Predictor, UnknownItems, UnknownUsers
from gnnrec.serving.results import Recommendations

if TYPE_CHECKING:
    import pyarrow as pa

__all__ = ["check_list_file", "write_recommendations"]

_SUFFIXES = (".parquet", ".csv")
_PLACES = 100_000
"""Places of lists held at a time."""


def check_list_file(path: Path | str) -> Path:
    """The path of a file of lists, before any work is done for it.

    Raises:
        ArgumentError: If it ends in something else than ``.parquet`` or ``.csv``, is a folder, or is in none.
    """
    target = Path(path)
    if target.suffix.lower() not in _SUFFIXES:
        raise ArgumentError(f"'out' must be a file ending in {' or '.join(_SUFFIXES)} (got '{target}')")
    if target.is_dir() or not target.parent.is_dir():
        why = "it is a folder" if target.is_dir() else f"there is no folder {target.parent}"
        raise ArgumentError(f"'out' cannot be '{target}': {why}")
    return target


def write_recommendations(
    predictor: Predictor,
    path: Path | str,
    user_ids: Sequence[ExternalId] | None = None,
    k: SupportsIndex = 10,
    *,
    unknown: UnknownUsers = "popular",
    unknown_items: UnknownItems = "error",
    candidates: Sequence[ExternalId] | None = None,
    exclude: Sequence[ExternalId] | None = None,
    on_progress: Callable[[int, int], None] | None = None,
) -> int:
    """Write lists in blocks of users, so that memory does not grow with their number.

    Args:
        predictor: Who answers.
        path: A ``.parquet`` or ``.csv`` file with the columns ``user_id``, ``rank`` (from 1), ``item_id``, ``score``
            and ``source``. It is there once it is whole; one that exists is replaced.
        user_ids: External user ids; all of training by default.
        k: List length; lists are shorter where fewer unseen items exist.
        unknown: See :meth:`Predictor.recommend`, also for what follows.
        unknown_items: For items of ``candidates`` and ``exclude``.
        candidates: Items that may be listed.
        exclude: Items that must not be listed.
        on_progress: Called with the number of users done and of all users.

    Returns:
        How many rows were written.

    Raises:
        ArgumentError: If ``path`` or another argument cannot be.
        UnknownIdError: As the policies say.
        OSError: If the file cannot be written.
    """
    import pyarrow as pa

    target = check_list_file(path)
    users = None if user_ids is None else plain_ids("user_ids", user_ids)
    total = len(predictor.users) if users is None else len(users)
    whole = predictor.users.is_integer if users is None else all(isinstance(user, int) for user in users)
    types = [pa.int64() if whole else pa.string(), pa.int64() if predictor.items.is_integer else pa.string()]
    schema = pa.schema(
        {"user_id": types[0], "rank": pa.int32(), "item_id": types[1], "score": pa.float32(), "source": pa.string()}
    )
    size = max(_PLACES // max(min(int(k), len(predictor.items)), 1), 1) if isinstance(k, int) else 1_000
    rows = 0
    with atomic_write(target) as draft, _writer(target, draft, schema) as writer:
        for start in range(0, max(total, 1), size):  # a request of nobody is checked too
            stop = min(start + size, total)
            block = users[start:stop] if users is not None else predictor.users.ids(np.arange(start, stop))
            answers = predictor.recommend(
                block, k, unknown=unknown, unknown_items=unknown_items, candidates=candidates, exclude=exclude
            )
            table = pa.Table.from_pylist(list(_rows(answers, str if not whole else int)), schema=schema)
            writer.write_table(table)
            rows += len(table)
            if on_progress is not None:
                on_progress(stop, total)
    return rows


def _rows(answers: Sequence[Recommendations], kind: Callable[[ExternalId], ExternalId]) -> Iterator[dict[str, object]]:
    for answer in answers:
        user = kind(answer.user_id)
        for rank, item in enumerate(answer.items, start=1):
            yield {
                "user_id": user,
                "rank": rank,
                "item_id": item.item_id,
                "score": item.score,
                "source": answer.source,
            }


def _writer(target: Path, draft: Path, schema: "pa.Schema") -> "pa.csv.CSVWriter | pa.parquet.ParquetWriter":
    import pyarrow.csv
    import pyarrow.parquet

    if target.suffix.lower() == ".csv":
        return pyarrow.csv.CSVWriter(draft, schema)
    return pyarrow.parquet.ParquetWriter(draft, schema)
