"""Labelled sounds and pictures from the layouts in which data sets are published.

:func:`read_collection` reads what a folder names; sounds and pictures are decoded later, one at a time, by
:func:`load_sound` and :func:`~encoders.content.read_image`. No layout is downloaded.
"""

from encoders.datasets.audioset import read_audioset
from encoders.datasets.esc50 import read_esc50
from encoders.datasets.folders import read_folders
from encoders.datasets.frames import evaluation_frame, ten_frames, training_frame
from encoders.datasets.images import read_images
from encoders.datasets.label_weights import class_weights, sample_weights
from encoders.datasets.labeled_collection import LabeledCollection
from encoders.datasets.labeled_item import LabeledItem, Part
from encoders.datasets.load_sound import load_sound
from encoders.datasets.reading import list_formats, read_collection
from encoders.datasets.urbansound8k import read_urbansound8k

__all__ = [
    "LabeledCollection",
    "LabeledItem",
    "Part",
    "class_weights",
    "evaluation_frame",
    "list_formats",
    "load_sound",
    "read_audioset",
    "read_collection",
    "read_esc50",
    "read_folders",
    "read_images",
    "read_urbansound8k",
    "sample_weights",
    "ten_frames",
    "training_frame",
]
