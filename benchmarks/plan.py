"""Which runs each command of benchmarks/models.py consists of."""

from collections.abc import Sequence
from dataclasses import replace

from records import COLD_SPLIT, Budget, Job, Record, Source, find
from spaces import FUSION_MODELS, FUSION_SEEDS, FUSIONS, Point, content_models, defaults_of, points, seeds_of

__all__ = [
    "chosen_point",
    "cold_jobs",
    "every_feature_jobs",
    "final_jobs",
    "fusion_jobs",
    "fusions_of",
    "search_jobs",
    "searched",
]


def search_jobs(source: Source, model: str, budget: Budget) -> list[Job]:
    """The points of the search, with a seed that no final run has."""
    return [Job(source, model, point, 0, budget) for point in points(model)]


def searched(records: Sequence[Record], source: Source, model: str, budget: Budget) -> list[tuple[Point, Record]]:
    """The points of the search that have run, with their runs."""
    found = [(job.point, find(job, records)) for job in search_jobs(source, model, budget)]
    return [(point, record) for point, record in found if record is not None]


def chosen_point(records: Sequence[Record], source: Source, model: str, budget: Budget) -> Point:
    """The searched point of the best validation Recall@20; the defaults if none has run to its end."""
    values = [
        (record["valid"]["recall@20"], -place, point)
        for place, (point, record) in enumerate(searched(records, source, model, budget))
        if "failed" not in record
    ]
    return max(values)[2] if values else {}


def final_jobs(source: Source, model: str, point: Point, budget: Budget) -> list[Job]:
    """A point with the seeds that the search did not see."""
    return [Job(source, model, point, seed, budget, keep_users=True) for seed in seeds_of(model)]


def fusions_of(model: str) -> dict[str, str]:
    """Fusion by column of the table: those compared, and the model's own under ``"paper default"``."""
    return {**{name: name for name in FUSIONS}, "paper default": defaults_of(model)["fusion"]}


def fusion_jobs(source: Source, model: str, point: Point, fusion: str, budget: Budget) -> list[Job]:
    """A point with another fusion; with the model's own these are the final runs."""
    if model not in FUSION_MODELS:
        return []
    replaced = {**point, "fusion": fusion} if fusion != defaults_of(model)["fusion"] else point
    return [Job(source, model, replaced, seed, budget) for seed in seeds_of(model, FUSION_SEEDS)]


def every_feature_jobs(source: Source, model: str, point: Point, budget: Budget) -> list[Job]:
    """A point with all features of the data set; nothing where the search had them all."""
    if model not in content_models() or set(source.every_feature) <= set(source.features):
        return []
    return final_jobs(replace(source, features=source.every_feature), model, point, budget)


def cold_jobs(source: Source, model: str, point: Point, budget: Budget) -> list[Job]:
    """A point on the split by items; for models of content."""
    if model not in content_models():
        return []
    return [Job(source, model, point, seed, budget, COLD_SPLIT, keep_users=True) for seed in seeds_of(model)]
