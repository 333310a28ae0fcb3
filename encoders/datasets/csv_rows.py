"""Rows of files of comma-separated values, one after the other: AudioSet's largest has two million."""

import csv
from collections.abc import Iterator
from pathlib import Path

from encoders.errors import DatasetError

__all__ = ["csv_rows"]


def csv_rows(path: Path) -> Iterator[tuple[int, list[str]]]:
    """The rows that are not blank, with their number as an editor shows it, from 1.

    Args:
        path: The file, in UTF-8; values may be in double quotes and have spaces before them.

    Raises:
        DatasetError: If the file cannot be read to its end.
    """
    try:
        with path.open(encoding="utf-8-sig", newline="") as file:
            reader = csv.reader(file, skipinitialspace=True, strict=True)
            try:
                for values in reader:
                    if values:
                        yield reader.line_num, values
            except csv.Error as error:
                raise DatasetError(f"{path}, row {reader.line_num}: must be comma-separated values: {error}") from None
    except UnicodeDecodeError as error:
        raise DatasetError(f"{path}: must be text in UTF-8: {error.reason} at byte {error.start}") from None
    except OSError as error:
        raise DatasetError(f"{path}: cannot be read: {(error.strerror or str(error)).lower()}") from None
