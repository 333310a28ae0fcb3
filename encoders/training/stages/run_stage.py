"""One stage on one data set, from the weights it starts from to the figures it ends with."""

import hashlib
import json
import time
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import torch

from encoders.audioclip import AudioCLIP
from encoders.audioclip.checkpoint import save_weights
from encoders.datasets import LabeledCollection, LabeledItem
from encoders.errors import ArgumentError
from encoders.files import file_hash, write_problems
from encoders.image_preprocess import ImagePreprocess
from encoders.training.checkpoint import CheckpointFolder
from encoders.training.loop import Epoch, Step, fit
from encoders.training.options import TrainingOptions
from encoders.training.order import require_batch
from encoders.training.run_files import versions, write_json
from encoders.training.stages.cooperative_task import CooperativeTask
from encoders.training.stages.frame_samples import FrameSamples
from encoders.training.stages.initial_weights import initial_audioclip, initial_head, weights_file
from encoders.training.stages.seen_items import require_unseen
from encoders.training.stages.settings import StageSettings
from encoders.training.stages.stage import find_stage
from encoders.training.stages.stage_data import StageData, prepare_stage_data
from encoders.training.stages.standalone_task import StandaloneTask

__all__ = ["StageResult", "run_stage"]

_CHANGEABLE = ("epochs", "patience", "device", "workers", "cache_gigabytes")
"""Options and settings with which a run may be continued though they differ."""


@dataclass(frozen=True)
class StageResult:
    """What a stage ended with.

    Args:
        valid: Figures on the items kept back, at the best epoch; nothing without them.
        test: Figures on the test items; nothing without them.
        epochs: Epochs that were run.
        best_epoch: The one whose weights were kept.
        seconds: Of the epochs together.
        items: Number of items by part.
        left_out: Items that lack what the stage needs, a sound or a picture, or whose sound cannot be read.
        peak_gigabytes: Most memory that tensors took on a GPU; None on a CPU.
    """

    valid: dict[str, float]
    test: dict[str, float]
    epochs: int
    best_epoch: int
    seconds: float
    items: dict[str, int]
    left_out: int
    peak_gigabytes: float | None


def run_stage(
    collection: LabeledCollection,
    settings: StageSettings,
    options: TrainingOptions,
    *,
    train: Sequence[LabeledItem],
    test: Sequence[LabeledItem] = (),
    weights: Path | None = None,
    clip: Path | None = None,
    folder: Path | None = None,
    frame_file: Path | None = None,
    resume: bool = False,
    strict: bool = False,
    on_decoded: Callable[[int, int], None] | None = None,
    on_step: Step | None = None,
    on_epoch: Epoch | None = None,
) -> StageResult:
    """Train one stage; test items are looked at once, after the last epoch.

    Args:
        collection: The data set.
        settings: Of the stage.
        options: Of the training.
        train: Its training items.
        test: Items to report figures on.
        weights: See :func:`~encoders.training.stages.initial_head` and :func:`initial_audioclip`.
        clip: A file of CLIP for stages with all heads.
        folder: Run folder: ``run.json``, ``history.jsonl``, ``checkpoint.pt``, ``model.safetensors``,
            ``metrics.json``, and ``problems.csv`` if there are any.
        frame_file: Where vectors of frozen frames are kept [default: in the folder]; stages may share it.
        resume: Go on with the run in the folder.
        strict: Refuse to go on without the items that cannot be read.
        on_decoded: Called with the number of decoded sounds and of all.
        on_step: See :func:`~encoders.training.fit`.
        on_epoch: The same.

    Raises:
        ArgumentError: If the data lack what the stage needs, or the folder holds a run and ``resume`` is False.
        WeightsError: If the weights do not fit.
        ContentError: If ``strict`` and an item cannot be read.
        TrainingError: If the loss is not finite or the folder holds another run.
    """
    _check_options(settings, options, clip)
    if weights is not None:
        require_unseen(weights, collection, test)
    if folder is not None and (folder / "checkpoint.pt").is_file() and not resume:
        raise ArgumentError(f"'{folder}' holds a run; go on with it by resuming, or choose another folder")
    data = prepare_stage_data(
        collection, settings, options, train=train, test=test, strict=strict, on_decoded=on_decoded
    )
    identity = _identity(collection, settings, options, data, weights, clip)
    task = _task(collection, settings, options, data, weights, clip, frame_file or _frame_file(folder))
    checkpoints = None
    if folder is not None:  # nothing is written before all that can be refused has been
        checkpoints = CheckpointFolder(folder, json.dumps(identity, sort_keys=True))
        if not checkpoints.checkpoint.is_file():
            trained_on = _trained_on(data)
            content = {"kind": "audioclip", **identity, "trained_on": trained_on, "versions": versions()}
            write_json(folder / "run.json", content)
        write_problems(folder / "problems.csv", ("item", "reason"), data.problems.items())
    started = time.perf_counter()
    if torch.device(options.device).type == "cuda":
        torch.cuda.reset_peak_memory_stats(options.device)
    state = fit(task, options, folder=checkpoints, on_step=on_step, on_epoch=on_epoch)
    result = StageResult(
        valid=state.best_record.get("valid", {}),
        test=task.evaluate(data.samples["test"], data.labels["test"]) if "test" in data.samples else {},
        epochs=state.epoch,
        best_epoch=state.best_epoch or state.epoch,
        seconds=round(time.perf_counter() - started, 3),
        items={name: len(data.items(name)) for name in ("train", "valid", "test")},
        left_out=data.left_out,
        peak_gigabytes=_peak_gigabytes(options.device),
    )
    if folder is not None:
        _finish_folder(folder, task, collection, settings, result)
    return result


