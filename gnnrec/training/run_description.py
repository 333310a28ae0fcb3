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

__all__ = ["describe_run", "run_identity"]


def describe_run(
    model_name: str,
    model: Recommender | HistoryScorer,
    dataset: Dataset,
    features: Sequence[str],
    options: TrainOptions,
    evaluation: EvalOptions,
    device: torch.device,
    reading: Mapping[str, Any],
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
    return {**description, "identity": run_identity(description)}


def run_identity(description: Mapping[str, Any]) -> str:
    """Hash of all that must be equal for a run to go on; more epochs or patience may be asked for later."""
    settings: dict[str, Any] = {name: description[name] for name in ("model", "options", "device")}
    settings["features"] = list(description["features"].items())  # their order is that of the model's weights
    settings["fingerprint"] = description["data"]["fingerprint"]
    settings["options"] = {k: v for k, v in settings["options"].items() if k not in ("max_epochs", "patience")}
    return hashlib.blake2b(json.dumps(settings, sort_keys=True).encode(), digest_size=16).hexdigest()
