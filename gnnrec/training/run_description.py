"""What a run is, for its ``run.json`` and for telling runs apart."""

import hashlib
import json
import platform
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

import torch

import gnnrec
from gnnrec.data.dataset import Dataset, feature_hash
from gnnrec.evaluation import EvalOptions
from gnnrec.models import Recommender, model_arguments
from gnnrec.models.history_scorer import HistoryScorer
from gnnrec.training.options import TrainOptions

__all__ = ["describe_run", "differing_settings", "fingerprints", "run_identity"]


def describe_run(
    model_name: str,
    model: Recommender | HistoryScorer,
    dataset: Dataset,
    features: Sequence[str],
    options: TrainOptions,
    evaluation: EvalOptions,
    device: torch.device,
    reading: Mapping[str, Any],
    *,
    selected: bool = True,
) -> dict[str, Any]:
    """The content of ``run.json``, less its status."""
    description: dict[str, Any] = {
        "model": {
            "name": model_name,
            "arguments": {name: getattr(model, name) for name in model_arguments(model_name)},
            "num_parameters": sum(parameter.numel() for parameter in model.parameters()),
        },
        "data": {
            "name": dataset.name,
            "path": str(Path(dataset.source).resolve()) if dataset.source else "",
            "fingerprint": dataset.fingerprint,
            "fingerprint_with_features": dataset.fingerprint_with_features,
            "split": dataset.split,
            "num_users": dataset.num_users,
            "num_items": dataset.num_items,
            "interactions": {part: len(interactions) for part, interactions in dataset.parts().items()},
        },
        "features": {
            name: {
                "hash": feature_hash(dataset.features[name]),
                "dim": dataset.features[name].dim,
                "coverage": dataset.features[name].coverage,
                **{
                    key: value
                    for key, value in dataset.feature_info.get(name, {}).items()
                    if key in ("encoder", "modality", "weights_hash", "preprocessing", "precision")
                },
            }
            for name in features
        },
        "options": asdict(options),
        "evaluation": asdict(evaluation),
        "reading": dict(reading),
        "seed": options.seed,
        "device": str(device),
        "versions": {"gnnrec": gnnrec.__version__, "torch": torch.__version__, "python": platform.python_version()},
    }
    if not selected:
        description["selected"] = False
    return {**description, "identity": run_identity(description)}


def run_identity(description: Mapping[str, Any]) -> str:
    """Hash of all that must be equal for a run to go on, see :func:`differing_settings`."""
    text = json.dumps(_settings(description), sort_keys=True)
    return hashlib.blake2b(text.encode(), digest_size=16).hexdigest()


def differing_settings(one: Mapping[str, Any], other: Mapping[str, Any]) -> list[str]:
    """What keeps a run from going on as another, with both values; nothing where it may.

    More epochs or patience may be asked for later. All that changes a figure counts: the model, its arguments, the
    data, features, encoders, options of training, and how figures are made.

    Args:
        one: Description of the run in a folder.
        other: Of the one that is to go on.
    """
    old, new = _settings(one), _settings(other)
    if fingerprints(one) & fingerprints(other):
        old["data"] = new["data"]
    names = [name for name in {**old, **new} if old.get(name) != new.get(name)]
    return [f"'{name}' was {old.get(name)} and is {new.get(name)}" for name in names]


def fingerprints(description: Mapping[str, Any]) -> set[str]:
    """Fingerprints of a run's data; runs of which one is the same are of the same data."""
    data = description["data"]
    return {data["fingerprint"], data.get("fingerprint_with_features", data["fingerprint"])}


def _settings(description: Mapping[str, Any]) -> dict[str, Any]:
    features = {name: feature["hash"] for name, feature in (description.get("features") or {}).items()}
    options = {**asdict(TrainOptions()), **description["options"]}  # an older version had fewer
    evaluation = {**asdict(EvalOptions()), **description["evaluation"]}
    settings = {
        "model": description["model"]["name"],
        **description["model"]["arguments"],
        "data": description["data"]["fingerprint"],
        "features": list(features.items()),  # their order is that of the model's weights
        "encoders": description.get("encoders"),
        **{name: value for name, value in options.items() if name not in ("max_epochs", "patience")},
        "device": description.get("device"),
        "selected": description.get("selected", True),
        **evaluation,
    }
    plain: dict[str, Any] = json.loads(json.dumps(settings))  # as run.json has it: lists instead of tuples
    return plain
