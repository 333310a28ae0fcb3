"""AudioSet: two million pieces of films of 10 s, in 527 classes that do not exclude each other."""

import warnings
from collections import Counter
from pathlib import Path

from encoders.datasets.audioset_files import AudiosetFiles
from encoders.datasets.audioset_segments import read_segments
from encoders.datasets.csv_table import CsvTable
from encoders.datasets.dataset_format import DatasetFormat
from encoders.datasets.labeled_collection import LabeledCollection
from encoders.datasets.labeled_item import LabeledItem, Part
from encoders.errors import DatasetError

__all__ = ["FORMAT", "read_audioset"]

_LABELS = "class_labels_indices.csv"
_SEGMENTS: dict[str, Part] = {
    "balanced_train_segments.csv": "train",
    "unbalanced_train_segments.csv": "train",
    "eval_segments.csv": "test",
}
_SECONDS = 10.0
_SHOWN = 3


def read_audioset(path: Path) -> LabeledCollection:
    """Read AudioSet (https://research.google.com/audioset/download.html) and what was extracted of its films.

    The folder has the published ``class_labels_indices.csv`` and one or more of ``balanced_train_segments.csv``,
    ``unbalanced_train_segments.csv`` (both are the part "train") and ``eval_segments.csv`` ("test"). A segment is
    called by its film and its start in seconds with three decimals, such as ``--4gqARaEJE_0.000``. Its sound is
    ``audio/--4gqARaEJE_0.000.wav`` (or ``.flac``, ``.ogg``, ``.oga``, ``.mp3``) and its frames are the pictures in
    ``frames/--4gqARaEJE_0.000/``, in the order of their names; where a film has a single segment, the start may be
    left out: ``audio/--4gqARaEJE.wav``. No program for the extraction comes with this.

    Segments of which there is neither are left out, counted as ``missing`` and told of in a warning: films vanish from
    the web. Items of which there is one have no ``audio`` or no ``images``. All classes are kept, in the order of
    their index.

    Args:
        path: The folder.

    Raises:
        DatasetError: If a table is wrong, two files are of one segment, or no segment has files.
    """
    tables = {path / name: part for name, part in _SEGMENTS.items() if (path / name).is_file()}
    if not tables:
        raise DatasetError(f"{path}: must have one or more of {', '.join(_SEGMENTS)} (got none)")
    labels = CsvTable(path / _LABELS, ("index", "mid", "display_name"))
    identifiers, classes = labels.unique_texts("mid"), labels.texts("display_name")
    indices = labels.whole_numbers("index", 0, len(classes) - 1)
    labels.unique_texts("index")
    labels.raise_problems()
    label_of = dict(zip(identifiers, indices, strict=True))
    segments, problems = read_segments(list(tables), label_of)
    files = AudiosetFiles(path, films=Counter(segment.film for segment in segments))
    problems += files.problems
    if problems:
        raise DatasetError(problems)
    items, missing = [], []
    for segment in segments:
        audio, images = files.sound(segment), files.frames(segment)
        if audio is None and not images:
            missing.append(segment.name)
        else:
            part = tables[segment.table]
            items.append(LabeledItem(segment.name, audio, images, segment.labels, part=part, recording=segment.film))
    if not items:
        wanted = f"{path / 'audio' / missing[0]}.wav"
        raise DatasetError(f"{path}: must have sounds or frames of its segments, such as {wanted} (got none)")
    if missing:
        shown = ", ".join(missing[:_SHOWN]) + (" ..." if len(missing) > _SHOWN else "")
        count = f"{len(missing)} of {len(segments)} segments"
        warnings.warn(f"{path}: {count} have neither sound nor frames and are left out: {shown}", stacklevel=3)
    named = tuple(name for _, name in sorted(zip(indices, classes, strict=True)))
    return LabeledCollection("audioset", tuple(items), named, multi_label=True, seconds=_SECONDS, missing=len(missing))


def _detect(path: Path) -> bool:
    return any((path / name).is_file() for name in _SEGMENTS)


FORMAT = DatasetFormat(
    "audioset", looks_for=f"{_LABELS} with {next(iter(_SEGMENTS))}", detect=_detect, read=read_audioset
)
