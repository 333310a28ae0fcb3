"""A folder of sounds for each class, as ESC-10 is published."""

import re
from pathlib import Path

from encoders.datasets.class_folders import files_by_class
from encoders.datasets.dataset_format import DatasetFormat
from encoders.datasets.labeled_collection import LabeledCollection
from encoders.datasets.labeled_item import LabeledItem
from encoders.datasets.listing import SOUND_SUFFIXES, folders_of, has_file, spoken
from encoders.errors import DatasetError

__all__ = ["FORMAT", "read_folders"]

_NUMBER = re.compile(r"[0-9]+\s*-\s*(?=\S)")
_FOLD = re.compile(r"([1-9])-")
# ESC's scheme: fold, clip of Freesound, letter of the take (and target).
_ESC_FILE = re.compile(r"[1-5]-([0-9]+)-[A-Z](-[0-9]+)?")
_ESC_SECONDS = 5.0


def read_folders(path: Path) -> LabeledCollection:
    """Read a folder that has a folder of sounds for each class.

    Classes are in the order of the folders' names and called like them: in small letters, without a number and a
    dash before (``"001 - Dog bark"`` is "dog bark"), with spaces for underscores. Where the names of all files
    start with a digit from 1 to 9 and a dash, that is the fold. Where they all follow ESC's scheme, such as
    ``1-100032-A.ogg``, the nominal length is 5 s and the middle number is the recording; otherwise each file is
    taken for a recording. Hidden folders and files that are no sounds are left out.

    Args:
        path: The folder; the collection is called like it.

    Raises:
        DatasetError: If a folder has no sounds, there are fewer than two, or two mean the same class.
    """
    files = files_by_class([path], SOUND_SUFFIXES, "sounds")
    classes = tuple(spoken(_NUMBER.sub("", folder.name, count=1).lower()) for folder in files)
    folder_of: dict[str, Path] = {}
    same = [
        f"{folder}: must be another class than {folder_of[name].name} (got '{name}' again)"
        for folder, name in zip(files, classes, strict=True)
        if folder_of.setdefault(name, folder) != folder
    ]
    if same:
        raise DatasetError(same)
    sounds = [sound for found in files.values() for sound in found]
    folds = [_FOLD.match(sound.name) for sound in sounds]
    has_folds = all(folds)
    takes = [_ESC_FILE.fullmatch(sound.stem) for sound in sounds]
    is_esc = all(takes)
    label_of = {folder: label for label, folder in enumerate(files)}
    items = tuple(
        LabeledItem(
            sound.relative_to(path).as_posix(),
            audio=sound,
            labels=(label_of[sound.parent],),
            fold=int(fold[1]) if has_folds and fold else None,
            recording=take[1] if is_esc and take else None,
        )
        for sound, fold, take in zip(sounds, folds, takes, strict=True)
    )
    return LabeledCollection(path.resolve().name, items, classes, seconds=_ESC_SECONDS if is_esc else None)


def _detect(path: Path) -> bool:
    return any(has_file(folder, SOUND_SUFFIXES) for folder in folders_of(path))


FORMAT = DatasetFormat("folders", looks_for="a folder of sounds for each class", detect=_detect, read=read_folders)
