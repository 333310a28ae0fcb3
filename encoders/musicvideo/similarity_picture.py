"""Seeds and their neighbours as one picture."""

import hashlib
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from encoders.content import FilmFile
from encoders.errors import ArgumentError, ContentError, MissingPackageError
from encoders.files import atomic_write
from encoders.musicvideo.segment_table import read_segment_table
from encoders.musicvideo.similarity import VIEWS, SimilarityAnalysis

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

__all__ = ["draw_similarity"]

_COLOURS = {"audio": "#c2571a", "video": "#1f6f8b", "aggregated": "#5b4b8a"}
_TITLES = {"audio": "by audio", "video": "by video", "aggregated": "by both"}
_INK, _FAINT = "#22252a", "#6d737c"
_TILE_WIDTH, _TILE_HEIGHT = 1.5, 1.5 * 9 / 16  # inches
_LINE, _GAP, _GUTTER = 0.36, 0.1, 0.34
_MARGIN, _HEAD, _CHART = 0.4, 1.15, 1.15
_BAR_LABEL, _BAR_VALUE = 0.95, 0.6  # room to the left and right of bars
_SMALL = 8  # points

_Pixels = npt.NDArray[np.uint8]


def draw_similarity(
    analysis: SimilarityAnalysis, path: str | Path, *, folder: Path | None = None, max_seeds: int = 8, dpi: int = 120
) -> None:
    """Draw a row for each seed: the seed, and its neighbours by audio, by video and by both, with their cosines.

    Below are the consistencies of the three.

    Args:
        analysis: What :func:`~encoders.musicvideo.analyse_similarity` gave.
        path: The picture, a PNG file.
        folder: Folder of the segments, for their middle frames [default: coloured tiles with names].
        max_seeds: Seeds that are drawn, the first ones.
        dpi: Pixels an inch.

    Raises:
        ArgumentError: If ``max_seeds`` or ``dpi`` is not positive.
        MissingPackageError: If matplotlib, or with a folder PyAV, is not installed.
    """
    for name, value in (("max_seeds", max_seeds), ("dpi", dpi)):
        if value < 1:
            raise ArgumentError(f"'{name}' must be a positive integer (got {value})")
    try:
        from matplotlib.backends.backend_agg import FigureCanvasAgg
        from matplotlib.figure import Figure
    except ImportError:
        raise MissingPackageError("matplotlib", "plot", "drawing similar films") from None
    seeds = analysis.seeds[:max_seeds].tolist()
    k = analysis.neighbours["audio"].rows.shape[1]
    block = max(k * (_TILE_WIDTH + _GAP) - _GAP, _BAR_LABEL + _BAR_VALUE + 1)
    width = 2 * _MARGIN + _TILE_WIDTH + len(VIEWS) * (_GUTTER + block)
    height = _HEAD + len(seeds) * (_TILE_HEIGHT + _LINE + _GAP) + _CHART + _MARGIN
    figure = Figure(figsize=(width, height), dpi=dpi, facecolor="white")
    FigureCanvasAgg(figure)
    shown = sorted({*seeds, *(row for view in VIEWS for row in _rows_of(analysis, view, len(seeds)))})
    frames = _middle_frames(folder, [analysis.names[row] for row in shown], of_films=analysis.of_films)
    noun = "films" if analysis.of_films else "segments"
    _text(figure, _MARGIN, height - 0.42, f"Nearest {noun} of {len(seeds)} seeds", size=15, weight="bold")
    _text(figure, _MARGIN, height - 0.98, "seed", size=11, colour=_FAINT, weight="bold")
    for place, view in enumerate(VIEWS):
        left = _block_left(place, block)
        _text(figure, left, height - 0.98, _TITLES[view], size=11, colour=_COLOURS[view], weight="bold")
        _line(figure, left, height - 1.06, block, _COLOURS[view])
        neighbours = analysis.neighbours[view]
        for line in range(len(seeds)):
            bottom = height - _HEAD - _GAP - (line + 1) * (_TILE_HEIGHT + _LINE + _GAP) + _LINE + _GAP
            for column in range(k):
                name = analysis.names[int(neighbours.rows[line, column])]
                x = left + column * (_TILE_WIDTH + _GAP)
                note = f"{float(neighbours.similarity[line, column]):.3f}"
                _tile(figure, x, bottom, name, frames.get(name), note=note, colour=_COLOURS[view])
            if place == 0:
                name = analysis.names[seeds[line]]
                _tile(figure, _MARGIN, bottom, name, frames.get(name), note="", colour=_INK)
    _draw_consistency(figure, analysis, block)
    with atomic_write(path) as draft:
        figure.savefig(draft, format="png", metadata={"Software": None})


