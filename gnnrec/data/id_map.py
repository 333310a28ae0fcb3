"""External ids and positions, both ways."""

import re
from collections.abc import Iterable, Sequence
from functools import cached_property
from typing import Any

import numpy as np
import numpy.typing as npt

from gnnrec.errors import ArgumentError, DataError

__all__ = ["IdMap", "plain_id", "plain_ids"]

ExternalId = int | str

_WHOLE = re.compile(r"-?[0-9]{1,19}")
_NONE = 2**63
_EXACT = 2**53
"""Whole numbers below it are told apart as floats."""


def plain_id(value: Any) -> Any:
    """The integer or text that a value stands for, 3 for numpy's 3 and for 3.0; what stands for none as it is."""
    if isinstance(value, np.generic):
        value = value.item()
    if isinstance(value, float) and value.is_integer() and abs(value) < _EXACT:
        return int(value)  # a column of integers becomes one of floats where a row lacks its value
    return value


def plain_ids(name: str, ids: object) -> list[ExternalId]:
    """Ids as integers and texts, whatever holds them.

    Args:
        name: Of the argument, for messages.
        ids: A sequence, or a column or array of pandas, numpy, Arrow or torch.

    Raises:
        ArgumentError: If it is something else, a text included, or holds what is no id, such as 2.5 or a missing value.
    """
    values: Any = None
    if isinstance(ids, Sequence) and not isinstance(ids, (str, bytes)):
        values = list(ids)
    elif hasattr(ids, "to_pylist"):
        values = ids.to_pylist()
    elif hasattr(ids, "__array__") and not isinstance(ids, np.generic) and getattr(ids, "ndim", 1) == 1:
        values = np.asarray(ids).tolist()
    if values is None:
        raise ArgumentError(f"'{name}' must be a list of ids (got {ids!r})")
    plain = [plain_id(value) for value in values]
    for place, value in enumerate(plain):
        if not _is_id(value):
            raise ArgumentError(f"'{name}' must hold whole numbers and texts (got {value!r} at place {place})")
    return plain


def _is_id(value: object) -> bool:
    return isinstance(value, (int, str)) and not isinstance(value, bool)


