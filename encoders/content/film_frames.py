"""Frames of a film at wanted times, decoded one after the other."""

import math
from collections.abc import Iterable
from fractions import Fraction
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
import numpy.typing as npt

if TYPE_CHECKING:
    from av.container import InputContainer
    from av.video.frame import VideoFrame
    from av.video.stream import VideoStream

__all__ = ["Span", "film_span", "frame_times", "nearest_frames"]

_USUAL_RATE = 25
_ROUNDING = 1e-6


class Span(NamedTuple):
    """When a film is.

    Args:
        start: Time of the first frame, in seconds.
        seconds: From the start of the first frame to the end of the last.
        frame_seconds: How long a frame is shown, on average.
    """

    start: float
    seconds: float
    frame_seconds: float


def film_span(container: "InputContainer", stream: "VideoStream") -> Span:
    """Read the times of all packets, without decoding: what headers say of the duration is often wrong.

    Raises:
        ValueError: If there are no packets or one of them is damaged.
    """
    frame_seconds = float(1 / (stream.average_rate or stream.guessed_rate or Fraction(_USUAL_RATE)))
    unit = float(stream.time_base or 1)
    start, end, packets = math.inf, -math.inf, 0
    for packet in container.demux(stream):
        if packet.is_corrupt:
            raise ValueError("a part of the stream is missing")
        packets += packet.size > 0
        ticks = packet.dts if packet.pts is None else packet.pts
        if ticks is not None:
            start = min(start, ticks * unit)
            end = max(end, ticks * unit + (packet.duration * unit if packet.duration else frame_seconds))
    if packets == 0:
        raise ValueError("it has no frames")
    if start > end:  # no packet has a time
        start, end = 0.0, packets * frame_seconds
    return Span(start, end - start, frame_seconds)


def frame_times(seconds: float, frames_per_second: float, max_frames: int) -> tuple[npt.NDArray[np.float64], float]:
    """The regular grid of times at which frames are wanted, and its rate.

    Args:
        seconds: The film's length.
        frames_per_second: The wanted rate.
        max_frames: If the wanted rate needs more frames, the rate is lowered to give as many.

    Returns:
        Times from 0 on, each less than ``seconds``, of shape (frames,); frames a second.
    """
    # A film of whole periods has no frame at its very end, whatever rounding says.
    needed = max(1, math.ceil(min(seconds * frames_per_second - _ROUNDING, max_frames + 1)))
    if needed <= max_frames:
        return np.arange(needed, dtype=np.float64) / frames_per_second, frames_per_second
    return np.arange(max_frames, dtype=np.float64) * (seconds / max_frames), max_frames / seconds


def nearest_frames(
    decoded: Iterable["VideoFrame"],
    span: Span,
    times: npt.NDArray[np.float64],
    max_pixels: int,
    *,
    max_size: tuple[int, int] | None = None,
) -> npt.NDArray[np.uint8]:
    """Decode frames and keep the one nearest to each time, of two that are as near the earlier.

    Args:
        decoded: Frames in order, each decoded when it is asked for.
        span: What :func:`film_span` gave.
        times: Ascending, in seconds from the span's start. Shape: (frames,).
        max_pixels: Larger frames are refused.
        max_size: Greatest width and height; larger frames are scaled down to fit, to even numbers of pixels.

    Returns:
        Shape: (frames, height, width, 3), uint8; frames of another size than the first are scaled to it.

    Raises:
        ValueError: If there is no frame or one is too large.
    """
    kept: npt.NDArray[np.uint8] | None = None
    previous: VideoFrame | None = None
    previous_time, filled = -span.frame_seconds, 0
    for frame in decoded:
        if frame.width * frame.height > max_pixels:
            raise ValueError(f"it has frames of {frame.width} x {frame.height} pixels, more than {max_pixels}")
        time = previous_time + span.frame_seconds if frame.time is None else frame.time - span.start
        if previous is not None:
            until = int(np.searchsorted(times, (previous_time + time) / 2 + _ROUNDING, side="right"))
            kept, filled = _keep(kept, previous, filled, until, len(times), max_size)
        if filled == len(times):
            break
        previous, previous_time = frame, time
    if previous is None:
        raise ValueError("it has no frames")
    kept, _ = _keep(kept, previous, filled, len(times), len(times), max_size)
    assert kept is not None
    return kept


def _keep(
    kept: npt.NDArray[np.uint8] | None,
    frame: "VideoFrame",
    filled: int,
    until: int,
    count: int,
    max_size: tuple[int, int] | None,
) -> tuple[npt.NDArray[np.uint8] | None, int]:
    """Write a frame to the places from ``filled`` to ``until``; the first one decides the size of all."""
    if until <= filled:
        return kept, filled
    quarters = round(frame.rotation / 90)  # counter-clockwise, as cameras that were turned note it
    turned = quarters % 2 == 1
    if kept is None:
        shown = (frame.height, frame.width) if turned else (frame.width, frame.height)
        width, height = shown if max_size is None else _fitted(*shown, *max_size)
        kept = np.empty((count, height, width, 3), dtype=np.uint8)
    height, width = kept.shape[2:0:-1] if turned else kept.shape[1:3]
    kept[filled:until] = np.rot90(frame.to_ndarray(format="rgb24", width=width, height=height), quarters)
    return kept, until


def _fitted(width: int, height: int, max_width: int, max_height: int) -> tuple[int, int]:
    """The largest size of this shape that fits and is not above the size itself; even, as film codecs need it."""
    scale = min(1.0, max_width / width, max_height / height)
    fitted_width, fitted_height = (max(2, 2 * int(length * scale / 2 + _ROUNDING)) for length in (width, height))
    return fitted_width, fitted_height