def _task(
    collection: LabeledCollection,
    settings: StageSettings,
    options: TrainingOptions,
    data: StageData,
    weights: Path | None,
    clip: Path | None,
    frame_file: Path | None,
) -> StandaloneTask | CooperativeTask:
    """The model of a stage with its data."""
    stage, samples = find_stage(settings.stage), data.samples["train"]
    common: dict[str, Any] = {
        "multi_label": collection.multi_label,
        "batch_size": options.batch_size,
        "seed": options.seed,
        "sample_weights": data.sample_weights,
        "validation": data.validation,
        "workers": settings.workers,
    }
    require_batch(len(samples), options.batch_size)
    if stage.stand_alone:
        head = initial_head(settings, len(collection.classes), weights=weights, seed=options.seed)
        return StandaloneTask(head, samples, data.labels["train"], **common)
    model = initial_audioclip(settings, weights=weights, clip=clip, seed=options.seed)
    frames = None
    if stage.uses_images:
        preprocess = ImagePreprocess(size=model.image_resolution)
        frames = FrameSamples(samples.items, preprocess=preprocess, seed=options.seed)
    return CooperativeTask(
        model,
        samples,
        [collection.label_text(item) for item in samples.items],
        list(collection.classes),
        freeze=not stage.trains_all,
        frames=frames,
        frame_file=frame_file,
        **common,
    )


def _frame_file(folder: Path | None) -> Path | None:
    return None if folder is None else folder / "frozen_frames.safetensors"


def _check_options(settings: StageSettings, options: TrainingOptions, clip: Path | None) -> None:
    if options.patience is not None and not settings.validation_share:
        raise ArgumentError("'patience' needs items to choose the epoch by: give a 'validation_share' above 0")
    if clip is not None and find_stage(settings.stage).stand_alone:
        raise ArgumentError(f"'{settings.stage}' trains the audio head alone and takes no weights of CLIP")


def _identity(
    collection: LabeledCollection,
    settings: StageSettings,
    options: TrainingOptions,
    data: StageData,
    weights: Path | None,
    clip: Path | None,
) -> dict[str, Any]:
    """What makes the run what it is; the checkpoint of another one is refused."""
    names = "\n".join(f"{part} {item.name} {item.labels}" for part in data.samples for item in data.items(part))
    return {
        "data": {"name": collection.name, "items": hashlib.blake2b(names.encode(), digest_size=16).hexdigest()},
        "settings": {name: value for name, value in asdict(settings).items() if name not in _CHANGEABLE},
        "options": {name: value for name, value in asdict(options).items() if name not in _CHANGEABLE},
        "weights": None if weights is None else file_hash(weights_file(weights)),
        "clip": None if clip is None else file_hash(weights_file(clip)),
    }


def _trained_on(data: StageData) -> dict[str, list[Any]]:
    """Folds and parts of the data set whose items may not be measured on, and those that may."""
    seen = [*data.items("train"), *data.items("valid")]
    return {
        "folds": sorted({item.fold for item in seen if item.fold is not None}),
        "parts": sorted({item.part for item in seen if item.part is not None}),
        "held_out_folds": sorted({item.fold for item in data.items("test") if item.fold is not None}),
    }


def _finish_folder(
    folder: Path,
    task: StandaloneTask | CooperativeTask,
    collection: LabeledCollection,
    settings: StageSettings,
    result: StageResult,
) -> None:
    file = folder / "model.safetensors"
    if isinstance(task, StandaloneTask):
        classes = json.dumps(list(collection.classes))
        save_weights(file, task.head.state_dict(), preset=settings.size, classes=classes)
    else:
        assert isinstance(task.audioclip, AudioCLIP), "the task's model"
        task.audioclip.save(file, preset=settings.size)
    write_json(folder / "metrics.json", asdict(result))


def _peak_gigabytes(device: str) -> float | None:
    if torch.device(device).type != "cuda":
        return None
    return round(torch.cuda.max_memory_allocated(device) / 2**30, 3)
