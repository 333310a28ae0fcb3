"""The items of a stage as its tasks need them."""

import warnings
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from torch import Tensor

from encoders.datasets import LabeledCollection, LabeledItem, class_weights, sample_weights
from encoders.errors import ArgumentError, ContentError
from encoders.training.options import TrainingOptions
from encoders.training.order import split_by_class
from encoders.training.stages.frame_samples import unreadable_frames
from encoders.training.stages.initial_weights import sample_rate_of
from encoders.training.stages.settings import StageSettings
from encoders.training.stages.sound_samples import SoundSamples
from encoders.training.stages.stage import find_stage

__all__ = ["StageData", "prepare_stage_data", "sound_seconds", "tell_problems"]

_SHOWN = 3


@dataclass(frozen=True)
class StageData:
    """Sounds with their labels, by part: train, valid and test, as far as there are any.

    Args:
        samples: The sounds.
        labels: Their classes. Shapes: (items, classes), bool.
        sample_weights: Weight of each training sound, or None if all weigh the same. Shape: (items,).
        left_out: Items that lack what the stage needs, or whose sound or frames cannot be read.
        problems: Why, by name of those that cannot be read.
    """

    samples: dict[str, SoundSamples]
    labels: dict[str, Tensor]
    sample_weights: Tensor | None
    left_out: int
    problems: dict[str, str]

    def items(self, part: str) -> list[LabeledItem]:
        """The items of a part."""
        return self.samples[part].items if part in self.samples else []

    @property
    def validation(self) -> tuple[SoundSamples, Tensor] | None:
        """What the epoch is chosen by."""
        return (self.samples["valid"], self.labels["valid"]) if "valid" in self.samples else None


def prepare_stage_data(
    collection: LabeledCollection,
    settings: StageSettings,
    options: TrainingOptions,
    *,
    train: Sequence[LabeledItem],
    test: Sequence[LabeledItem],
    strict: bool = False,
    on_decoded: Callable[[int, int], None] | None = None,
) -> StageData:
    """Choose the items that a stage can use, keep some back for validation, and decode their sounds.

    Raises:
        ArgumentError: If there is nothing to train on, or sounds have no length to be brought to.
        ContentError: If ``strict`` and an item cannot be read.

    Warns:
        UserWarning: If sounds or frames cannot be read; the first ones are named.
    """
    stage = find_stage(settings.stage)
    usable = [item for item in train if item.audio is not None and (item.images or not stage.uses_images)]
    if not usable:
        heard, seen = sum(item.audio is not None for item in train), sum(bool(item.images) for item in train)
        lacking = "a sound and a picture" if stage.uses_images else "a sound"
        raise ArgumentError(
            f"'{stage.name}' needs items with {lacking}; '{collection.name}' has none to train on (of {len(train)} "
            f"items {heard} have a sound and {seen} have pictures)"
        )
    kept, held = split_by_class(
        collection.label_matrix(usable),
        settings.validation_share,
        recordings=[item.recording or item.name for item in usable],
        seed=options.seed,
    )
    parts = {
        "train": [usable[place] for place in kept],
        "valid": [usable[place] for place in held],
        "test": [item for item in test if item.audio is not None],
    }
    problems = unreadable_frames(parts["train"]) if stage.uses_images else {}
    parts["train"] = [item for item in parts["train"] if item.name not in problems]
    samples = {
        name: SoundSamples(
            items,
            sample_rate=sample_rate_of(settings.size),
            seconds=sound_seconds(collection, settings),
            channels=settings.channels,
            rescale=settings.rescale,
            augment=settings.augment,
            seed=options.seed,
            cache_gigabytes=settings.cache_gigabytes,
        )
        for name, items in parts.items()
        if items
    }
    for made in samples.values():
        problems |= made.decode(on_decoded)
    tell_problems(problems, strict=strict)
    if not len(samples.get("train", ())):
        raise ArgumentError(f"nothing of '{collection.name}' that is to be trained on can be read")
    labels = {name: collection.label_matrix(made.items) for name, made in samples.items()}
    weights = None
    if settings.class_weighted:
        weights = sample_weights(labels["train"], class_weights(samples["train"].items, len(collection.classes)))
    used = sum(len(made) for made in samples.values())
    return StageData(samples, labels, weights, left_out=len(train) + len(test) - used, problems=problems)


def tell_problems(problems: Mapping[str, str], *, strict: bool = False) -> None:
    """Say which items cannot be read.

    Args:
        problems: Reason by name.
        strict: Refuse to go on without them.

    Raises:
        ContentError: If ``strict`` and there are any.

    Warns:
        UserWarning: Otherwise, with the first ones.
    """
    if not problems:
        return
    shown = "; ".join(list(problems.values())[:_SHOWN])
    if strict:
        raise ContentError(f"{len(problems)} items cannot be read: {shown}")
    warnings.warn(f"{len(problems)} items are left out: {shown}", stacklevel=3)


def sound_seconds(collection: LabeledCollection, settings: StageSettings) -> float:
    """The length that sounds are brought to.

    Raises:
        ArgumentError: If neither settings nor data set say it.
    """
    seconds = settings.seconds or collection.seconds
    if seconds is None:
        raise ArgumentError(f"'seconds' must be given, such as 5.0: sounds of '{collection.name}' have no set length")
    return seconds
