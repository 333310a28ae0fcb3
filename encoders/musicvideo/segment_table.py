"""The table of segments in a folder of them."""

import csv
from collections.abc import Iterable
from pathlib import Path
from typing import NamedTuple

from encoders.errors import EncoderError
from encoders.files import write_table

__all__ = ["SegmentRow", "read_segment_table", "write_segment_table"]

_NAME = "segments.csv"


class SegmentRow(NamedTuple):
    """A segment and its files.

    Args:
        segment_id: The film's name and the section.
        film: The film's name.
        section: From 0.
        start_seconds: From the film's start.
        seconds: Length.
        audio: File of its sound, from the folder of the table on.
        video: File of its frames.
        film_bytes: Size of the film that it was cut from.
    """

    segment_id: str
    film: str
    section: int
    start_seconds: float
    seconds: float
    audio: str
    video: str
    film_bytes: int


def write_segment_table(folder: Path, rows: Iterable[SegmentRow]) -> Path:
    """Write ``segments.csv``, whole or not at all."""
    write_table(folder / _NAME, SegmentRow._fields, rows)
    return folder / _NAME


def read_segment_table(folder: Path) -> list[SegmentRow]:
    """Read ``segments.csv``.

    Raises:
        EncoderError: If it is missing or damaged.
    """
    path = folder / _NAME
    try:
        with path.open(newline="", encoding="utf-8") as file:
            table = csv.DictReader(file)
            if tuple(table.fieldnames or ()) != SegmentRow._fields:
                raise EncoderError(f"{path}: must have the columns {', '.join(SegmentRow._fields)}")
            return [_row(entry) for entry in table]
    except FileNotFoundError:
        raise EncoderError(
            f"{path}: there is no such file; cut films: gnnrec encoder segments FILMS --out {folder}"
        ) from None
    except (ValueError, TypeError) as error:
        raise EncoderError(f"{path}: damaged: {error}") from None


def _row(entry: dict[str, str]) -> SegmentRow:
    return SegmentRow(
        segment_id=entry["segment_id"],
        film=entry["film"],
        section=int(entry["section"]),
        start_seconds=float(entry["start_seconds"]),
        seconds=float(entry["seconds"]),
        audio=entry["audio"],
        video=entry["video"],
        film_bytes=int(entry["film_bytes"]),
    )
