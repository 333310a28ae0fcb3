"""The stages in which AudioCLIP is trained."""

from dataclasses import dataclass

from encoders.errors import ArgumentError

__all__ = ["STAGES", "Stage", "find_stage"]


@dataclass(frozen=True)
class Stage:
    """One stage of the paper's section 4.3.

    Args:
        name: Of the stage.
        purpose: What it does, in a line.
        preset: Of :data:`~encoders.training.stages.presets.PRESETS`, the default.
        stand_alone: Whether the audio head is trained as a classifier by itself, without the other two.
        trains_all: Whether pictures' and texts' heads learn too; otherwise they are frozen.
        uses_images: Whether items need a picture.
    """

    name: str
    purpose: str
    preset: str
    stand_alone: bool = False
    trains_all: bool = False
    uses_images: bool = False


_ALL = (
    Stage(
        name="audio-pretrain",
        purpose="the audio head alone, as a classifier",
        stand_alone=True,
        preset="audioset",
    ),
    Stage(
        name="cooperative",
        purpose="the audio head against the frozen heads of pictures and texts",
        uses_images=True,
        preset="audioset",
    ),
    Stage(
        name="joint",
        purpose="all three heads",
        trains_all=True,
        uses_images=True,
        preset="audioset",
    ),
    Stage(
        name="finetune-standalone",
        purpose="the audio head alone, as a classifier of another data set",
        stand_alone=True,
        preset="finetune",
    ),
    Stage(
        name="finetune-cooperative",
        purpose="the audio head against the names of another data set's classes",
        preset="finetune",
    ),
)

STAGES: dict[str, Stage] = {stage.name: stage for stage in _ALL}
"""Stages by name, in their order."""


def find_stage(name: str) -> Stage:
    """The stage of this name.

    Raises:
        ArgumentError: If there is none.
    """
    if name not in STAGES:
        raise ArgumentError(f"'stage' must be one of {', '.join(STAGES)} (got {name!r})")
    return STAGES[name]
