"""A folder of pictures for each class, as ImageNet is published."""

from pathlib import Path

from encoders.datasets.class_folders import files_by_class
from encoders.datasets.class_names import read_class_names
from encoders.datasets.dataset_format import DatasetFormat
from encoders.datasets.labeled_collection import LabeledCollection
from encoders.datasets.labeled_item import LabeledItem, Part
from encoders.datasets.listing import PICTURE_SUFFIXES, folders_of, has_file, spoken
from encoders.errors import DatasetError

__all__ = ["FORMAT", "read_images"]

_PARTS: dict[str, Part] = {"train": "train", "val": "valid", "valid": "valid", "validation": "valid", "test": "test"}


def read_images(path: Path) -> LabeledCollection:
    """Read a folder that has a folder of pictures for each class, or such folders for parts.

    The parts are ``train/``, ``val/`` (or ``valid/`` or ``validation/``) and ``test/``; where none of them is, the
    folder has the classes itself. Classes are in the order of the folders' names, over all parts. They are called like
    the folders, with spaces for underscores, unless ``LOC_synset_mapping.txt`` or ``classes.txt`` gives their names:
    a line such as ``n01440764 tench, Tinca tinca`` for each folder, of which the first name counts.

    Args:
        path: The folder; the collection is called like it.

    Raises:
        DatasetError: If a folder has no pictures, there are fewer than two classes, or the file of names is wrong or
            lacks a folder.
    """
    roots = _roots(path)
    files = files_by_class(list(roots), PICTURE_SUFFIXES, "pictures")
    folder_names = sorted({folder.name for folder in files})
    names = read_class_names(path)
    if names is not None:
        unnamed = [f"'{folder}'" for folder in folder_names if folder not in names.name_of]
        if unnamed:
            shown = f"{', '.join(unnamed[:3])}{f' and {len(unnamed) - 3} more' if len(unnamed) > 3 else ''}"
            raise DatasetError(f"{names.path}: must have a line for each class folder ({shown} missing)")
    label_of = {name: label for label, name in enumerate(folder_names)}
    items = tuple(
        LabeledItem(
            picture.relative_to(path).as_posix(),
            images=(picture,),
            labels=(label_of[folder.name],),
            part=roots[folder.parent],
        )
        for folder, found in files.items()
        for picture in found
    )
    classes = tuple(names.name_of[folder] if names is not None else spoken(folder) for folder in folder_names)
    return LabeledCollection(path.resolve().name, items, classes)


def _roots(path: Path) -> dict[Path, Part | None]:
    """The folders that have folders of classes, and their part."""
    named = [folder for folder in folders_of(path) if folder.name.lower() in _PARTS]
    # A class may be called "train": it has pictures and no folders.
    if not any(folders_of(folder) for folder in named):
        return {path: None}
    return {folder: _PARTS[folder.name.lower()] for folder in named}


def _detect(path: Path) -> bool:
    return any(has_file(folder, PICTURE_SUFFIXES) for root in _roots(path) for folder in folders_of(root))


FORMAT = DatasetFormat(
    "images",
    looks_for="a folder of pictures for each class, at the top or in train, val and test",
    detect=_detect,
    read=read_images,
)
