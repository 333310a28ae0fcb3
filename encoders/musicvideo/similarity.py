"""What the vectors find similar: the qualitative analysis of Veldkamp et al. (2023), section 6, with figures."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional

from encoders.errors import ArgumentError
from encoders.musicvideo.consistency import Consistency, measure_consistency
from encoders.musicvideo.dual_encoder import MusicVideoModel
from encoders.musicvideo.film_vectors import aggregate_modalities, film_means
from encoders.musicvideo.segment_features import SegmentFeatures

__all__ = ["VIEWS", "Neighbours", "SimilarityAnalysis", "analyse_similarity", "nearest_neighbours"]

VIEWS = ("audio", "video", "aggregated")
"""By which vectors: of one modality, or the mean of both."""


@dataclass(frozen=True)
class Neighbours:
    """The most similar of each seed, by cosine.

    Args:
        rows: Rows of the neighbours, the nearest first. Shape: (seeds, k), int64.
        similarity: Their cosines. Shape: (seeds, k).
    """

    rows: Tensor
    similarity: Tensor


@dataclass(frozen=True)
class SimilarityAnalysis:
    """Neighbours of seeds, by view.

    Args:
        seeds: Rows of the seeds: films, or segments. Shape: (seeds,), int64.
        names: Name of every row.
        neighbours: By view.
        consistency: By view, of segments; the same whether seeds are films or segments.
        of_films: Whether rows are films.
    """

    seeds: Tensor
    names: tuple[str, ...]
    neighbours: dict[str, Neighbours]
    consistency: dict[str, Consistency]
    of_films: bool


def nearest_neighbours(vectors: Tensor, seeds: Tensor, *, k: int = 3, group: Tensor | None = None) -> Neighbours:
    """The k rows with the greatest cosine to each seed, itself left out.

    Args:
        vectors: Shape: (rows, dim).
        seeds: Rows. Shape: (seeds,), int64.
        k: Neighbours of a seed.
        group: Rows of the seed's group are left out too. Shape: (rows,), int64.

    Raises:
        ArgumentError: If fewer than k rows are left for a seed.
    """
    group = torch.arange(len(vectors)) if group is None else group
    unit = functional.normalize(vectors, dim=1)
    similarity = unit[seeds] @ unit.T  # (seeds, rows)
    similarity[group[seeds][:, None] == group] = -torch.inf
    if k < 1 or int((similarity > -torch.inf).sum(dim=1).min()) < k:
        raise ArgumentError(
            f"'k' must be positive and at most the number of other rows (got {k} of {len(vectors)} rows)"
        )
    best = similarity.topk(k, dim=1)
    return Neighbours(best.indices, best.values)


def analyse_similarity(
    model: MusicVideoModel,
    features: SegmentFeatures,
    *,
    films: bool = True,
    seeds: int | Sequence[int] | None = None,
    k: int = 3,
    seed: int = 0,
) -> SimilarityAnalysis:
    """Neighbours of random seeds by audio, by video and by the mean of both.

    A film is the mean over its segments. A segment's neighbours are those of other films, since its own film's others
    would answer nothing.

    Args:
        model: The trained heads.
        features: Of segments, best of films that it was not trained on.
        films: Whether to compare films; otherwise segments.
        seeds: Their rows, or their number [default: as in the paper, 25 films or 20 segments, or all if there are
            fewer].
        k: Neighbours of a seed.
        seed: Of the draw of seeds.

    Raises:
        ArgumentError: If there are too few films.
    """
    vectors = model.encode(features)
    by_view = dict(zip(VIEWS, (*vectors, aggregate_modalities(vectors)), strict=True))
    consistency = {view: measure_consistency(rows, features.film, seed=seed) for view, rows in by_view.items()}
    names: tuple[str, ...] = features.film_names
    group = None
    if films:
        by_view = {view: film_means(rows, features.film, len(names)) for view, rows in by_view.items()}
    else:
        group, sections = features.film, features.section.tolist()
        names = tuple(f"{names[film]}-{section}" for film, section in zip(group.tolist(), sections, strict=True))
    if seeds is None or isinstance(seeds, int):
        wanted = (25 if films else 20) if seeds is None else seeds
        drawn = np.random.default_rng(seed).permutation(len(names))[: min(wanted, len(names))]
        chosen = torch.from_numpy(np.sort(drawn))
    else:
        chosen = torch.tensor(list(seeds), dtype=torch.int64)
    neighbours = {view: nearest_neighbours(rows, chosen, k=k, group=group) for view, rows in by_view.items()}
    return SimilarityAnalysis(chosen, names, neighbours, consistency, films)
