"""Cover pictures of the demo items: a sky in the colours of a world, and shapes that belong to it."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from gnnrec.data.demo.canvas import Canvas
from gnnrec.data.demo.shapes import SHAPES
from gnnrec.data.demo.tastes import TASTES, Expression

if TYPE_CHECKING:
    from PIL import Image

__all__ = ["PICTURE_SIZE", "draw_picture"]

PICTURE_SIZE = 128
"""Pixels a side."""

# Drawn at twice the size and shrunk, which smooths the edges.
_SIZE = 2 * PICTURE_SIZE

# Sky above, sky below, then four colours of shapes.
_PALETTES: dict[str, Sequence[str]] = {
    "tide": ("#bfe6ee", "#5fb4cf", "#2b8cb0", "#17618c", "#0d4166", "#e9f7f5"),
    "forest": ("#dfe8c4", "#a9c48a", "#5c8a4a", "#3d6b3a", "#24492b", "#7a5a36"),
    "desert": ("#fde3b0", "#f6b873", "#e39a52", "#cc7a3c", "#a9582c", "#fff3d6"),
    "neon": ("#0b0820", "#2a1150", "#ff2fa0", "#21e6e6", "#8b3dff", "#120b30"),
    "garden": ("#fdeef2", "#f9cfdc", "#f083a8", "#d94f87", "#8cc06a", "#ffd75e"),
    "snow": ("#eaf1f8", "#cfdcea", "#ffffff", "#a9bfd6", "#86a2c2", "#f7fafd"),
    "ember": ("#1d0806", "#6b120c", "#d62a12", "#f7711b", "#ffc93c", "#340b08"),
    "orbit": ("#120f38", "#31246b", "#e5b94f", "#8f7be0", "#cfc5ff", "#c4668f"),
}


def draw_picture(expression: Expression, random: np.random.Generator) -> "Image.Image":
    """A picture of 128 x 128 pixels.

    The second world lends its colours to some of the shapes; lively pictures have more shapes and contrast.
    """
    from PIL import Image, ImageDraw

    world = _PALETTES[TASTES[expression.main]]
    image = Image.new("RGB", (_SIZE, _SIZE))
    canvas = Canvas(
        draw=ImageDraw.Draw(image),
        size=_SIZE,
        colours=world[2:],
        other_colours=_PALETTES[TASTES[expression.second]][2:],
        share=expression.share,
        mood=expression.mood,
        random=random,
    )
    canvas.sky(world[0], world[1])
    SHAPES[TASTES[expression.main]](canvas)
    small = np.asarray(image.resize((PICTURE_SIZE, PICTURE_SIZE), Image.Resampling.BOX), dtype=np.float64)
    contrast = 1 + 0.12 * expression.mood
    toned = (small - 128) * contrast + 128 + random.normal(0, 6, 3) + random.normal(0, 2.5, small.shape)
    return Image.fromarray(np.rint(toned.clip(0, 255)).astype(np.uint8))
