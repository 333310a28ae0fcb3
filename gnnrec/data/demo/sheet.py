"""A picture of what somebody took and what is recommended next."""

from collections.abc import Sequence
from pathlib import Path

from gnnrec.errors import MissingExtraError

__all__ = ["draw_sheet"]

_TILE, _GAP, _CAPTION, _HEADING = 120, 14, 34, 40
_INK, _PAPER, _EMPTY = (40, 40, 48), (250, 249, 246), (226, 224, 218)


def draw_sheet(rows: Sequence[tuple[str, Sequence[tuple[str, Path | None]]]], path: Path) -> None:
    """Draw rows of covers with their titles.

    Args:
        rows: Heading of each row, and title and picture file of each item (``None`` where it has no picture).
        path: The PNG file to write.

    Raises:
        MissingExtraError: If Pillow is not installed.
    """
    try:
        from PIL import Image, ImageDraw, ImageFont
    except ImportError as error:
        raise MissingExtraError("Pillow", "demo", "drawing the demo's picture") from error

    columns = max(len(items) for _, items in rows)
    row_height = _HEADING + _TILE + _CAPTION
    sheet = Image.new("RGB", (_GAP + columns * (_TILE + _GAP), _GAP + len(rows) * row_height), _PAPER)
    draw = ImageDraw.Draw(sheet)
    large, small = ImageFont.load_default(size=17), ImageFont.load_default(size=11)
    for number, (heading, items) in enumerate(rows):
        top = _GAP // 2 + number * row_height
        draw.text((_GAP, top + 8), heading, fill=_INK, font=large)
        for place, (title, file) in enumerate(items):
            left = _GAP + place * (_TILE + _GAP)
            if file is None:
                draw.rectangle((left, top + _HEADING, left + _TILE - 1, top + _HEADING + _TILE - 1), fill=_EMPTY)
                draw.text((left + 34, top + _HEADING + 52), "no picture", fill=_INK, font=small)
            else:
                with Image.open(file) as cover:
                    sheet.paste(cover.convert("RGB").resize((_TILE, _TILE)), (left, top + _HEADING))
            while title and draw.textlength(title, font=small) > _TILE:
                title = title[:-2].rstrip() + "…"
            draw.text((left, top + _HEADING + _TILE + 4), title, fill=_INK, font=small)
    sheet.save(path)
