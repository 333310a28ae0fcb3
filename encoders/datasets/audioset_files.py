"""Where the sounds and frames of AudioSet's segments are."""

from collections.abc import Mapping
from pathlib import Path

from encoders.datasets.audioset_segments import Segment
from encoders.datasets.listing import PICTURE_SUFFIXES, SOUND_SUFFIXES, files_of, folders_of

__all__ = ["AudiosetFiles"]


class AudiosetFiles:
    """What lies in ``audio/`` and ``frames/``, each listed once: most segments of most copies have no files.

    Args:
        path: The data set's folder.
        films: How many segments each film has; files of a film of one segment may leave out the start.
    """

    def __init__(self, path: Path, *, films: Mapping[str, int]) -> None:
        self.problems: list[str] = []
        self._films = films
        self._frames = {folder.name: folder for folder in folders_of(path / "frames")}
        self._sounds: dict[str, Path] = {}
        for sound in files_of(path / "audio", SOUND_SUFFIXES):
            other = self._sounds.setdefault(sound.stem, sound)
            if other is not sound:
                self.problems.append(f"{sound}: must be the only sound of its segment (got {other.name}, too)")

    def sound(self, segment: Segment) -> Path | None:
        """The sound of a segment, if there is one."""
        return self._find(self._sounds, segment)

    def frames(self, segment: Segment) -> tuple[Path, ...]:
        """The frames of a segment in the order of their names; none if there are none."""
        folder = self._find(self._frames, segment)
        return tuple(files_of(folder, PICTURE_SUFFIXES)) if folder is not None else ()

    def _find(self, paths: Mapping[str, Path], segment: Segment) -> Path | None:
        found = paths.get(segment.name)
        if found is None and self._films[segment.film] == 1:
            found = paths.get(segment.film)
        return found
