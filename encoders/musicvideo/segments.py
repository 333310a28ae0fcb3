"""Which pieces of a film are its segments."""

import hashlib
import math
from dataclasses import dataclass

import numpy as np

from encoders.errors import ArgumentError

__all__ = ["Segment", "draw_segments"]


@dataclass(frozen=True)
class Segment:
    """A piece of a film.

    Args:
        section: Of the film, from 0.
        start_seconds: From the film's start.
        seconds: How long it is.
    """

    section: int
    start_seconds: float
    seconds: float


def draw_segments(
    film_seconds: float, *, film: str, seed: int = 0, sections: int = 6, seconds: float = 5.0
) -> list[Segment]:
    """Cut a film into equal sections and draw a piece of each, after Veldkamp et al. (2023), figure 2.

    The start of a piece is uniform between its section's start and ``seconds`` before its end, so that pieces never
    overlap. Sections that are shorter than a piece give the piece around their centre, moved to lie within the film:
    such pieces overlap, and are the same in every draw. A film shorter than a piece is one segment, as long as itself.

    Args:
        film_seconds: Length of the film.
        film: Its name; with the seed it decides the draw.
        seed: Another one gives other pieces.
        sections: Number of sections.
        seconds: Length of a piece.

    Raises:
        ArgumentError: If a number is not positive and finite.

    Example:
        >>> [segment.start_seconds for segment in draw_segments(20.0, film="short", sections=2, seconds=12.0)]
        [0.0, 8.0]
    """
    for name, value in (("film_seconds", film_seconds), ("seconds", seconds)):
        if not (value > 0 and math.isfinite(value)):
            raise ArgumentError(f"'{name}' must be positive and finite (got {value})")
    if sections < 1:
        raise ArgumentError(f"'sections' must be a positive integer (got {sections})")
    if film_seconds < seconds:
        return [Segment(0, 0.0, film_seconds)]
    length = film_seconds / sections
    section_starts = np.arange(sections) * length
    if length < seconds:
        starts = (section_starts + (length - seconds) / 2).clip(0, film_seconds - seconds)
    else:
        digest = hashlib.blake2b(f"{seed}\0{film}".encode("utf-8", "surrogatepass"), digest_size=16).digest()
        random = np.random.default_rng(int.from_bytes(digest, "little"))
        starts = section_starts + random.random(sections) * (length - seconds)
    return [Segment(section, start, seconds) for section, start in enumerate(starts.tolist())]
