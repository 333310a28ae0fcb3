"""Frozen backbones against trained heads, as table 2 of Veldkamp et al. (2023)."""

from collections import Counter
from collections.abc import Collection, Mapping, Sequence

import torch
from torch import Tensor

from encoders.errors import ArgumentError
from encoders.musicvideo.dual_encoder import MusicVideoModel
from encoders.musicvideo.film_vectors import film_means
from encoders.musicvideo.probe import PROBE_OPTIONS, LabelledVectors, ProbeResult, probe
from encoders.musicvideo.segment_features import FeatureSplit, SegmentFeatures
from encoders.training import TrainingOptions

__all__ = ["REPRESENTATIONS", "film_representations", "probe_representations"]

REPRESENTATIONS = ("musicnn", "r2plus1d", "musicnn+r2plus1d", "CL_a", "CL_v", "CL_agg")
"""In the order of the paper's table 2."""


def film_representations(model: MusicVideoModel, features: SegmentFeatures) -> dict[str, Tensor]:
    """Each film by the six representations; all are means over its segments.

    ``CL_a`` and ``CL_v`` are the vectors of the two heads, ``CL_agg`` is the mean of these two.

    Args:
        model: The trained heads.
        features: Of segments.

    Returns:
        By name of :data:`REPRESENTATIONS`. Shapes: (films, dim).
    """
    count = len(features.film_names)
    vectors = model.encode(features)
    audio, video, contrast_audio, contrast_video = (
        film_means(rows, features.film, count) for rows in (features.audio, features.video, *vectors)
    )
    both, mean = torch.cat([audio, video], dim=1), (contrast_audio + contrast_video) / 2
    return dict(zip(REPRESENTATIONS, (audio, video, both, contrast_audio, contrast_video, mean), strict=True))


def probe_representations(
    model: MusicVideoModel,
    split: FeatureSplit,
    labels: Mapping[str, str] | Mapping[str, Collection[str]],
    *,
    max_classes: int | None = None,
    options: TrainingOptions = PROBE_OPTIONS,
    seeds: Sequence[int] = (0, 1, 2),
    representations: Sequence[str] = REPRESENTATIONS,
) -> dict[str, ProbeResult]:
    """Probe all representations on the same films and labels.

    Args:
        model: The trained heads.
        split: The parts that they were trained with, so that their training films are the probe's.
        labels: By name of the film its genre, or its tags; films without an entry are left out.
        max_classes: Only the most frequent genres or tags of the training films; the paper's tagging takes 10. Films of
            other genres are left out, those without one of the tags stay.
        options: Of the probes.
        seeds: Of the probes.
        representations: Which.

    Raises:
        ArgumentError: If a part has no labelled film, or a representation is unknown.
    """
    unknown = [name for name in representations if name not in REPRESENTATIONS]
    if unknown:
        raise ArgumentError(f"'representations' must be of {', '.join(REPRESENTATIONS)} (got {', '.join(unknown)})")
    tagged = any(not isinstance(label, str) for label in labels.values())
    counts: Counter[str] = Counter()
    for name in split.train.film_names:
        label = labels.get(name, ())
        counts.update((label,) if isinstance(label, str) else set(label))
    chosen = sorted(counts, key=lambda name: (-counts[name], name))[:max_classes]
    places = {name: place for place, name in enumerate(sorted(chosen))}
    parts: dict[str, list[LabelledVectors]] = {name: [] for name in representations}
    for part_name, features in split._asdict().items():
        rows, targets = _targets(features.film_names, labels, places, tagged)
        if len(rows) == 0:
            raise ArgumentError(f"'labels' must name films of each part (none of '{part_name}')")
        vectors = film_representations(model, features)
        for name in representations:
            parts[name].append(LabelledVectors(vectors[name][rows], targets))
    return {name: probe(*parts[name], options=options, seeds=seeds) for name in representations}


def _targets(
    names: Sequence[str],
    labels: Mapping[str, str] | Mapping[str, Collection[str]],
    places: dict[str, int],
    tagged: bool,
) -> tuple[Tensor, Tensor]:
    """Rows of the labelled films, and the class of each, or whether it has each of the tags."""
    rows: list[int] = []
    targets: list[int] | list[list[bool]]
    if tagged:
        rows = [row for row, name in enumerate(names) if name in labels]
        flags = torch.zeros(len(rows), len(places), dtype=torch.bool)
        for line, row in enumerate(rows):
            label = labels[names[row]]
            given = (label,) if isinstance(label, str) else label
            flags[line, [places[tag] for tag in given if tag in places]] = True
        return torch.tensor(rows, dtype=torch.int64), flags
    rows = [row for row, name in enumerate(names) if labels.get(name) in places]
    targets = [places[str(labels[names[row]])] for row in rows]
    return torch.tensor(rows, dtype=torch.int64), torch.tensor(targets, dtype=torch.int64)
