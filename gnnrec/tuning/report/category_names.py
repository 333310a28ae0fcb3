"""Long names on short axes."""

import re

__all__ = ["wrapped"]


def wrapped(name: str, width: int = 20) -> list[str]:
    """A name in lines, broken where its parts are joined.

    Args:
        name: The name; sets of features are joined by ``+``.
        width: Letters of a line. A part longer than that is broken at a hyphen, slash or underscore, or anywhere.

    Example:
        >>> wrapped("all-MiniLM-L6-v2+whisper+image")
        ['all-MiniLM-L6-v2+', 'whisper+image']
    """
    parts = [
        piece
        for part in re.findall(r"[^+]*\+|[^+]+", name)
        for piece in ([part] if len(part) <= width else _broken(part, width))
    ]
    lines = [""]
    for part in parts:
        if lines[-1] and len(lines[-1]) + len(part) > width:
            lines.append("")
        lines[-1] += part
    return lines


def _broken(part: str, width: int) -> list[str]:
    pieces = re.findall(r"[^-/_ ]*[-/_ ]|[^-/_ ]+", part)
    return [piece[start : start + width] for piece in pieces for start in range(0, len(piece), width)]
