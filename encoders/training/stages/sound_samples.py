"""Sounds of a data set as a network's input, augmented or not."""

from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import torch
from torch import Tensor

from encoders.augmentation import audioclip_augmentation, audioclip_evaluation
from encoders.datasets import LabeledItem, load_sound
from encoders.errors import ArgumentError, ContentError
from encoders.training.stages.drawn_samples import EVALUATION, DrawnSamples

__all__ = ["SoundSamples"]

_FULL_SCALE = 32767.0
_BYTES = 2**30
_AT_ONCE = 32


class SoundSamples(DrawnSamples):
    """Sounds of equal length.

    Args:
        items: Each with a sound.
        sample_rate: Samples a second.
        seconds: Length of the samples.
        channels: 1 or 2.
        rescale: See :func:`~encoders.datasets.load_sound`.
        augment: Whether epochs of training are augmented.
        seed: Of the augmentation.
        cache_gigabytes: Decoded sounds kept in memory at most, as 16-bit numbers.

    Raises:
        ArgumentError: If an item has no sound.
    """

    def __init__(
        self,
        items: Sequence[LabeledItem],
        *,
        sample_rate: int,
        seconds: float,
        channels: int = 1,
        rescale: bool = False,
        augment: bool = True,
        seed: int = 0,
        cache_gigabytes: float = 2.0,
    ) -> None:
        silent = [item.name for item in items if item.audio is None]
        if silent:
            raise ArgumentError(f"every item must have a sound; {len(silent)} have none, such as {silent[0]}")
        self.items = list(items)
        self.sample_rate, self.channels, self.rescale, self.seed = sample_rate, channels, rescale, seed
        self.length = round(seconds * sample_rate)
        self.evaluation = audioclip_evaluation(self.length)
        self.augmentation = audioclip_augmentation(self.length) if augment else self.evaluation
        self._budget = int(cache_gigabytes * _BYTES)
        self._decoded: dict[int, Tensor] = {}

    def __len__(self) -> int:
        """Number of sounds."""
        return len(self.items)

    def decode(self, on_decoded: Callable[[int, int], None] | None = None) -> dict[str, str]:
        """Decode all sounds once, and keep as many as the budget allows; worker processes then share them.

        Items whose sound cannot be read are left out, so that none ends the training later.

        Args:
            on_decoded: Called with the number of sounds looked at and of all.

        Returns:
            Reason by name of the items that were left out.
        """
        left = self._budget - sum(waveform.nbytes for waveform in self._decoded.values())
        problems: dict[int, str] = {}
        places = [place for place in range(len(self.items)) if place not in self._decoded]
        with ThreadPoolExecutor(torch.get_num_threads()) as threads:
            # A few at a time, so that what exceeds the budget is not in memory all together.
            for start in range(0, len(places), _AT_ONCE):
                chunk = places[start : start + _AT_ONCE]
                for place, found in zip(chunk, threads.map(self._try_to_load, chunk), strict=True):
                    if isinstance(found, str):
                        problems[place] = found
                        continue
                    left -= found.nbytes
                    if left >= 0:
                        self._decoded[place] = found
                if on_decoded:
                    on_decoded(min(start + _AT_ONCE, len(places)), len(places))
        return self._leave_out(problems)

    def _try_to_load(self, place: int) -> Tensor | str:
        try:
            return self._load(place)
        except ContentError as error:
            return str(error)

    def _leave_out(self, problems: dict[int, str]) -> dict[str, str]:
        kept = [place for place in range(len(self.items)) if place not in problems]
        named = {self.items[place].name: reason for place, reason in problems.items()}
        self._decoded = {new: self._decoded[place] for new, place in enumerate(kept) if place in self._decoded}
        self.items = [self.items[place] for place in kept]
        return named

    def __getitem__(self, draw: tuple[int, int]) -> Tensor:
        """The sample of an epoch and a place. Shape: (channels, samples), float32 between -1 and 1."""
        epoch, place = draw
        waveform = self._decoded.get(place)
        if waveform is None:
            waveform = self._load(place)
        random = np.random.default_rng((self.seed, epoch, place))
        transform = self.evaluation if epoch == EVALUATION else self.augmentation
        return transform(waveform.to(torch.float32) / _FULL_SCALE, random)

    def _load(self, place: int) -> Tensor:
        waveform = load_sound(
            self.items[place], sample_rate=self.sample_rate, channels=self.channels, rescale=self.rescale
        )
        return (waveform * _FULL_SCALE).round().to(torch.int16)
