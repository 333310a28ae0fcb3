"""Dates in a column, of the file's own type or as ISO 8601 text, as seconds since the epoch."""

import re
from datetime import date
from typing import Any

import numpy as np
import numpy.typing as npt

__all__ = ["MOMENT", "are_dates", "epoch_seconds", "in_seconds", "is_date"]

# What a timestamp may be, for messages.
MOMENT = "seconds since the epoch or ISO 8601 such as 2024-01-16 or 2024-01-16T10:00:00Z, one kind in a column"

_DAY = r"[0-9]{4}-[0-9]{2}-[0-9]{2}"
_TIME = r"([01][0-9]|2[0-3]):[0-5][0-9](:[0-5][0-9](\.[0-9]+)?)?"
_ZONE = r"(Z|[+-]([01][0-9]|2[0-3])(:?[0-5][0-9])?)"
_ISO = f"^{_DAY}([T ]{_TIME}{_ZONE}?)?$"
_LOOKED_AT = 1_000  # rows that tell the kind of a column
_A_YEAR = 31_536_000
_SECONDS = 10**11  # of the year 5138
_FINER = (("nanoseconds", 10**9), ("microseconds", 10**6), ("milliseconds", 10**3))
_MICRO = 1_000_000  # microseconds in a second


def are_dates(values: Any) -> bool:
    """Whether a column (``pyarrow.ChunkedArray``) has dates: by its type, or most of its first text values."""
    import pyarrow as pa
    import pyarrow.compute as pc

    if pa.types.is_timestamp(values.type) or pa.types.is_date(values.type):
        return True
    if not (pa.types.is_string(values.type) or pa.types.is_large_string(values.type)):
        return False
    first = values.slice(0, _LOOKED_AT)
    first = first.filter(pc.not_equal(first, ""))
    dates = pc.sum(pc.match_substring_regex(first, _ISO)).as_py() or 0
    return dates > 0 and 2 * dates >= len(first)


def epoch_seconds(values: Any) -> npt.NDArray[np.generic] | None:
    """Seconds since the epoch: int64 where all are whole, float64 otherwise. Shape: (E,).

    Moments without a zone are taken as UTC; what is finer than microseconds is cut off.

    Args:
        values: Column for which :func:`are_dates` holds.

    Returns:
        The seconds, or None if a value is missing or no date.
    """
    import pyarrow as pa

    if values.null_count:
        return None
    moments = values if pa.types.is_temporal(values.type) else _parse(values)
    if moments is None:
        return None
    kind = pa.timestamp("us", tz=getattr(moments.type, "tz", None))
    micro = moments.cast(kind, safe=False).cast(pa.int64()).to_numpy()
    whole: npt.NDArray[np.int64] = micro // _MICRO
    return whole if bool((micro % _MICRO == 0).all()) else micro / _MICRO


def in_seconds(times: npt.NDArray[np.generic], column: str) -> tuple[npt.NDArray[np.generic], list[str]]:
    """Times as seconds since the epoch, and what to tell about them.

    Milliseconds, as of Amazon's reviews of 2023, would all lie tens of thousands of years ahead.

    Args:
        times: Numbers of a log, as they were read. Shape: (E,).
        column: Their name, for the notes.
    """
    most = float(times.max())
    for unit, size in _FINER:
        if most >= _SECONDS * size // 10**3:
            # Whole numbers stay whole; what is finer than a second is cut off.
            return times // size, [f"'{column}' is taken for {unit} since the epoch"]
    if 0 < most < _A_YEAR:
        return times, [
            f"all times of '{column}' lie in 1970; if they are dates such as 20240116, write them as 2024-01-16"
        ]
    return times, []


def is_date(value: object) -> bool:
    """Whether one value of a column of dates can be read."""
    if not isinstance(value, str):
        return value is not None
    if not re.fullmatch(_ISO, value):
        return False
    try:
        date.fromisoformat(value[:10])
    except ValueError:
        return False
    return True


def _parse(values: Any) -> Any:
    """Text as moments in UTC, or None if a value is no date."""
    import pyarrow as pa
    import pyarrow.compute as pc

    if not pc.all(pc.match_substring_regex(values, _ISO)).as_py():
        return None
    # Arrow wants a time and a zone in every value, and at most six decimals.
    for pattern, replacement in (
        (f"^({_DAY})$", r"\1T00:00"),
        (r"(\.[0-9]{6})[0-9]+", r"\1"),
        (f"^({_DAY}[T ][0-9:.]+)$", r"\1Z"),
    ):
        values = pc.replace_substring_regex(values, pattern, replacement)
    try:
        return values.cast(pa.timestamp("us", tz="UTC"))
    except pa.ArrowInvalid:  # a day that no calendar has
        return None
