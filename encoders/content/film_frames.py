"""Frames of a film at wanted times, decoded one after the other."""

import math
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
    container: "InputContainer", stream: "VideoStream", span: Span, times: npt.NDArray[np.float64], max_pixels: int
) -> npt.NDArray[np.uint8]:
    """Decode the film and keep the frame nearest to each time, of two that are as near the earlier.

    Args:
        container: The film, at its start.
        stream: The stream to decode.
        span: What :func:`film_span` gave.
        times: Ascending, in seconds from the span's start. Shape: (frames,).
        max_pixels: Larger frames are refused.

    Returns:
        Shape: (frames, height, width, 3), uint8; frames of another size than the first are scaled to it.

    Raises:
        ValueError: If there is no frame or one is too large.
    """
    kept: npt.NDArray[np.uint8] | None = None
    previous: VideoFrame | None = None
    previous_time, filled = -span.frame_seconds, 0
    for frame in container.decode(stream):
        if frame.width * frame.height > max_pixels:
            raise ValueError(f"it has frames of {frame.width} x {frame.height} pixels, more than {max_pixels}")
        time = previous_time + span.frame_seconds if frame.time is None else frame.time - span.start
        if previous is not None:
            until = int(np.searchsorted(times, (previous_time + time) / 2 + _ROUNDING, side="right"))
            kept, filled = _keep(kept, previous, filled, until, len(times))
        if filled == len(times):
            break
        previous, previous_time = frame, time
    if previous is None:
        raise ValueError("it has no frames")
    kept, _ = _keep(kept, previous, filled, len(times), len(times))
    assert kept is not None
    return kept


def _keep(
    kept: npt.NDArray[np.uint8] | None, frame: "VideoFrame", filled: int, until: int, count: int
) -> tuple[npt.NDArray[np.uint8] | None, int]:
    """Write a frame to the places from ``filled`` to ``until``; the first one decides the size of all."""
    if until <= filled:
        return kept, filled
    quarters = round(frame.rotation / 90)  # counter-clockwise, as cameras that were turned note it
    if kept is None:
        pixels = np.rot90(frame.to_ndarray(format="rgb24"), quarters)
        kept = np.empty((count, *pixels.shape), dtype=np.uint8)
    else:
        height, width = kept.shape[1:3] if quarters % 2 == 0 else kept.shape[2:0:-1]
        pixels = np.rot90(frame.to_ndarray(format="rgb24", width=width, height=height), quarters)
    kept[filled:until] = pixels
    return kept, until