def _rows_of(analysis: SimilarityAnalysis, view: str, count: int) -> list[int]:
    rows: list[int] = analysis.neighbours[view].rows[:count].flatten().tolist()
    return rows


def _middle_frames(folder: Path | None, names: Sequence[str], *, of_films: bool) -> dict[str, _Pixels]:
    """The middle frame of each segment, or of the middle one of each film; those that cannot be read are left out."""
    if folder is None:
        return {}
    wanted, files = set(names), dict[str, list[str]]()
    for row in read_segment_table(folder):
        name = row.film if of_films else row.segment_id
        if name in wanted:
            files.setdefault(name, []).append(row.video)
    frames = {}
    for name, videos in files.items():
        try:
            film = FilmFile(folder / videos[len(videos) // 2])
            piece = film.read_piece(film.seconds / 2, frames=1, frames_per_second=1.0, max_size=(384, 216))
        except ContentError:
            continue
        frames[name] = piece.frames[0].numpy()
    return frames


def _tile(figure: "Figure", x: float, y: float, name: str, frame: _Pixels | None, *, note: str, colour: str) -> None:
    """A frame or a coloured tile at a place in inches, its name below, and a note to the right of that."""
    axes = _axes(figure, x, y, _TILE_WIDTH, _TILE_HEIGHT)
    axes.set_axis_off()
    if frame is None:
        frame = _tile_colour(name)
    axes.imshow(_filled(frame), aspect="auto", interpolation="antialiased")
    short = _shortened(figure, name, _TILE_WIDTH - (0.45 if note else 0.0))
    _text(figure, x, y - 0.17, short, size=_SMALL, colour=_INK)
    if note:
        _text(figure, x + _TILE_WIDTH, y - 0.17, note, size=_SMALL, colour=colour, weight="bold", align="right")


def _shortened(figure: "Figure", name: str, inches: float) -> str:
    """The name, without its middle where it is too long."""
    from matplotlib.font_manager import FontProperties

    measure = figure.canvas.get_renderer().get_text_width_height_descent  # type: ignore[attr-defined]
    font = FontProperties(family="DejaVu Sans", size=_SMALL)
    for kept in range(len(name), 0, -1):
        head = (kept + 1) // 2
        short = name if kept == len(name) else f"{name[:head]}\u2026{name[len(name) - kept + head :]}"
        if measure(short, font, False)[0] <= inches * figure.dpi:
            return short
    return ""


def _filled(frame: _Pixels) -> _Pixels:
    """The frame on black, in the shape of the tile."""
    height, width = frame.shape[:2]
    full_height = max(height, round(width * _TILE_HEIGHT / _TILE_WIDTH))
    full_width = max(width, round(full_height * _TILE_WIDTH / _TILE_HEIGHT))
    canvas = np.zeros((full_height, full_width, 3), np.uint8)
    top, left = (full_height - height) // 2, (full_width - width) // 2
    canvas[top : top + height, left : left + width] = frame
    return canvas


def _tile_colour(name: str) -> _Pixels:
    """A quiet colour that is always the same for a name, lighter to the top."""
    from matplotlib.colors import hsv_to_rgb

    digest = hashlib.blake2b(name.encode("utf-8", "surrogatepass"), digest_size=2).digest()
    shades = np.linspace(0.92, 0.7, 27)
    colours = np.stack([np.full(27, digest[0] / 256), np.full(27, 0.3 + 0.25 * digest[1] / 256), shades], axis=1)
    rows = (hsv_to_rgb(colours) * 255).astype(np.uint8)
    return np.broadcast_to(rows[:, None], (27, 48, 3)).copy()


def _draw_consistency(figure: "Figure", analysis: SimilarityAnalysis, block: float) -> None:
    """Below each view its mean cosines within and between films, as bars of one scale."""
    values = [analysis.consistency[view] for view in VIEWS]
    numbers = [number for value in values for number in (value.within, value.between)]
    low, high = min(0.0, *numbers), max(0.0, *numbers)
    low, high = (low, high) if high > low else (0.0, 1.0)
    inches = (block - _BAR_LABEL - _BAR_VALUE) / (high - low)
    top = _MARGIN + _CHART - 0.45
    _text(figure, _MARGIN, top, "consistency", size=11, colour=_FAINT, weight="bold")
    for line, words in enumerate(("mean cosine of segments", "AUC: one film or two?")):
        _text(figure, _MARGIN, top - 0.33 - line * 0.26, words, size=_SMALL, colour=_FAINT)
    for place, (view, value) in enumerate(zip(VIEWS, values, strict=True)):
        left = _block_left(place, block)
        _text(figure, left, top, f"AUC {value.auc:.2f}", size=11, colour=_COLOURS[view], weight="bold")
        zero = left + _BAR_LABEL - low * inches
        for line, (label, number, alpha) in enumerate(
            (("of one film", value.within, 1.0), ("of different films", value.between, 0.4))
        ):
            bottom = top - 0.36 - line * 0.26
            _text(figure, left, bottom + 0.02, label, size=_SMALL)
            _bar(figure, zero, bottom, number * inches, 0.18, _COLOURS[view], alpha)
            end = max(zero, zero + number * inches) + 0.06
            _text(figure, end, bottom + 0.02, f"{number:.3f}", size=_SMALL, colour=_COLOURS[view], weight="bold")


def _block_left(place: int, block: float) -> float:
    return _MARGIN + _TILE_WIDTH + _GUTTER + place * (block + _GUTTER)


def _axes(figure: "Figure", x: float, y: float, width: float, height: float) -> "Axes":
    """Axes at a place in inches from the lower left corner."""
    whole_width, whole_height = figure.get_size_inches()
    return figure.add_axes((x / whole_width, y / whole_height, width / whole_width, height / whole_height))


def _text(
    figure: "Figure",
    x: float,
    y: float,
    words: str,
    *,
    size: float,
    colour: str = _INK,
    weight: str = "normal",
    align: str = "left",
) -> None:
    width, height = figure.get_size_inches()
    # Names of films may hold dollar signs, which are no formulas.
    settings: dict[str, Any] = {"ha": align, "va": "bottom", "parse_math": False, "family": "DejaVu Sans"}
    figure.text(x / width, y / height, words, fontsize=size, color=colour, weight=weight, **settings)


def _line(figure: "Figure", x: float, y: float, length: float, colour: str) -> None:
    from matplotlib.lines import Line2D

    width, height = figure.get_size_inches()
    figure.add_artist(Line2D([x / width, (x + length) / width], [y / height] * 2, color=colour, linewidth=1.5))


def _bar(figure: "Figure", x: float, y: float, length: float, thick: float, colour: str, alpha: float) -> None:
    from matplotlib.patches import Rectangle

    width, height = figure.get_size_inches()
    corner = (x / width, y / height)
    patch = Rectangle(corner, length / width, thick / height, color=colour, alpha=alpha, linewidth=0)
    figure.add_artist(patch)
