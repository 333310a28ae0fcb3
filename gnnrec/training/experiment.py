"""One experiment: train, select on validation, test once, write the run folder."""

import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal, get_args

import torch

from gnnrec.data.dataset import Dataset
from gnnrec.data.interactions import Interactions
from gnnrec.errors import ArgumentError, RunError, UnknownNameError
from gnnrec.evaluation import EvalOptions, Evaluation, evaluate, tie_order
from gnnrec.evaluation.metrics import METRICS, default_metric
from gnnrec.models import EmbeddingScorer, Recommender, create_model, model_class
from gnnrec.models.base import Batch, Features
from gnnrec.models.history_scorer import HistoryScorer
from gnnrec.training.callbacks import Callback, EarlyStopping
from gnnrec.training.checkpoint import Checkpoint
from gnnrec.training.determinism import deterministic
from gnnrec.training.encoder_files import (
    add_encoders,
    describe_encoders,
    encode_before_training,
    write_encoders,
)
from gnnrec.training.end_to_end import EndToEnd
from gnnrec.training.finetune import require_pairs
from gnnrec.training.history_file import HistoryFile
from gnnrec.training.live_features import LiveFeatures
from gnnrec.training.loop import fit
from gnnrec.training.options import TrainOptions
from gnnrec.training.run_description import describe_run, differing_settings
from gnnrec.training.run_folder import LOCK, SELECTION, RunFolder
from gnnrec.training.state import TrainState
from gnnrec.training.validation import Validation
from graphs import BipartiteGraph

__all__ = ["EncoderTraining", "ExperimentResult", "resolve_device", "run_experiment"]

