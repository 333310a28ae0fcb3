"""Sounds that a table lists with their fold and class, as ESC-50 and UrbanSound8K do."""

import re
from collections.abc import Callable
from pathlib import Path

from encoders.datasets.csv_table import CsvTable
from encoders.datasets.labeled_item import LabeledItem
from encoders.datasets.listing import SOUND_SUFFIXES, files_of, spoken

__all__ = ["read_fold_table"]


def read_fold_table(
    table: CsvTable,
    *,
    file_column: str,
    number_column: str,
    name_column: str,
    num_folds: int,
    folder_of: Callable[[int], Path],
    recording: re.Pattern[str],
) -> tuple[tuple[LabeledItem, ...], tuple[str, ...]]:
    """Check a table and the files that it names.

    Args:
        table: Has the columns below and ``fold``; problems of it so far are reported with what is found.
        file_column: Names of the files, each once.
        number_column: Numbers of the classes.
        name_column: Names of the classes, for each number the same.
        num_folds: Folds are numbered from 1 to it.
        folder_of: The folder of the files of a fold.
        recording: Finds in a file's name, as its first group, the recording that the sound was cut from.

    Returns:
        The items in the order of the table; the names of the classes, spoken, in the order of their numbers. Numbers
        that do not occur are left out.

    Raises:
        DatasetError: With all problems.
    """
    files = table.unique_texts(file_column)
    folds = table.whole_numbers("fold", 1, num_folds)
    numbers = table.whole_numbers(number_column, 0)
    names = table.texts(name_column)
    name_of: dict[int, str] = {}
    number_of: dict[str, int] = {}
    pairs = list(zip(numbers, names, strict=True))
    table.require(
        name_column,
        # Negative numbers and empty names have been reported.
        [number < 0 or not name or name_of.setdefault(number, name) == name for number, name in pairs],
        lambda place: (
            f"must be '{name_of[numbers[place]]}' for {number_column} {numbers[place]} (got '{names[place]}')"
        ),
    )
    table.require(
        number_column,
        [
            name_of.get(number) != name or number_of.setdefault(name, number) == number  # others have been reported
            for number, name in pairs
        ],
        lambda place: f"must be {number_of[names[place]]} for {name_column} '{names[place]}' (got {numbers[place]})",
    )
    folders = {folder_of(fold) for fold in folds if fold}
    present = {folder: {path.name for path in files_of(folder, SOUND_SUFFIXES)} for folder in folders}
    table.require(
        file_column,
        # Empty names and wrong folds have been reported.
        [not file or not fold or file in present[folder_of(fold)] for file, fold in zip(files, folds, strict=True)],
        lambda place: f"must be a sound in {folder_of(folds[place])} (got '{files[place]}')",
    )
    table.raise_problems()
    kept = sorted(name_of)
    items = tuple(
        LabeledItem(
            file,
            audio=folder_of(fold) / file,
            labels=(kept.index(number),),
            fold=fold,
            recording=found[1] if (found := recording.match(file)) else None,
        )
        for file, fold, number in zip(files, folds, numbers, strict=True)
    )
    return items, tuple(spoken(name_of[number]) for number in kept)
