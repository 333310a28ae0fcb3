"""Features with a known relation between audio and video."""

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from encoders.errors import ArgumentError
from encoders.musicvideo.segment_features import SegmentFeatures

__all__ = ["planted_pairs"]

_WIDTH = 64  # of the hidden layer of the maps from causes to features


def planted_pairs(
    num_films: int,
    *,
    shared: float,
    seed: int,
    segments: int = 6,
    causes: int = 8,
    film_share: float = 0.5,
    noise: float = 0.1,
    audio_features: int = 1506,
    video_features: int = 512,
) -> SegmentFeatures:
    """Segments whose audio and video follow from hidden causes, to see what contrastive training can find.

    A segment has ``causes`` normal numbers for its audio and as many for its video, whose correlation is ``shared``:
    with 1 they are the same, with 0 they are independent. A random map with a hidden layer, another one for each
    modality, turns them into features of the backbones' widths; noise is added.

    Args:
        num_films: Number of films.
        shared: Correlation of the causes of audio and video, from 0 to 1.
        seed: Of causes, maps and noise.
        segments: Segments a film.
        causes: Number of hidden causes.
        film_share: Share of the causes' variance that all segments of a film have in common.
        noise: Standard deviation of the noise, where features have one of about 1.
        audio_features: Width of the audio features.
        video_features: Width of the video features.

    Raises:
        ArgumentError: If a number cannot work.
    """
    for name, count in (("num_films", num_films), ("segments", segments), ("causes", causes)):
        if count < 1:
            raise ArgumentError(f"'{name}' must be a positive integer (got {count})")
    for name, share in (("shared", shared), ("film_share", film_share)):
        if not 0 <= share <= 1:
            raise ArgumentError(f"'{name}' must be from 0 to 1 (got {share})")
    random = np.random.default_rng(seed)

    def draw_causes() -> npt.NDArray[np.float64]:
        of_film = random.normal(size=(num_films, 1, causes))
        own = random.normal(size=(num_films, segments, causes))
        both: npt.NDArray[np.float64] = np.sqrt(film_share) * of_film + np.sqrt(1 - film_share) * own
        return both.reshape(-1, causes)

    def observe(values: npt.NDArray[np.float64], features: int) -> Tensor:
        inward = random.normal(size=(causes, _WIDTH)) / np.sqrt(causes)
        outward = random.normal(size=(_WIDTH, features)) / np.sqrt(_WIDTH)
        hidden = np.tanh(2 * values @ inward + 0.5 * random.normal(size=_WIDTH))
        return torch.from_numpy(
            (hidden @ outward + noise * random.normal(size=(len(values), features))).astype("float32")
        )

    common, of_audio, of_video = draw_causes(), draw_causes(), draw_causes()
    mixed = [np.sqrt(shared) * common + np.sqrt(1 - shared) * own for own in (of_audio, of_video)]
    return SegmentFeatures(
        audio=observe(mixed[0], audio_features),
        video=observe(mixed[1], video_features),
        film=torch.arange(num_films).repeat_interleave(segments),
        film_names=tuple(f"film-{number:05d}" for number in range(num_films)),
        section=torch.arange(segments).repeat(num_films),
    )