EncoderTraining = Literal["frozen", "finetune", "end-to-end"]


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
    live: LiveFeatures | None = None,
    encoder_training: EncoderTraining = "frozen",
    encoding: Mapping[str, Any] | None = None,
    select: bool = True,
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
        live: Encoders that make features for this run, from contents of the dataset's items; features of files are
            then used only if ``features`` names them.
        encoder_training: ``"frozen"``: features of the encoders as they are. ``"finetune"``: the encoders learn from
            the items' pairs of contents first (:func:`~gnnrec.training.finetune.finetune_encoders`). ``"end-to-end"``:
            they learn from the recommender's loss, together with it.
        encoding: How ``live`` was made, for ``run.json``; new items are encoded in the same way.
        select: Whether validation selects the epoch; otherwise ``max_epochs`` are trained and the last one counts.

    Returns:
        The figures.

    Raises:
        ArgumentError: If the data lack what the model needs.
        UnknownNameError: If the model, one of its arguments, a feature or the metric does not exist.
        RunError: If the folder holds something, or, with ``resume``, a run with other settings. All of these are
            found before anything is written.
    """
    evaluation = evaluation or EvalOptions()
    options = options or TrainOptions(metric=default_metric(evaluation.ks))
    _check_encoders(live, encoder_training)
    device = resolve_device(options.device)
    chosen = _choose_features(model_name, dataset, features, live)
    if select:
        _check_selection(model_name, dataset, options, evaluation)
    with deterministic(options.deterministic), RunFolder(out).locked():
        torch.manual_seed(options.seed)
        graph = BipartiteGraph.from_interactions(dataset.train).to(device)
        on_device = {name: dataset.features[name].to(device) for name in chosen}
        dims = {name: modality.dim for name, modality in on_device.items()}
        model = create_model(
            model_name,
            num_users=dataset.num_users,
            num_items=dataset.num_items,
            feature_dims={**dims, **(live.dims if live else {})},
            **(model_options or {}),
        ).to(device)
        description = describe_run(
            model_name, model, dataset, chosen, options, evaluation, device, reading or {}, selected=select
        )
        if live:
            encoders = describe_encoders(live.to(device), encoder_training, encoding or {})
            description = add_encoders(description, encoders)
        if live and encoder_training == "end-to-end":
            assert isinstance(model, Recommender), "checked with the features"
            model = EndToEnd(model, live)
            model.require_gradient(model_name, graph, on_device, _first_batch(graph))
        run = RunFolder(out)
        description["identity"] = _usable_identity(run, description, resume)
        checkpoint = Checkpoint(run.checkpoint, description["identity"])
        saved = checkpoint.load(device) if run.checkpoint.exists() else None
        if saved is not None and saved["epoch"] > options.max_epochs:
            raise RunError(f"{run.path} has trained {saved['epoch']} epochs already; 'max_epochs' must not be less")
        run.write_json("run.json", {**description, "status": "training"})
        run.write_ids(dataset)
        run.write_graph(graph, _held_out(dataset))
        started = time.perf_counter()
        state: TrainState | None = None
        if live and not isinstance(model, EndToEnd):
            on_device = {**on_device, **encode_before_training(run, live, encoder_training, options)}
        if isinstance(model, HistoryScorer):
            model.fit(graph, on_device)
        else:
            hooks = [*([EarlyStopping(options.patience)] if select else []), HistoryFile(run.history)]
            hooks += [*callbacks, checkpoint]
            validate = None
            if select:
                validate = Validation(graph, on_device, dataset.valid, evaluation, ties=tie_order(dataset.items))
            state = fit(model, graph, on_device, options, validate=validate, callbacks=hooks, resume=saved)
        seconds = time.perf_counter() - started
        scorer = _finish_model(run, model, graph, on_device)
        if live:
            write_encoders(run, live)
        reports = evaluate_parts(scorer, graph, dataset, evaluation)
    result = ExperimentResult(
        path=run.path,
        valid=reports.get("valid"),
        test=reports.get("test"),
        epochs=state.epoch if state else 0,
        best_epoch=(state.best_epoch or state.epoch) if state else 0,
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
    ties = tie_order(dataset.items)
    reports = {}
    for part, positives in parts.items():
        if len(positives):
            masked = None
            if part == "test" and options.mask_valid:
                masked = BipartiteGraph.from_interactions(dataset.valid).to(graph.device)
            reports[part] = evaluate(scorer, graph, positives, options, masked=masked, features=features, ties=ties)
    return reports


def _choose_features(
    model_name: str, dataset: Dataset, names: Sequence[str] | None, live: LiveFeatures | None
) -> list[str]:
    if not model_class(model_name).needs_features:
        if names or live:
            raise ArgumentError(f"'{model_name}' uses no item features; leave features and encoders out")
        return []
    if live and live.num_items != dataset.num_items:
        raise ArgumentError(f"'live' must be of the {dataset.num_items} items of the data (got {live.num_items})")
    wanted = list(names) if names is not None else ([] if live else dataset.feature_names())
    chosen = list(dataset.select_features(wanted))
    repeated = [name for name in chosen if live and name in live.names]
    if repeated:
        raise ArgumentError(f"features {', '.join(repeated)} are both in a file and made by an encoder; leave one out")
    if not chosen and not live:
        raise ArgumentError(f"'{model_name}' recommends from item features, and {dataset.name} has none")
    return chosen


def _check_encoders(live: LiveFeatures | None, training: str) -> None:
    if training not in get_args(EncoderTraining):
        raise ArgumentError(
            f"'encoder_training' must be one of {', '.join(get_args(EncoderTraining))} (got {training!r})"
        )
    if live and training == "finetune":
        require_pairs(live)
    if live and training != "frozen" and not live.trained_parameters():
        raise ArgumentError(f"{', '.join(live.names)}: there are no weights to train; leave 'encoder_training' frozen")


def _check_selection(model_name: str, dataset: Dataset, options: TrainOptions, evaluation: EvalOptions) -> None:
    """Refuse what would leave nothing to select the epoch by."""
    if not issubclass(model_class(model_name), Recommender):
        return
    if len(dataset.valid) == 0:
        raise ArgumentError(
            f"{dataset.name} has no validation part to select the epoch on; read it with "
            "gnnrec.training.read_for_training, which makes one, or split it: "
            "gnnrec.data.splits.apply_split(dataset, 'ratio')"
        )
    known = [f"{name}@{k}" for name in METRICS for k in evaluation.ks]
    if options.metric not in known:
        raise UnknownNameError("metric", options.metric, known)


def _usable_identity(run: RunFolder, description: Mapping[str, Any], resume: bool) -> str:
    """The identity that the run goes by, once it is sure that writing into its folder harms no other run."""
    used = run.path.exists() and any(path.name not in (LOCK, SELECTION) for path in run.path.iterdir())
    if used and not resume:
        raise RunError(f"{run.path} is not empty; add --resume to continue that run, or choose another --out")
    identity: str = description["identity"]
    if used:
        if not run.has("run.json"):
            raise RunError(f"{run.path} holds no run to resume (no run.json); choose another --out")
        stored = run.describe()
        differing = differing_settings(stored, description)
        if differing:
            raise RunError(
                f"{run.path} holds another run: {'; '.join(differing)}. Resume with the same settings or choose "
                "another --out"
            )
        identity = stored.get("identity", identity)  # that of its checkpoint, also where an older version wrote it
    return identity


def _held_out(dataset: Dataset) -> BipartiteGraph:
    """What users took in validation and test: serving leaves it out of their lists."""
    edges = [torch.stack([part.user, part.item]) for part in (dataset.valid, dataset.test)]
    return BipartiteGraph(torch.cat(edges, dim=1), dataset.num_users, dataset.num_items)


def _finish_model(
    run: RunFolder, model: Recommender | HistoryScorer, graph: BipartiteGraph, features: Features
) -> EmbeddingScorer | HistoryScorer:
    """Write the model's files and give what scores with it."""
    scorer: EmbeddingScorer | HistoryScorer
    if isinstance(model, HistoryScorer):
        scorer = model
    else:
        model.eval()
        with torch.no_grad():
            scorer = EmbeddingScorer(
                model.embeddings(graph, features),
                item_fold_in=model.item_fold_in(graph, features),
                item_parts=model.item_parts(graph, features),
            )
        run.write_tensors("embeddings.safetensors", scorer.tensors())
    trained = model.model if isinstance(model, EndToEnd) else model
    run.write_tensors("model.safetensors", trained.state_dict())
    return scorer


def _first_batch(graph: BipartiteGraph) -> Batch:
    """Some triples, to see where gradients go; negatives may be positives."""
    users, items = graph.edge_index[:, :32]
    return Batch(users, items, items.roll(1))
