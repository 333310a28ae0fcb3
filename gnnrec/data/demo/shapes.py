"""The shapes of each world in the demo pictures."""

from collections.abc import Callable, Mapping

import numpy as np

from gnnrec.data.demo.canvas import Canvas

__all__ = ["SHAPES"]


def _tide(canvas: Canvas) -> None:
    """Bands of waves, darker towards the front, under a pale sun."""
    canvas.disc(canvas.colour(3), canvas.between(0.2, 0.8), canvas.between(0.12, 0.28), canvas.between(0.06, 0.11))
    across = np.linspace(0, 2 * np.pi, 129)
    layers = canvas.count(4, 8)
    for layer in range(layers):
        swell = np.sin(across * canvas.random.uniform(1, 3.5) + canvas.random.uniform(0, 6.3))
        height = canvas.size * (0.38 + 0.56 * layer / layers)
        canvas.ridge(canvas.colour(min(2, layer * 3 // layers)), height - canvas.size * 0.035 * swell)


def _forest(canvas: Canvas) -> None:
    """Fir trees, the near ones larger."""
    number = canvas.count(9, 22)
    for depth in range(number):
        scale = 0.5 + 0.9 * depth / number
        x, foot = canvas.between(0, 1), canvas.size * (0.6 + 0.48 * depth / number)
        width, height = canvas.between(0.07, 0.11) * scale, canvas.between(0.3, 0.45) * scale
        canvas.line(canvas.colours[3], [(x, foot), (x, foot - height / 3)], 0.025 * canvas.size * scale)
        colour = canvas.colour(min(2, depth * 3 // number))
        for tier in range(3):
            low = foot - height * (0.15 + 0.25 * tier)
            half = width * (1 - 0.25 * tier)
            canvas.polygon(colour, [(x - half, low), (x + half, low), (x, low - height * 0.42)])


def _desert(canvas: Canvas) -> None:
    """A large sun above long dunes."""
    canvas.disc(canvas.colour(3), canvas.between(0.2, 0.8), canvas.between(0.2, 0.35), canvas.between(0.09, 0.15))
    across = np.linspace(0, 1, 129)
    layers = canvas.count(3, 6)
    for layer in range(layers):
        peak = canvas.random.uniform(0.1, 0.9)
        steep = np.where(across < peak, across / peak, (1 - across) / (1 - peak)) ** canvas.random.uniform(1.2, 2)
        height = canvas.size * (0.55 + 0.42 * layer / layers)
        canvas.ridge(canvas.colour(min(2, layer * 3 // layers)), height - canvas.between(0.08, 0.2) * steep)


def _neon(canvas: Canvas) -> None:
    """A skyline with lit windows and bright lines of traffic."""
    left = 0.0
    while left < canvas.size:
        width, top = canvas.between(0.1, 0.2), canvas.between(0.2, 0.65)
        canvas.draw.rectangle((left, top, left + width, canvas.size), fill=canvas.colours[3])
        canvas.line(canvas.colour(0, 1, 2), [(left, canvas.size), (left, top), (left + width, top)], 3)
        lit = canvas.random.random((12, 4)) < 0.25 + 0.2 * canvas.mood
        for row, column in np.argwhere(lit).tolist():
            x, y = left + width * (0.15 + 0.2 * column), top + canvas.size * (0.04 + 0.07 * row)
            canvas.draw.rectangle((x, y, x + width * 0.11, y + canvas.size * 0.03), fill=canvas.colour(0, 1, 2))
        left += width
    for _ in range(canvas.count(2, 7)):
        y = canvas.between(0.82, 0.99)
        canvas.line(canvas.colour(0, 1), [(0, y), (canvas.size, y + canvas.between(-0.05, 0.05))], 4)


def _garden(canvas: Canvas) -> None:
    """Flowers with round petals on green stems."""
    for _ in range(canvas.count(5, 13)):
        x, y, radius = canvas.between(0.05, 0.95), canvas.between(0.15, 0.85), canvas.between(0.06, 0.11)
        canvas.line(canvas.colours[2], [(x, y), (x + canvas.between(-0.05, 0.05), canvas.size)], 5)
        colour, petals = canvas.colour(0, 1), int(canvas.random.integers(5, 9))
        for angle in (np.arange(petals) * 2 * np.pi / petals).tolist():
            canvas.disc(colour, *canvas.turn(x, y, radius, angle), radius * 0.55)
        canvas.disc(canvas.colours[3], x, y, radius * 0.5)


def _snow(canvas: Canvas) -> None:
    """White peaks and six-armed flakes."""
    for layer in range(2):
        points = canvas.random.uniform(0, 0.28, 9)
        canvas.ridge(canvas.colour(2 - layer), canvas.size * (0.68 + 0.16 * layer - points))
    for _ in range(canvas.count(4, 14)):
        x, y, radius = canvas.between(0.05, 0.95), canvas.between(0.05, 0.9), canvas.between(0.04, 0.1)
        start, colour = canvas.random.uniform(0, 1), canvas.colour(0, 0, 3)
        for angle in (start + np.arange(6) * np.pi / 3).tolist():
            canvas.line(colour, [(x, y), canvas.turn(x, y, radius, angle)], 4)
            fork = canvas.turn(x, y, radius * 0.55, angle)
            for side in (-0.7, 0.7):
                canvas.line(colour, [fork, canvas.turn(*fork, radius * 0.35, angle + side)], 3)


def _ember(canvas: Canvas) -> None:
    """Flames from below and sparks above."""
    number = canvas.count(6, 14)
    for layer, tallest in enumerate((0.75, 0.5, 0.3)):
        for _ in range(number):
            x, width, height = (
                canvas.between(0, 1),
                canvas.between(0.06, 0.12),
                canvas.between(0.4, 1) * tallest,
            )
            sway = canvas.between(-0.06, 0.06)
            rise = np.linspace(0, 1, 17)
            half = width * np.sin(np.pi * (0.25 + 0.75 * rise))
            middle = x + sway * np.sin(rise * 5)
            y = (canvas.size - height * rise).tolist()
            right = list(zip((middle + half).tolist(), y, strict=True))
            left = list(zip((middle - half).tolist(), y, strict=True))
            canvas.polygon(canvas.colour(layer), right + left[::-1])
    for _ in range(canvas.count(8, 40)):
        canvas.disc(canvas.colour(1, 2), canvas.between(0, 1), canvas.between(0, 0.7), canvas.between(0.004, 0.012))


def _orbit(canvas: Canvas) -> None:
    """Planets on rings among stars."""
    for _ in range(canvas.count(25, 90)):
        canvas.disc(canvas.colours[2], canvas.between(0, 1), canvas.between(0, 1), canvas.between(0.002, 0.007))
    x, y = canvas.between(0.35, 0.65), canvas.between(0.35, 0.65)
    for ring in range(canvas.count(2, 5)):
        radius = canvas.size * (0.2 + 0.09 * ring)
        canvas.draw.ellipse((x - radius, y - radius, x + radius, y + radius), outline=canvas.colours[1], width=3)
        place = canvas.turn(x, y, radius, canvas.random.uniform(0, 2 * np.pi))
        canvas.disc(canvas.colour(0, 1, 3), *place, canvas.between(0.03, 0.06))
    canvas.disc(canvas.colour(0, 3), x, y, canvas.between(0.08, 0.14))


SHAPES: Mapping[str, Callable[[Canvas], None]] = {
    "tide": _tide,
    "forest": _forest,
    "desert": _desert,
    "neon": _neon,
    "garden": _garden,
    "snow": _snow,
    "ember": _ember,
    "orbit": _orbit,
}
"""How the shapes of each world are drawn."""
