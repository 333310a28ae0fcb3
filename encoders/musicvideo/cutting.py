"""Films to files of segments."""

import hashlib
import json
import shutil
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, dataclass, field
from functools import partial
from pathlib import Path

from encoders.content import FilmFile, Sound, read_audio, read_sound_track, resample
from encoders.errors import ArgumentError, ContentError, EncoderError
from encoders.files import atomic_write, write_problems
from encoders.musicvideo.segment_files import write_film, write_sound
from encoders.musicvideo.segment_options import SegmentOptions
from encoders.musicvideo.segment_table import SegmentRow, read_segment_table, write_segment_table
from encoders.musicvideo.segments import draw_segments

__all__ = ["CutReport", "cut_segments"]

_FILMS = (".mp4", ".m4v", ".mov", ".mkv", ".webm", ".avi", ".mpg", ".mpeg", ".ts", ".flv", ".wmv", ".ogv")
_SOUNDS = (".flac", ".wav", ".ogg", ".mp3")


@dataclass
class CutReport:
    """What cutting did.

    Args:
        films: Films that there are.
        cut: Of them those that were cut now.
        reused: Of them those whose segments were there already.
        segments: Segments in the table.
        problems: Reason by name of each film that cannot be used.
    """

    films: int
    cut: int = 0
    reused: int = 0
    segments: int = 0
    problems: dict[str, str] = field(default_factory=dict)


def cut_segments(
    films: Path | Sequence[Path],
    out: Path,
    *,
    options: SegmentOptions | None = None,
    workers: int = 1,
    on_progress: Callable[[int, int], None] | None = None,
) -> CutReport:
    """Cut films to ``<film>-<section>.flac`` and ``.mp4``, listed in ``segments.csv``.

    The sound is that of a sound file of the film's name beside it, if there is one, else the film's own; what only one
    of film and sound has at the end is left out. A film that cannot be read is listed in ``problems.csv`` and does not
    stop the others. Films whose segments are there already are left as they are, also after a kill; those whose size
    has changed are cut again.

    Args:
        films: A folder, searched with all that are in it, or files.
        out: Folder of the segments; made if it does not exist.
        options: What segments are.
        workers: Films that are cut at the same time.
        on_progress: Called with the films done and all films.

    Raises:
        ArgumentError: If there are no films, two have one name, or ``workers`` is not positive.
        EncoderError: If the folder holds segments of other options, or no film at all can be used.
        MissingPackageError: If PyAV, soundfile or torchaudio is missing.
    """
    if workers < 1:
        raise ArgumentError(f"'workers' must be a positive integer (got {workers})")
    options = options or SegmentOptions()
    named = _named_films(films, out)
    work = _prepare_folder(out, options)
    report = CutReport(films=len(named))
    done = _cut_before(out, work)
    rows: list[SegmentRow] = []
    waiting = []
    for name, path in named.items():
        kept = done.get(name, [])
        if kept and kept[0].film_bytes == path.stat().st_size:
            rows += kept
            report.reused += 1
        else:
            waiting.append((name, path))
    if on_progress:
        on_progress(report.reused, len(named))
    with ThreadPoolExecutor(workers) as pool:  # libav decodes outside of Python's lock
        for name, result in pool.map(partial(_cut_film, out, work, options), waiting):
            if isinstance(result, str):
                report.problems[name] = result
            else:
                rows += result
                report.cut += 1
            if on_progress:
                on_progress(report.reused + report.cut + len(report.problems), len(named))
    write_problems(out / "problems.csv", ("film", "reason"), sorted(report.problems.items()))
    if not rows:
        shown = "".join(f"\n  - {reason}" for reason in list(report.problems.values())[:5])
        raise EncoderError(f"{out}: none of the {len(named)} films can be used:{shown}")
    rows.sort(key=lambda row: (row.film, row.section))
    write_segment_table(out, rows)
    shutil.rmtree(work)
    report.segments = len(rows)
    return report


