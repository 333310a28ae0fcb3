"""Pictures of a data set's items as the image head's input."""

from collections.abc import Sequence

import numpy as np
from torch import Tensor

from encoders.datasets import LabeledItem, evaluation_frame, ten_frames, training_frame
from encoders.errors import ArgumentError
from encoders.image_preprocess import ImagePreprocess
from encoders.training.stages.drawn_samples import EVALUATION, DrawnSamples

__all__ = ["FrameSamples"]

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
        """One frame of one item. Shape: (3, resolution, resolution), float32."""
        path = self.frames[place][number]
        return self.preprocess(self.preprocess.read(path.read_bytes(), str(path))).samples[0]
