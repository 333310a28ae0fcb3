"""Genres or tags of films from a table."""

import csv
from pathlib import Path

from encoders.errors import DatasetError

__all__ = ["read_film_labels"]


def read_film_labels(path: Path, *, several: bool) -> dict[str, str] | dict[str, set[str]]:
    """Read a CSV file with the columns ``film`` and ``label``.

    Args:
        path: The file; a film with several labels has a row for each.
        several: Whether films may have several, and are read as sets.

    Returns:
        By name of the film its label, or its labels.

    Raises:
        DatasetError: If the file or a column is missing, a value is empty, or a film has two labels and may not.
    """
    if not path.is_file():
        raise DatasetError(f"{path}: there is no such file")
    found: dict[str, set[str]] = {}
    problems = []
    with path.open(newline="", encoding="utf-8-sig") as file:
        reader = csv.DictReader(file)
        columns = reader.fieldnames or []
        missing = [name for name in ("film", "label") if name not in columns]
        if missing:
            raise DatasetError(f"{path}: must have the columns film and label (got {', '.join(columns) or 'none'})")
        for row in reader:
            film, label = (row["film"] or "").strip(), (row["label"] or "").strip()
            if not film or not label:
                problems.append(f"row {reader.line_num}: 'film' and 'label' must not be empty")
            elif not several and found.get(film, {label}) != {label}:
                problems.append(f"row {reader.line_num}: film '{film}' has a label already; read several as tags")
            else:
                found.setdefault(film, set()).add(label)
    if problems:
        raise DatasetError([f"{path}: {problem}" for problem in problems])
    if not found:
        raise DatasetError(f"{path}: has no rows")
    return found if several else {film: next(iter(labels)) for film, labels in found.items()}