def _named_films(films: Path | Sequence[Path], out: Path) -> dict[str, Path]:
    """Films by name, sorted: what leads to them from the folder on, or of listed files their own, without ending."""
    if isinstance(films, Path):
        if not films.is_dir():
            raise ArgumentError(f"'films' must be a folder or a list of files (got {films})")
        found = [
            path
            for path in sorted(films.rglob("*"))
            if path.suffix.lower() in _FILMS and path.is_file() and out not in path.parents
        ]
        names = [path.relative_to(films).with_suffix("").as_posix() for path in found]
    else:
        found = sorted(films)
        missing = [str(path) for path in found if not path.is_file()]
        if missing:
            raise ArgumentError(f"'films' must be files that there are (missing: {', '.join(missing[:5])})")
        names = [path.stem for path in found]
    if not found:
        raise ArgumentError(f"'films' must hold at least one film, one of {', '.join(_FILMS)} (got none)")
    named = dict(zip(names, found, strict=True))
    if len(named) < len(names):
        twice = sorted({name for name in names if names.count(name) > 1})
        raise ArgumentError(f"'films' must have different names without ending (twice: {', '.join(twice[:5])})")
    return named


def _prepare_folder(out: Path, options: SegmentOptions) -> Path:
    """The folder of what is done so far, next to the options that it was done with."""
    work, settings = out / ".cutting", out / "segments.json"
    text = json.dumps(asdict(options), indent=2) + "\n"
    if settings.is_file() and settings.read_text(encoding="utf-8") != text:
        raise EncoderError(f"{settings}: these segments were cut with other options; choose another folder")
    work.mkdir(parents=True, exist_ok=True)
    settings.write_text(text, encoding="utf-8")
    return work


def _cut_before(out: Path, work: Path) -> dict[str, list[SegmentRow]]:
    """Rows by film of earlier runs, finished or killed, whose files are all there."""
    by_film: dict[str, list[SegmentRow]] = {}
    for row in read_segment_table(out) if (out / "segments.csv").is_file() else []:
        by_film.setdefault(row.film, []).append(row)
    for path in work.glob("*.json"):
        rows = [SegmentRow(*values) for values in json.loads(path.read_text(encoding="utf-8"))]
        by_film[rows[0].film] = rows  # later than the table
    return {
        film: rows
        for film, rows in by_film.items()
        if all((out / name).is_file() for row in rows for name in (row.audio, row.video))
    }


def _cut_film(
    out: Path, work: Path, options: SegmentOptions, film: tuple[str, Path]
) -> tuple[str, list[SegmentRow] | str]:
    """Rows of one film, or why it cannot be used."""
    name, path = film
    try:
        rows = _write_segments(out, options, name, path)
    except ContentError as error:
        return name, str(error)
    mark = work / f"{hashlib.blake2b(name.encode('utf-8', 'surrogatepass'), digest_size=16).hexdigest()}.json"
    with atomic_write(mark) as draft:
        draft.write_text(json.dumps(rows), encoding="utf-8")
    return name, rows


def _write_segments(out: Path, options: SegmentOptions, name: str, path: Path) -> list[SegmentRow]:
    film, sound = FilmFile(path), _sound_of(path)
    both = min(film.seconds, sound.seconds)
    samples = resample(sound.mono, sound.sample_rate, options.sample_rate).clamp(-1, 1)
    (out / name).parent.mkdir(parents=True, exist_ok=True)
    rows = []
    segments = draw_segments(both, film=name, seed=options.seed, sections=options.sections, seconds=options.seconds)
    for segment in segments:
        row_name = f"{name}-{segment.section}"
        audio, video = f"{row_name}.flac", f"{row_name}.mp4"
        first = round(segment.start_seconds * options.sample_rate)
        length = max(1, round(segment.seconds * options.sample_rate))
        write_sound(out / audio, samples[first : first + length], options.sample_rate)
        piece = film.read_piece(
            segment.start_seconds,
            frames=max(1, round(segment.seconds * options.frames_per_second)),
            frames_per_second=options.frames_per_second,
            max_size=(options.max_width, options.max_height),
        )
        write_film(out / video, piece)
        start, size = round(segment.start_seconds, 6), path.stat().st_size
        rows.append(SegmentRow(row_name, name, segment.section, start, round(segment.seconds, 6), audio, video, size))
    return rows


def _sound_of(path: Path) -> Sound:
    beside = [path.with_suffix(ending) for ending in _SOUNDS]
    found = next((candidate for candidate in beside if candidate.is_file()), None)
    return read_sound_track(path) if found is None else read_audio(found)
