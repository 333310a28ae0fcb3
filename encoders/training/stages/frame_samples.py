"""Pictures of a data set's items as the image head's input."""

import warnings
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from encoders.content import read_image
from encoders.datasets import LabeledItem, evaluation_frame, ten_frames, training_frame
from encoders.errors import ArgumentError, ContentError
from encoders.image_preprocess import ImagePreprocess
from encoders.training.stages.drawn_samples import EVALUATION, DrawnSamples

__all__ = ["FrameSamples", "unreadable_frames"]

# Sounds and frames of an epoch draw from sources of their own.
_FRAMES = 1


class FrameSamples(DrawnSamples):
    """One frame an item: in training one of up to ten, by chance, in evaluation the central one.

    From AudioCLIP's paper, section 4.1.

    Args:
        items: Each with a picture at least.
        preprocess: From a picture to the head's input.
        seed: Of the choice.

    Raises:
        ArgumentError: If an item has no picture.
    """

    def __init__(self, items: Sequence[LabeledItem], *, preprocess: ImagePreprocess, seed: int = 0) -> None:
        blind = [item.name for item in items if not item.images]
        if blind:
            raise ArgumentError(f"every item must have a picture; {len(blind)} have none, such as {blind[0]}")
        self.frames = [ten_frames(item.images) for item in items]
        self.preprocess, self.seed = preprocess, seed
        # Item after item, for all frames of all items in one row.
        self.first = np.cumsum([0, *map(len, self.frames)])

    def __len__(self) -> int:
        """Number of items."""
        return len(self.frames)

    def choose(self, epoch: int, place: int) -> int:
        """Which of an item's frames is seen in an epoch, from 0."""
        numbers = range(len(self.frames[place]))
        if epoch == EVALUATION:
            return evaluation_frame(numbers)
        return training_frame(numbers, np.random.default_rng((self.seed, epoch, place, _FRAMES)))

    def __getitem__(self, draw: tuple[int, int]) -> Tensor:
        """The sample of an epoch and a place. Shape: (3, resolution, resolution), float32."""
        epoch, place = draw
        return self.pixels(place, self.choose(epoch, place))

    def pixels(self, place: int, number: int) -> Tensor:
        """One frame of one item, or the next one that can be read. Shape: (3, resolution, resolution), float32.

        Raises:
            ContentError: If none of the item's can be.

        Warns:
            UserWarning: If another frame stands in.
        """

        def tell(error: ContentError) -> None:
            warnings.warn(f"{error}; another frame of its item stands in", stacklevel=4)

        return _first_readable(self.frames[place], number, self.preprocess, tell)


def unreadable_frames(items: Sequence[LabeledItem]) -> dict[str, str]:
    """Reason by name of the items of whose frames none can be read."""

    def reason(item: LabeledItem) -> str | None:
        frames = ten_frames(item.images)
        problems: list[ContentError] = []
        try:
            _first_readable(frames, evaluation_frame(range(len(frames))), ImagePreprocess(), problems.append)
        except ContentError as error:
            return str([*problems, error][0])
        return None

    with ThreadPoolExecutor(torch.get_num_threads()) as threads:
        reasons = dict(zip((item.name for item in items), threads.map(reason, items), strict=True))
    return {name: text for name, text in reasons.items() if text is not None}


def _first_readable(
    paths: Sequence[Path], number: int, preprocess: ImagePreprocess, on_problem: Callable[[ContentError], None]
) -> Tensor:
    """Pixels of a frame, or of the next one after it, in a circle, that can be read; the last problem is raised."""
    for step in range(len(paths)):
        try:
            return preprocess(read_image(paths[(number + step) % len(paths)])).samples[0]
        except ContentError as error:
            if step == len(paths) - 1:
                raise
            on_problem(error)
    raise ArgumentError("every item must have a picture")
