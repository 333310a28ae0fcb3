"""What a stage is given beside data and options of the optimizer."""

from dataclasses import dataclass

from encoders.audioclip.presets import PRESETS
from encoders.errors import ArgumentError
from encoders.training.stages.stage import find_stage

__all__ = ["StageSettings"]


@dataclass(frozen=True)
class StageSettings:
    """Settings of one stage.

    Args:
        stage: Name of the stage (:data:`~encoders.training.stages.STAGES`).
        size: Preset of AudioCLIP's size: ``"audioclip"`` is the paper's.
        seconds: Length that sounds are brought to [default: the data set's].
        channels: 1 (mixed down) or 2.
        rescale: Stretch each sound to the full range, as the released loader of UrbanSound8K does.
        augment: Whether to augment the sounds of training.
        class_weighted: Whether samples of rare classes weigh more.
        validation_share: Share of the training items kept back to choose the epoch, 0 for none: then the last one
            counts.
        workers: Processes that decode and augment; 0 does it in this one.
        cache_gigabytes: Decoded sounds kept in memory at most; the others are decoded each time.

    Raises:
        ArgumentError: If a value cannot work.
    """

    stage: str
    size: str = "audioclip"
    seconds: float | None = None
    channels: int = 1
    rescale: bool = False
    augment: bool = True
    class_weighted: bool = False
    validation_share: float = 0.0
    workers: int = 0
    cache_gigabytes: float = 2.0

    def __post_init__(self) -> None:
        find_stage(self.stage)
        if self.size not in PRESETS:
            raise ArgumentError(f"'size' must be one of {', '.join(PRESETS)} (got {self.size!r})")
        if self.seconds is not None and not self.seconds > 0:
            raise ArgumentError(f"'seconds' must be positive or None (got {self.seconds})")
        if self.channels not in (1, 2):
            raise ArgumentError(f"'channels' must be 1 or 2 (got {self.channels})")
        if not 0 <= self.validation_share < 1:
            raise ArgumentError(f"'validation_share' must be at least 0 and below 1 (got {self.validation_share})")
        if self.workers < 0:
            raise ArgumentError(f"'workers' must be at least 0 (got {self.workers})")
        if not self.cache_gigabytes >= 0:
            raise ArgumentError(f"'cache_gigabytes' must be at least 0 (got {self.cache_gigabytes})")
