"""What the search of benchmarks/models.py may try: one budget for all models, one space for each."""

import itertools
import json
import random
from typing import Any

from gnnrec.models import Recommender, list_models, model_arguments, model_class
from gnnrec.training import TrainOptions

__all__ = [
    "FEATURES",
    "FUSIONS",
    "FUSION_MODELS",
    "FUSION_SEEDS",
    "MAX_EPOCHS",
    "PATIENCE",
    "SEARCH_POINTS",
    "SEEDS",
    "SPACES",
    "content_models",
    "defaults_of",
    "points",
    "seeds_of",
    "settings_key",
    "settings_of",
    "space_of",
    "split_point",
]

SEARCH_POINTS = 6
"""Points of the search for every model and data set: the shipped defaults and others drawn from the model's space."""
SEARCH_SEED = 0
"""Of the draw; the points of a model are the same on every data set."""
SEEDS = (1, 2, 3)
"""Of the final runs; the search ran with seed 0."""
MAX_EPOCHS = 300
"""Epochs of a run at most; what stopped earlier by itself counts under any cap."""
PATIENCE = 20
"""Epochs without a better validation Recall@20 after which a run stops."""
FEATURES = {"lfm2k": ("whisper", "all-MiniLM-L6-v2"), "tiktok": ("image", "audio")}
"""Item features by data set, for models that need some; a data set not named here brings all that it has."""
FUSION_MODELS = ("vbpr", "mmgcn", "lattice", "mmgcl", "slmrec")
FUSIONS = ("concat", "attention", "graph")
FUSION_SEEDS = (1, 2, 3)
TRAINING = ("learning_rate", "batch_size")
"""Names in a point that are options of training; all others are the model's own."""

Point = dict[str, Any]

SPACES: dict[str, dict[str, list[Any]]] = {
    "popularity": {},
    "item-knn": {"asymmetry": [0.5, 0.65, 0.8], "shrinkage": [5.0, 20.0], "k": [100, 200]},
    "user-knn": {"item_damping": [0.0, 0.5], "amplification": [1.0, 2.0], "k": [100, 200, 400]},
    "content-knn": {"center": [False, True]},
    "rp3-beta": {"alpha": [0.7, 0.8, 1.0], "beta": [0.1, 0.2, 0.3], "k": [100, 200]},
    "ease": {"regularization": [25.0, 50.0, 75.0, 100.0, 150.0, 300.0]},
    "gf-cf": {"alpha": [0.1, 0.3, 0.6], "rank": [64, 256]},
    "bpr-mf": {
        "regularization": [1e-2, 2e-2, 3e-2, 1e-1, 3e-1],
        "init_std": [0.01, 0.1],
        "learning_rate": [1e-3, 3e-3],
    },
    "lightgcn": {
        "num_layers": [2, 3],
        "regularization": [1e-4, 1e-3, 1e-2],
        "learning_rate": [1e-3, 2e-3, 3e-3],
    },
    "vbpr": {
        "regularization": [1e-2, 2e-2, 3e-2, 1e-1, 3e-1],
        "init_std": [0.01, 0.1],
        "learning_rate": [1e-3, 3e-3],
    },
    "mmgcn": {
        "num_layers": [2, 3],
        "combination": ["concat", "element-wise"],
        "regularization": [1e-4, 1e-3, 1e-2, 1e-1],
        "learning_rate": [5e-4, 1e-3, 3e-3],
    },
    "lattice": {
        "num_layers": [2, 3],
        "num_neighbors": [10, 20],
        "raw_weight": [0.5, 0.7, 0.9],
        "regularization": [1e-4, 1e-3, 1e-2],
        "learning_rate": [1e-3, 3e-3],
    },
    "mmgcl": {
        "num_layers": [2, 3],
        "ssl_weight": [0.1, 0.4],
        "edge_dropout": [0.05, 0.3],
        "regularization": [1e-3, 1e-2, 1e-1],
        "learning_rate": [1e-3, 3e-3],
    },
    "slmrec": {
        "num_layers": [2, 3],
        "ssl_weight": [0.01, 0.1],
        "temperature": [0.2, 1.0],
        "mask_duplicates": [False, True],
        "regularization": [1e-3, 1e-2, 1e-1],
        "learning_rate": [1e-3, 3e-3],
    },
    "freedom": {
        "num_layers": [2, 3],
        "drop_rate": [0.0, 0.8],
        "content_weight": [0.0],
        "regularization": [1e-3],
        "learning_rate": [1e-3, 3e-3],
    },
    "bm3": {
        "num_layers": [1, 2, 3],
        "dropout": [0.3, 0.5],
        "cl_weight": [0.5, 2.0],
        "symmetric_alignment": [False, True],
        "regularization": [1e-3, 1e-2, 1e-1],
        "learning_rate": [1e-3, 3e-3],
    },
    "mgcn": {
        "num_layers": [2, 3],
        "num_neighbors": [10, 20],
        "contrastive_weight": [1e-3, 1e-2, 1e-1],
        "regularization": [1e-4, 1e-3, 1e-2],
        "learning_rate": [1e-3, 3e-3],
    },
    "light-mgcn": {
        "num_layers": [3, 4],
        "num_neighbors": [10, 20],
        "contrastive_weight": [1e-3, 1e-2],
        "regularization": [1e-3],
        "learning_rate": [1e-3, 3e-3],
    },
}
"""Values by argument; a point takes one of each, all combinations being equally likely."""


