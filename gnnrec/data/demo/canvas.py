"""What the shapes of the demo pictures are drawn on."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

if TYPE_CHECKING:
    from PIL import ImageDraw

__all__ = ["Canvas"]

Points = Sequence[tuple[float, float]]


@dataclass(frozen=True, eq=False)
class Canvas:
    """A square picture in the making.

    Args:
        draw: Draws into the picture.
        size: Pixels a side.
        colours: The world's own four colours, ``"#rrggbb"``.
        other_colours: The second world's four colours.
        share: Share of the world's own colours.
        mood: From -1 (calm) to 1 (lively).
        random: Source of randomness.
    """

    draw: "ImageDraw.ImageDraw"
    size: int
    colours: Sequence[str]
    other_colours: Sequence[str]
    share: float
    mood: float
    random: np.random.Generator

    def count(self, few: int, many: int) -> int:
        """From ``few`` for the calmest mood to ``many`` for the liveliest."""
        return round(few + (many - few) * (self.mood + 1) / 2)

    def between(self, low: float, high: float) -> float:
        """A random length, in shares of the picture's side given by ``low`` and ``high``."""
        return float(self.random.uniform(low, high)) * self.size

    def colour(self, *choices: int) -> str:
        """One of the numbered colours; the second world's now and then."""
        number = int(self.random.choice(choices))
        return (self.colours if self.random.random() < self.share else self.other_colours)[number]

    def sky(self, above: str, below: str) -> None:
        """Fill the picture with a gradient."""
        ends = [np.array(list(bytes.fromhex(code[1:]))) for code in (above, below)]
        for row, weight in enumerate(np.linspace(0, 1, self.size)):
            red, green, blue = np.rint(ends[0] * (1 - weight) + ends[1] * weight).astype(int).tolist()
            self.draw.line((0, row, self.size, row), fill=(red, green, blue))

    def disc(self, colour: str, x: float, y: float, radius: float) -> None:
        """A filled circle."""
        self.draw.ellipse((x - radius, y - radius, x + radius, y + radius), fill=colour)

    def polygon(self, colour: str, points: Points) -> None:
        """A filled polygon."""
        self.draw.polygon(list(points), fill=colour)

    def line(self, colour: str, points: Points, width: float) -> None:
        """A line with rounded corners."""
        self.draw.line(list(points), fill=colour, width=max(1, round(width)), joint="curve")

    def ridge(self, colour: str, top: npt.NDArray[np.float64]) -> None:
        """Fill everything below a line, given by its height at evenly spaced places from left to right."""
        across = np.linspace(0, self.size, top.size).tolist()
        line = zip(across, top.tolist(), strict=True)
        self.polygon(colour, [*line, (self.size, self.size), (0, self.size)])

    def turn(self, x: float, y: float, radius: float, angle: float) -> tuple[float, float]:
        """The point at ``radius`` and ``angle`` (radians) from a centre."""
        return x + radius * float(np.cos(angle)), y + radius * float(np.sin(angle))
