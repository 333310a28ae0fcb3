"""How films are cut."""

import math
from dataclasses import dataclass

from encoders.errors import ArgumentError

__all__ = ["SegmentOptions"]


@dataclass(frozen=True)
class SegmentOptions:
    """What segments are; the defaults are those of Veldkamp et al. (2023).

    Args:
        sections: Equal parts of a film; each gives a segment.
        seconds: Length of a segment.
        frames_per_second: Frames kept; a segment has ``seconds`` times as many.
        max_width: Larger frames are scaled down to fit.
        max_height: As well.
        sample_rate: Of the sound, samples a second.
        seed: Of the draw.

    Raises:
        ArgumentError: If a value cannot work.
    """

    sections: int = 6
    seconds: float = 5.0
    frames_per_second: float = 10.0
    max_width: int = 768
    max_height: int = 432
    sample_rate: int = 16_000
    seed: int = 0

    def __post_init__(self) -> None:
        for name, smallest in (("sections", 1), ("max_width", 16), ("max_height", 16), ("sample_rate", 1_000)):
            value = getattr(self, name)
            if isinstance(value, bool) or not isinstance(value, int) or value < smallest:
                raise ArgumentError(f"'{name}' must be an integer of at least {smallest} (got {value!r})")
        for name in ("seconds", "frames_per_second"):
            value = getattr(self, name)
            if not (value > 0 and math.isfinite(value)):
                raise ArgumentError(f"'{name}' must be positive and finite (got {value})")
