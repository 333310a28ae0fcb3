"""One experiment: train, select on validation, test once, write the run folder."""

import hashlib
import json
import platform
import time
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import torch

import gnnrec
from gnnrec.data.dataset import Dataset, feature_hash
from gnnrec.data.interactions import Interactions
from gnnrec.errors import ArgumentError, RunError
from gnnrec.evaluation import EvalOptions, Evaluation, evaluate
from gnnrec.models import EmbeddingScorer, Recommender, create_model, model_arguments, model_class
from gnnrec.models.base import Features
from gnnrec.models.history_scorer import HistoryScorer
from gnnrec.training.callbacks import Callback, EarlyStopping
from gnnrec.training.checkpoint import Checkpoint
from gnnrec.training.history_file import HistoryFile
from gnnrec.training.loop import fit
from gnnrec.training.options import TrainOptions
from gnnrec.training.run_folder import RunFolder
from gnnrec.training.state import TrainState
from graphs import BipartiteGraph

__all__ = ["ExperimentResult", "resolve_device", "run_experiment", "uses_features"]


@dataclass(frozen=True, eq=False)
class ExperimentResult:
    """What a run gave.

    Args:
        path: The run folder.
        valid: Validation figures; ``None`` where the data have no validation part.
        test: Test figures; ``None`` where the data have no test part.
        epochs: Epochs trained, 0 for models without epochs.
        best_epoch: Epoch that validation selected.
        seconds: Wall time of fitting.
    """

    path: Path
    valid: Evaluation | None
    test: Evaluation | None
    epochs: int
    best_epoch: int
    seconds: float

    def to_dict(self) -> dict[str, Any]:
        """The content of ``metrics.json``."""
        return {
            "valid": self.valid.to_dict() if self.valid else {},
            "test": self.test.to_dict() if self.test else {},
            "epochs": self.epochs,
            "best_epoch": self.best_epoch,
            "fit_seconds": round(self.seconds, 3),
        }


def uses_features(model: str) -> bool:
    """Whether a registered model looks at item features."""
    return model_class(model).needs_features


def resolve_device(name: str) -> torch.device:
    """The device of a name; ``"auto"`` is CUDA where there is one.

    Raises:
        ArgumentError: If the device does not exist here.
    """
    if name == "auto":
        return torch.device("cuda" if torch.cuda.is_available() else "cpu")
    try:
        torch.empty(0, device=name)
    except (RuntimeError, AssertionError) as error:
        raise ArgumentError(f"'device' {name!r} is not available here; try 'cpu'") from error
    return torch.device(name)


def run_experiment(
    model_name: str,
    dataset: Dataset,
    out: Path | str,
    *,
    model_options: Mapping[str, Any] | None = None,
    features: Sequence[str] | None = None,
    options: TrainOptions | None = None,
    evaluation: EvalOptions | None = None,
    callbacks: Sequence[Callback] = (),
    resume: bool = False,
    reading: Mapping[str, Any] | None = None,
) -> ExperimentResult:
    """Train one model and write its run folder.

    The test part is evaluated once, after validation has selected the epoch.

    Args:
        model_name: A registered model.
        dataset: The split data; a model that selects its epoch needs a validation part.
        out: The run folder, new or empty unless ``resume``.
        model_options: The model's own hyper-parameters.
        features: Names of the item features to use; all by default.
        options: How to train.
        evaluation: How to evaluate.
        callbacks: Further hooks of the training loop.
        resume: Continue from the folder's checkpoint, from the start where there is none.
        reading: Keywords of :func:`gnnrec.training.reading.read_for_training` that gave the dataset, for ``run.json``;
            ``gnnrec evaluate`` reads the data in the same way.

    Returns:
        The figures.

    Raises:
        ArgumentError: If the data lack what the model needs.
        RunError: If the folder is in use or its checkpoint belongs to other settings.
    """
    options, evaluation = options or TrainOptions(), evaluation or EvalOptions()
    device = resolve_device(options.device)
    run = RunFolder(out)
    if not resume and run.path.exists() and any(run.path.iterdir()):
        raise RunError(f"{run.path} is not empty; add --resume to continue that run, or choose another --out")
    chosen = _choose_features(model_name, dataset, features)
    if options.deterministic:
        torch.use_deterministic_algorithms(True)
    torch.manual_seed(options.seed)
    graph = BipartiteGraph.from_interactions(dataset.train).to(device)
    on_device = {name: dataset.features[name].to(device) for name in chosen}
    model = create_model(
        model_name,
        num_users=dataset.num_users,
        num_items=dataset.num_items,
        feature_dims={name: modality.dim for name, modality in on_device.items()},
        **(model_options or {}),
    ).to(device)
    description = _describe(model_name, model, dataset, chosen, options, evaluation, device)
    description["reading"] = dict(reading or {})
    run.write_json("run.json", {**description, "status": "training"})
    run.write_ids(dataset)
    run.write_graph(graph)
    started = time.perf_counter()
    if isinstance(model, HistoryScorer):
        state = None
        model.fit(graph, on_device)
    else:
        state = _train(model, graph, on_device, dataset, options, evaluation, run, description, callbacks, resume)
    seconds = time.perf_counter() - started
    scorer = _finish_model(run, model, graph, on_device)
    reports = evaluate_parts(scorer, graph, dataset, evaluation)
    result = ExperimentResult(
        path=run.path,
        valid=reports.get("valid"),
        test=reports.get("test"),
        epochs=state.epoch if state else 0,
        best_epoch=state.best_epoch if state else 0,
        seconds=seconds,
    )
    run.write_json("metrics.json", result.to_dict())
    run.write_per_user({part: (dataset.users.ids(r.users.cpu().numpy()), r.per_user) for part, r in reports.items()})
    run.write_json("run.json", {**description, "status": "finished"})
    return result