def content_models() -> list[str]:
    """Models that use item content."""
    return [name for name in list_models() if model_class(name).needs_features]


def space_of(model: str) -> dict[str, list[Any]]:
    """The space of a model.

    Raises:
        SystemExit: If it has none, or one that names what the model does not have.
    """
    if model not in SPACES:
        raise SystemExit(f"benchmarks/spaces.py has no search space for '{model}'")
    known = [*model_arguments(model), *(TRAINING if issubclass(model_class(model), Recommender) else ())]
    unknown = [name for name in SPACES[model] if name not in known]
    if unknown:
        raise SystemExit(f"the search space of '{model}' names {', '.join(unknown)}; it has: {', '.join(known)}")
    return SPACES[model]


KNOWN: dict[str, list[Point]] = {
    "lightgcn": [
        {"num_layers": 2, "regularization": 1e-3, "learning_rate": 3e-3},
        {"num_layers": 3, "regularization": 1e-4, "learning_rate": 1e-3},
        {"num_layers": 4, "regularization": 1e-3, "learning_rate": 3e-3},
        {"num_layers": 4, "regularization": 1e-3, "learning_rate": 1e-3},
    ],
}
"""Points on top of the budget: the baseline of the significance tests keeps the best of an earlier, wider search on
each data set, and gets the depth that the others may have."""


def points(model: str) -> list[Point]:
    """The defaults, then points drawn from the space without repetition; fewer where the space is small."""
    space = space_of(model)
    combinations = [dict(zip(space, values, strict=True)) for values in itertools.product(*space.values())]
    defaults = defaults_of(model)
    others = [point for point in combinations if {**defaults, **point} != defaults]
    count = min(SEARCH_POINTS - 1, len(others))
    drawn = random.Random(f"{SEARCH_SEED} {model}").sample(others, count)
    known = [point for point in KNOWN.get(model, []) if {**defaults, **point} != defaults and point not in drawn]
    return [{}, *drawn, *known]


def seeds_of(model: str, seeds: tuple[int, ...] = SEEDS) -> tuple[int, ...]:
    """Seeds of the final runs: none that the search saw, and one for models without chance."""
    return seeds if issubclass(model_class(model), Recommender) else (0,)


def defaults_of(model: str) -> Point:
    """All hyper-parameters at their shipped values."""
    options = TrainOptions()
    defaults = {name: parameter.default for name, parameter in model_arguments(model).items()}
    if issubclass(model_class(model), Recommender):
        defaults |= {name: getattr(options, name) for name in TRAINING}
    return defaults


def settings_of(model: str, point: Point) -> Point:
    """All hyper-parameters that a point stands for: its own and the defaults of today."""
    return {**defaults_of(model), **point}


def settings_key(settings: Point) -> str:
    """Settings as one text, to compare them."""
    return json.dumps(settings, sort_keys=True)


def split_point(point: Point) -> tuple[Point, Point]:
    """A point's arguments of the model, and its options of training."""
    own = {name: value for name, value in point.items() if name not in TRAINING}
    return own, {name: value for name, value in point.items() if name in TRAINING}
