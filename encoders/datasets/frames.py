"""Which frames of a film stand for it."""

from collections.abc import Sequence
from typing import TypeVar

from encoders.augmentation import RandomSource
from encoders.errors import ArgumentError

__all__ = ["evaluation_frame", "ten_frames", "training_frame"]

Frame = TypeVar("Frame")


def ten_frames(images: Sequence[Frame], count: int = 10) -> tuple[Frame, ...]:
    """Equally distant frames, from the first to the last of those extracted (AudioCLIP, section 4.1).

    Args:
        images: Frames in the order of time, or their files.
        count: How many; the middle one if it is a single one.

    Returns:
        Places are rounded to the nearest; all frames if there are no more.

    Raises:
        ArgumentError: If ``count`` is not positive.

    Example:
        >>> ten_frames(range(100))
        (0, 11, 22, 33, 44, 55, 66, 77, 88, 99)
    """
    if count < 1:
        raise ArgumentError(f"'count' must be a positive integer (got {count})")
    if len(images) <= count:
        return tuple(images)
    if count == 1:
        return (evaluation_frame(images),)
    last, gaps = len(images) - 1, count - 1
    return tuple(images[(2 * step * last + gaps) // (2 * gaps)] for step in range(count))


def training_frame(frames: Sequence[Frame], random: RandomSource) -> Frame:
    """One of the frames, all equally likely, as AudioCLIP's training takes it (section 4.1).

    Raises:
        ArgumentError: If there are none.
    """
    _require_some(frames)
    return frames[int(random.integers(0, len(frames)))]


def evaluation_frame(frames: Sequence[Frame]) -> Frame:
    """The central frame, as AudioCLIP's evaluation takes it (section 4.1); the later of two.

    Raises:
        ArgumentError: If there are none.
    """
    _require_some(frames)
    return frames[len(frames) // 2]


def _require_some(frames: Sequence[Frame]) -> None:
    if not frames:
        raise ArgumentError("'frames' must be at least one (got none)")