def evaluate_parts(
    scorer: EmbeddingScorer | HistoryScorer, graph: BipartiteGraph, dataset: Dataset, options: EvalOptions
) -> dict[str, Evaluation]:
    """Evaluate on validation and test, as far as the data have them."""
    features = {name: modality.to(graph.device) for name, modality in dataset.features.items()}
    parts: dict[str, Interactions] = {"valid": dataset.valid, "test": dataset.test}
    valid = BipartiteGraph.from_interactions(dataset.valid).to(graph.device)
    reports = {}
    for part, positives in parts.items():
        if len(positives):
            masked = valid if part == "test" and options.mask_valid else None
            reports[part] = evaluate(scorer, graph, positives, options, masked=masked, features=features)
    return reports


def _choose_features(model_name: str, dataset: Dataset, names: Sequence[str] | None) -> list[str]:
    if not uses_features(model_name):
        if names:
            raise ArgumentError(f"'{model_name}' uses no item features; leave --features out")
        return []
    chosen = list(dataset.select_features(list(names) if names is not None else list(dataset.features)))
    if not chosen:
        raise ArgumentError(f"'{model_name}' recommends from item features, and {dataset.name} has none")
    return chosen


def _train(
    model: Recommender,
    graph: BipartiteGraph,
    features: Features,
    dataset: Dataset,
    options: TrainOptions,
    evaluation: EvalOptions,
    run: RunFolder,
    description: Mapping[str, Any],
    callbacks: Sequence[Callback],
    resume: bool,
) -> TrainState:
    if len(dataset.valid) == 0:
        raise ArgumentError(
            f"{dataset.name} has no validation part to select the epoch on; carve one out of train with "
            "gnnrec.data.splits.carve_validation (the command line does it by itself)"
        )
    positives = BipartiteGraph.from_interactions(dataset.valid).to(graph.device)
    quick = EvalOptions(ks=evaluation.ks, beyond_accuracy=False)
    if options.metric.rsplit("@", 1)[-1] not in {str(k) for k in quick.ks}:
        raise ArgumentError(f"'metric' {options.metric!r} needs a list length among {quick.ks}; add it to 'ks'")

    def validate(current: Recommender) -> dict[str, float]:
        scorer = EmbeddingScorer(current.embeddings(graph, features))
        return evaluate(scorer, graph, positives, quick).metrics

    checkpoint = Checkpoint(run.checkpoint, _identity(description))
    saved = checkpoint.load(graph.device) if resume and run.checkpoint.exists() else None
    hooks = [EarlyStopping(options.patience), HistoryFile(run.history), *callbacks, checkpoint]
    return fit(model, graph, features, options, validate=validate, callbacks=hooks, resume=saved)


def _finish_model(
    run: RunFolder, model: Recommender | HistoryScorer, graph: BipartiteGraph, features: Features
) -> EmbeddingScorer | HistoryScorer:
    """Write the model's files and give what scores with it."""
    scorer: EmbeddingScorer | HistoryScorer
    if isinstance(model, HistoryScorer):
        scorer = model
    else:
        embeddings = model.embeddings(graph, features)
        tensors = {name: value for name, value in embeddings._asdict().items() if value is not None}
        run.write_tensors("embeddings.safetensors", tensors)
        scorer = EmbeddingScorer(embeddings)
    run.write_tensors("model.safetensors", model.state_dict())
    return scorer


def _describe(
    model_name: str,
    model: Recommender | HistoryScorer,
    dataset: Dataset,
    features: Sequence[str],
    options: TrainOptions,
    evaluation: EvalOptions,
    device: torch.device,
) -> dict[str, Any]:
    return {
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
            }
            for name in features
        },
        "options": asdict(options),
        "evaluation": asdict(evaluation),
        "seed": options.seed,
        "device": str(device),
        "versions": {
            "gnnrec": gnnrec.__version__,
            "torch": torch.__version__,
            "python": platform.python_version(),
        },
    }


def _identity(description: Mapping[str, Any]) -> str:
    """Hash of all that must be equal for a checkpoint to go on; more epochs or patience may be asked for later."""
    settings = {name: description[name] for name in ("model", "features", "options", "device")}
    settings["fingerprint"] = description["data"]["fingerprint"]
    settings["options"] = {k: v for k, v in settings["options"].items() if k not in ("max_epochs", "patience")}
    return hashlib.blake2b(json.dumps(settings, sort_keys=True).encode(), digest_size=16).hexdigest()
