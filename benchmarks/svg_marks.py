"""Small pieces of plots as SVG."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from html import escape

__all__ = [
    "Picture",
    "Scale",
    "circle_or_other",
    "dash_of",
    "even_ticks",
    "group",
    "line",
    "log_ticks",
    "spread_labels",
    "text",
]

_DASHES = ("", "7 4", "2 4", "9 3 2 3")
_LETTER = 7.0
"""About the width of a letter."""


class Scale:
    """Maps values to places on the picture, linearly.

    Args:
        low: Least value.
        high: Largest; a range of nothing is widened.
        start: Where the least goes.
        end: Where the largest goes.
        margin: Share of the range that is left free at both ends.
    """

    def __init__(self, low: float, high: float, start: float, end: float, margin: float = 0.06) -> None:
        room = (high - low) * margin or (0.5 if low == high else 0.0)
        self.low, self.high, self.start, self.end = low - room, high + room, start, end

    def __call__(self, value: float) -> float:
        """The place of a value."""
        return self.start + (value - self.low) / (self.high - self.low) * (self.end - self.start)

    @property
    def middle(self) -> float:
        """The place between both ends."""
        return (self.start + self.end) / 2


def even_ticks(low: float, high: float, count: int, *, whole: bool = False) -> list[float]:
    """About ``count`` round values between two, steps of 1, 2 or 5 times a power of ten."""
    if high <= low:
        return [low]
    rough = (high - low) / count
    power = 10.0 ** math.floor(math.log10(rough))
    step = next(factor * power for factor in (1, 2, 5, 10) if factor * power >= rough * 0.999)
    step = max(step, 1.0) if whole else step
    first = math.ceil(low / step - 1e-9)
    return [place * step for place in range(first, math.floor(high / step + 1e-9) + 1)] or [low]


def log_ticks(low: float, high: float) -> list[float]:
    """Round values between two on a logarithmic axis, fewer where it is long."""
    if high <= low:
        return [float(f"{low:.2g}")]
    powers = range(math.floor(math.log10(low)), math.ceil(math.log10(high)) + 1)
    for factors in ((1, 2, 5), (1, 3), (1,)):
        found = [factor * 10.0**power for power in powers for factor in factors]
        found = [value for value in found if low * 0.999 <= value <= high * 1.001]
        if len(found) <= 7:
            break
    return found or [float(f"{low:.2g}")]


@dataclass(frozen=True)
class Picture:
    """A picture of lines, marks and words.

    Args:
        width: Its width.
        height: Its height.
        title: What it shows, for those who do not see it.
        parts: Its elements.
    """

    width: int
    height: int
    title: str
    parts: tuple[str, ...]

    def markup(self, top: int = 0) -> str:
        """As SVG, in a file, in a page, or so far down in another picture."""
        size = f'viewBox="0 0 {self.width} {self.height}" width="{self.width}" height="{self.height}"'
        name = f'y="{top}" role="img" aria-label="{escape(self.title, quote=True)}"'
        return f'<svg xmlns="http://www.w3.org/2000/svg" {size} {name}>{"".join(self.parts)}</svg>'


def text(x: float, y: float, content: str, kind: str = "", anchor: str = "start") -> str:
    """Words at a place."""
    style = f' class="{kind}"' if kind else ""
    where = f' text-anchor="{anchor}"' if anchor != "start" else ""
    if content[:1] == "-":
        content = "\N{MINUS SIGN}" + content[1:]
    return f'<text x="{x:.1f}" y="{y:.1f}"{style}{where}>{escape(content)}</text>'


def line(x1: float, y1: float, x2: float, y2: float, kind: str) -> str:
    """A straight line."""
    return f'<line class="{kind}" x1="{x1:.1f}" y1="{y1:.1f}" x2="{x2:.1f}" y2="{y2:.1f}"/>'


def group(kind: str, parts: Sequence[str], said: str) -> str:
    """Parts of one colour, with words that a pointer shows."""
    return f'<g class="{kind}"><title>{escape(said)}</title>{"".join(parts)}</g>'


def circle_or_other(x: float, y: float, regime: str, size: float = 5.0) -> str:
    """The mark of a regime: told apart without colours, too."""
    if regime == "finetune":
        return f'<rect class="mark" x="{x - size:.1f}" y="{y - size:.1f}" width="{2 * size}" height="{2 * size}"/>'
    if regime == "end-to-end":
        tip = size * 1.4
        points = f"{x:.1f},{y - tip:.1f} {x + tip:.1f},{y:.1f} {x:.1f},{y + tip:.1f} {x - tip:.1f},{y:.1f}"
        return f'<polygon class="mark" points="{points}"/>'
    if regime == "file":
        points = f"{x:.1f},{y - size * 1.3:.1f} {x + size * 1.2:.1f},{y + size:.1f} {x - size * 1.2:.1f},{y + size:.1f}"
        return f'<polygon class="mark" points="{points}"/>'
    return f'<circle class="mark" cx="{x:.1f}" cy="{y:.1f}" r="{size}"/>'


def dash_of(place: int) -> str:
    """Attribute of the dashes of the so many-th kind of line."""
    dash = _DASHES[place % len(_DASHES)]
    return f' stroke-dasharray="{dash}"' if dash else ""


def spread_labels(
    labels: Sequence[tuple[float, float, str]],
    marks: Sequence[tuple[float, float]],
    left: float,
    right: float,
    top: float,
    bottom: float,
) -> list[str]:
    """Labels beside their marks, moved up or down until none lies on another or on a mark.

    Args:
        labels: Place of the mark and the words.
        marks: Places of all marks.
        left: Left end of the room.
        right: Right end.
        top: Upper end.
        bottom: Lower end.
    """
    placed = [(x - 9, y + 4, 18.0) for x, y in marks]
    parts = []
    for x, y, content in sorted(labels, key=lambda label: label[1]):
        width = len(content) * _LETTER
        toward_left = x + 12 + width > right and x - 12 - width > left
        start = x - 12 - width if toward_left else min(x + 12, max(right - width, left))
        baseline = _free_baseline(placed, start, width, y + 4, top, bottom)
        placed.append((start, baseline, width))
        if abs(baseline - 4 - y) > 12:  # far enough to wonder which mark it is of
            parts.append(line(x, y, start + width + 3 if toward_left else start - 3, baseline - 4, "leader"))
        anchor = "end" if toward_left else "start"
        parts.append(text(start + width if toward_left else start, baseline, content, "label", anchor=anchor))
    return parts


def _free_baseline(
    placed: Sequence[tuple[float, float, float]], start: float, width: float, wanted: float, top: float, bottom: float
) -> float:
    """The nearest free line to the wanted one; the wanted one where all are taken."""
    for distance in range(0, 200, 3):
        for candidate in (wanted + distance, wanted - distance):
            clear = all(
                abs(candidate - other) >= 15 or start + width < begin or begin + wide < start
                for begin, other, wide in placed
            )
            if clear and top <= candidate <= bottom:
                return candidate
    return wanted
