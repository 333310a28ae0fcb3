"""Features of segments by the frozen backbones."""

import hashlib
import json
import math
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import NamedTuple

import numpy as np
import torch
from torch import Tensor

from encoders.errors import ArgumentError, EncoderError
from encoders.files import require_regular
from encoders.store.tensor_file import read_tensor_file, write_tensor_file

__all__ = ["FeatureSplit", "SegmentFeatures"]

_FEWEST_FILMS = 6
_TENSORS = ("audio", "video", "film", "section")


@dataclass(frozen=True)
class SegmentFeatures:
    """Audio and video vectors of segments, row by row the same segments.

    Args:
        audio: Of musicnn. Shape: (segments, 1506), float32.
        video: Of R(2+1)D. Shape: (segments, 512), float32.
        film: Which film a segment is of. Shape: (segments,), int64, 0 <= film < number of names.
        film_names: Name of each film.
        section: Which section of its film. Shape: (segments,), int64.

    Raises:
        ArgumentError: If shapes or types do not fit, there is no segment, or a value is not finite.
    """

    audio: Tensor
    video: Tensor
    film: Tensor
    film_names: tuple[str, ...]
    section: Tensor

    def __post_init__(self) -> None:
        segments = len(self.film)
        for name, dimensions, dtype in (
            ("audio", 2, torch.float32),
            ("video", 2, torch.float32),
            ("film", 1, torch.int64),
            ("section", 1, torch.int64),
        ):
            value: Tensor = getattr(self, name)
            if value.dim() != dimensions or value.dtype != dtype or len(value) != segments or segments == 0:
                raise ArgumentError(
                    f"'{name}' must have {dimensions} dimensions, one row for each of at least one segment, and type "
                    f"{dtype} (got {tuple(value.shape)}, {value.dtype} for {segments} segments)"
                )
        if not 0 <= int(self.film.min()) <= int(self.film.max()) < len(self.film_names):
            raise ArgumentError(f"'film' must be at least 0 and below the number of names, {len(self.film_names)}")
        if not (bool(torch.isfinite(self.audio).all()) and bool(torch.isfinite(self.video).all())):
            raise ArgumentError("'audio' and 'video' must be finite")

    def __len__(self) -> int:
        """Number of segments."""
        return len(self.film)

    @cached_property
    def content_hash(self) -> str:
        """Hash of all values, by which a run knows what it was trained on."""
        digest = hashlib.blake2b("\0".join(self.film_names).encode("utf-8", "surrogatepass"), digest_size=16)
        for name in _TENSORS:
            digest.update(getattr(self, name).contiguous().numpy().tobytes())
        return digest.hexdigest()

    def save(self, path: str | Path) -> None:
        """Write a safetensors file, whole or not at all; equal features give equal bytes."""
        header = {"kind": "music-video segments", "film_names": json.dumps(self.film_names)}
        write_tensor_file(Path(path), {name: getattr(self, name) for name in _TENSORS}, header)

    @classmethod
    def load(cls, path: str | Path) -> "SegmentFeatures":
        """Read what :meth:`save` wrote.

        Raises:
            EncoderError: If the file is missing, damaged or holds something else.
        """
        path = Path(path)
        require_regular(path, EncoderError)
        if not path.is_file():
            raise EncoderError(f"{path}: there is no such file")
        tensors, header = read_tensor_file(path)
        if header.get("kind") != "music-video segments" or any(name not in tensors for name in _TENSORS):
            raise EncoderError(f"{path}: holds no features of music-video segments")
        try:
            names = json.loads(header.get("film_names", ""))
            if not isinstance(names, list) or not all(isinstance(name, str) for name in names):
                raise ValueError("its names of films are no list of texts")
            return cls(**{name: tensors[name] for name in _TENSORS}, film_names=tuple(names))
        except (ValueError, RecursionError) as error:  # an ArgumentError is one too
            raise EncoderError(f"{path}: damaged: {error}") from None

    def select_films(self, films: Tensor) -> "SegmentFeatures":
        """The segments of some films, which are numbered anew in the given order.

        Args:
            films: Numbers of different films. Shape: (films,), int64.
        """
        place = torch.full((len(self.film_names),), -1)
        place[films] = torch.arange(len(films))
        rows = (place[self.film] >= 0).nonzero().flatten()
        return SegmentFeatures(
            audio=self.audio[rows],
            video=self.video[rows],
            film=place[self.film[rows]],
            film_names=tuple(self.film_names[film] for film in films.tolist()),
            section=self.section[rows],
        )

    def split(self, train: float = 0.8, valid: float = 0.1, test: float = 0.1, *, seed: int = 0) -> "FeatureSplit":
        """Share out whole films at random: no film has segments in two parts.

        Args:
            train: Share of the films.
            valid: Share of the films, at least two of them.
            test: Share of the films, at least two of them.
            seed: Of the draw, which depends on the names of the films and not on their order.

        Raises:
            ArgumentError: If the shares are not positive or do not add up to 1, or there are fewer than six films.
        """
        if min(train, valid, test) <= 0 or not math.isclose(train + valid + test, 1, abs_tol=1e-6):
            raise ArgumentError(
                f"'train', 'valid' and 'test' must be positive and add up to 1 (got {train}, {valid}, {test})"
            )
        count = len(self.film_names)
        if count < _FEWEST_FILMS:
            raise ArgumentError(
                f"a split into training, validation and test needs at least {_FEWEST_FILMS} films, two for each part "
                f"(got {count})"
            )
        by_name = np.array(sorted(range(count), key=self.film_names.__getitem__))
        order = torch.from_numpy(by_name[np.random.default_rng(seed).permutation(count)])
        num_valid, num_test = (max(2, round(share * count)) for share in (valid, test))
        num_train = max(2, count - num_valid - num_test)
        parts = torch.tensor_split(order, (num_train, count - num_test))
        return FeatureSplit(*(self.select_films(part) for part in parts))


class FeatureSplit(NamedTuple):
    """Features of different films.

    Args:
        train: To learn from.
        valid: To choose by.
        test: To report on.
    """

    train: SegmentFeatures
    valid: SegmentFeatures
    test: SegmentFeatures