class IdMap:
    """Maps the ids of the user's files to positions 0..n-1 and back.

    Ids keep their kind: integers stay integers, all else is text. An integer map also takes ``"12"`` for
    12, so that ids can come from a command line, and any map 12.0, as tables have it that lack some ids.

    Args:
        ids: External id of each position, all different.
        kind: Word for messages, ``"user"`` or ``"item"``.

    Raises:
        DataError: If an id occurs twice.

    Example:
        >>> users = IdMap(["alice", "bob"], kind="user")
        >>> users.positions(["bob", "carol"]).tolist()
        [1, -1]
        >>> users.ids([0])
        ['alice']
    """

    def __init__(self, ids: Sequence[ExternalId] | npt.NDArray[np.generic], kind: str = "id") -> None:
        plain = isinstance(ids, np.ndarray) and (ids.dtype.kind in "iu" or ids.ndim != 1)
        array = np.asarray(ids) if plain else _unpadded([plain_id(value) for value in ids])
        if array.ndim != 1:
            raise ArgumentError(f"'ids' must be one-dimensional (got {array.ndim} dimensions)")
        if array.dtype == object and any(isinstance(value, int) and abs(value) >= 2**63 for value in array.tolist()):
            raise DataError(f"{kind} ids must be below 2**63; store larger ones as text")
        if array.size == 0 or np.issubdtype(array.dtype, np.integer):
            if array.size and int(array.max()) >= 2**63:
                raise DataError(f"{kind} ids must be below 2**63 (got {int(array.max())}); store them as text")
            array = array.astype(np.int64)
        else:
            array = _unpadded([str(value) for value in array.tolist()])
        self.kind = kind
        self.array: npt.NDArray[Any] = array
        if not self._index.is_unique:
            repeated = self._index[self._index.duplicated()]
            shown = ", ".join(repr(value) for value in repeated[:5].tolist())
            raise DataError(f"{kind} ids must be unique; {len(repeated)} occur again (first: {shown})")

    @cached_property
    def _index(self) -> Any:
        """The ids with their hash table, which lookups build once."""
        import pandas as pd

        return pd.Index(self.array, dtype=np.int64 if self.is_integer else object)

    @classmethod
    def of_range(cls, size: int, kind: str = "id") -> "IdMap":
        """The map of files whose ids are the positions themselves."""
        return cls(np.arange(size), kind=kind)

    def __len__(self) -> int:
        return int(self.array.size)

    def __contains__(self, external: object) -> bool:
        return bool(self.positions([external])[0] >= 0)  # type: ignore[list-item]

    def __eq__(self, other: object) -> bool:
        return isinstance(other, IdMap) and np.array_equal(self.array, other.array)

    __hash__ = None  # type: ignore[assignment]

    def __repr__(self) -> str:
        return f"IdMap({len(self)} {self.kind} ids)"

    @property
    def is_integer(self) -> bool:
        """Whether the ids are integers."""
        return bool(np.issubdtype(self.array.dtype, np.integer))

    def positions(self, ids: Iterable[ExternalId] | npt.NDArray[np.generic]) -> npt.NDArray[np.int64]:
        """Position of each id, -1 where it is unknown or no id at all. Shape: (len(ids),)."""
        if isinstance(ids, np.ndarray) and ids.dtype.kind in "iU":
            wanted, usable = ids, np.ones(ids.size, dtype=bool)
        else:
            wanted, usable = _as_array([plain_id(value) for value in ids])
        if wanted.size == 0 or len(self) == 0:
            return np.full(wanted.size, -1, dtype=np.int64)
        if self.is_integer:
            wanted, valid = _as_integers(wanted)
            usable = usable & valid
        else:
            wanted = _unpadded([str(value) for value in wanted.tolist()])
        return np.where(usable, self._index.get_indexer(wanted), -1).astype(np.int64)

    def ids(self, positions: Iterable[int] | npt.NDArray[np.int64]) -> list[ExternalId]:
        """External id of each position."""
        index = positions if isinstance(positions, np.ndarray) else np.fromiter(positions, dtype=np.int64)
        return list(self.array[index].tolist())


def _as_array(ids: list[ExternalId]) -> tuple[npt.NDArray[np.generic], npt.NDArray[np.bool_]]:
    """All-integer lists as int64, so that the largest ids are found too, others as texts; and what is an id at all."""
    usable = np.fromiter(map(_is_id, ids), dtype=bool, count=len(ids))
    if usable.all() and all(isinstance(external, int) and -(2**63) <= external < 2**63 for external in ids):
        return np.asarray(ids, dtype=np.int64), usable
    return _unpadded([str(external) for external in ids]), usable


def _unpadded(values: list[Any]) -> npt.NDArray[Any]:
    """Integers as int64, anything else each as it is: numpy's own texts would all be as long as the longest."""
    whole = bool(values) and all(isinstance(value, int) and not isinstance(value, bool) for value in values)
    if whole and min(values) >= -(2**63) and max(values) < 2**63:
        return np.asarray(values, dtype=np.int64)
    array = np.empty(len(values), dtype=object)
    array[:] = values
    return array


def _as_integers(values: npt.NDArray[np.generic]) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.bool_]]:
    """Integers and which of the values are integers at all."""
    if np.issubdtype(values.dtype, np.integer):
        return values.astype(np.int64), np.ones(values.size, dtype=bool)
    numbers = [int(text) if _WHOLE.fullmatch(text) else _NONE for text in map(str, values.tolist())]
    valid = np.fromiter((abs(number) < 2**63 for number in numbers), dtype=bool, count=len(numbers))
    return np.where(valid, np.asarray(numbers, dtype=object), 0).astype(np.int64), valid
