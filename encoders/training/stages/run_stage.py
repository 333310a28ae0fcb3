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
from encoders.datasets import LabeledCollection, LabeledItem, class_weights, sample_weights
from encoders.errors import ArgumentError
from encoders.image_preprocess import ImagePreprocess
from encoders.training.checkpoint import CheckpointFolder
from encoders.training.loop import Epoch, Step, fit
from encoders.training.options import TrainingOptions
from encoders.training.order import split_by_class
from encoders.training.run_files import file_hash, versions, write_json
from encoders.training.stages.cooperative_task import CooperativeTask
from encoders.training.stages.frame_samples import FrameSamples
from encoders.training.stages.initial_weights import initial_audioclip, initial_head, sample_rate_of, weights_file
from encoders.training.stages.settings import StageSettings
from encoders.training.stages.sound_samples import SoundSamples
from encoders.training.stages.stage import find_stage
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
        left_out: Items that lack what the stage needs, a sound or a picture.
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
            ``metrics.json``.
        frame_file: Where vectors of frozen frames are kept [default: in the folder]; stages may share it.
        resume: Go on with the run in the folder.
        on_decoded: Called with the number of decoded sounds and of all.
        on_step: See :func:`~encoders.training.fit`.
        on_epoch: The same.

    Raises:
        ArgumentError: If the data lack what the stage needs, or the folder holds a run and ``resume`` is False.
        WeightsError: If the weights do not fit.
        TrainingError: If the loss is not finite or the folder holds another run.
    """
    stage = find_stage(settings.stage)
    usable = [item for item in train if item.audio is not None and (item.images or not stage.uses_images)]
    tested = [item for item in test if item.audio is not None]
    if not usable:
        lacking = "a sound and a picture" if stage.uses_images else "a sound"
        raise ArgumentError(f"'{stage.name}' needs items with {lacking}; '{collection.name}' has none to train on")
    _check_options(settings, options, clip)
    labels = collection.label_matrix(usable)
    kept, held = split_by_class(labels, settings.validation_share, seed=options.seed)
    parts = {
        "train": [usable[place] for place in kept],
        "valid": [usable[place] for place in held],
        "test": tested,
    }
    identity = _identity(collection, settings, options, parts, weights, clip)
    checkpoints = None
    if folder is not None:
        _start_folder(folder, identity, resume)
        checkpoints = CheckpointFolder(folder, json.dumps(identity, sort_keys=True))
        frame_file = frame_file or folder / "frozen_frames.safetensors"
    samples = {name: _samples(items, collection, settings, options) for name, items in parts.items() if items}
    for made in samples.values():
        made.decode(on_decoded)
    matrices = {name: collection.label_matrix(items) for name, items in parts.items()}
    validation = (samples["valid"], matrices["valid"]) if held else None
    item_weights = None
    if settings.class_weighted:
        item_weights = sample_weights(matrices["train"], class_weights(parts["train"], len(collection.classes)))
    common: dict[str, Any] = {
        "multi_label": collection.multi_label,
        "batch_size": options.batch_size,
        "seed": options.seed,
        "sample_weights": item_weights,
        "validation": validation,
        "workers": settings.workers,
    }
    task: StandaloneTask | CooperativeTask
    if stage.stand_alone:
        head = initial_head(settings, len(collection.classes), weights=weights, seed=options.seed)
        task = StandaloneTask(head, samples["train"], matrices["train"], **common)
    else:
        model = initial_audioclip(settings, weights=weights, clip=clip, seed=options.seed)
        frames = None
        if stage.uses_images:
            preprocess = ImagePreprocess(size=model.image_resolution)
            frames = FrameSamples(parts["train"], preprocess=preprocess, seed=options.seed)
        task = CooperativeTask(
            model,
            samples["train"],
            [collection.label_text(item) for item in parts["train"]],
            list(collection.classes),
            freeze=not stage.trains_all,
            frames=frames,
            frame_file=frame_file,
            **common,
        )
    started = time.perf_counter()
    if torch.device(options.device).type == "cuda":
        torch.cuda.reset_peak_memory_stats(options.device)
    state = fit(task, options, folder=checkpoints, on_step=on_step, on_epoch=on_epoch)
    result = StageResult(
        valid=task.validate(),
        test=task.evaluate(samples["test"], matrices["test"]) if tested else {},
        epochs=state.epoch,
        best_epoch=state.best_epoch or state.epoch,
        seconds=round(time.perf_counter() - started, 3),
        items={name: len(items) for name, items in parts.items()},
        left_out=len(train) - len(usable) + len(test) - len(tested),
        peak_gigabytes=_peak_gigabytes(options.device),
    )
    if folder is not None:
        _finish_folder(folder, task, collection, settings, result)
    return result


def _check_options(settings: StageSettings, options: TrainingOptions, clip: Path | None) -> None:
    if options.patience is not None and not settings.validation_share:
        raise ArgumentError("'patience' needs items to choose the epoch by: give a 'validation_share' above 0")
    if clip is not None and find_stage(settings.stage).stand_alone:
        raise ArgumentError(f"'{settings.stage}' trains the audio head alone and takes no weights of CLIP")


def _samples(
    items: Sequence[LabeledItem], collection: LabeledCollection, settings: StageSettings, options: TrainingOptions
) -> SoundSamples:
    seconds = settings.seconds or collection.seconds
    if seconds is None:
        raise ArgumentError(f"'seconds' must be given: sounds of '{collection.name}' have no length of their own")
    return SoundSamples(
        items,
        sample_rate=sample_rate_of(settings.size),
        seconds=seconds,
        channels=settings.channels,
        rescale=settings.rescale,
        augment=settings.augment,
        seed=options.seed,
        cache_gigabytes=settings.cache_gigabytes,
    )


def _identity(
    collection: LabeledCollection,
    settings: StageSettings,
    options: TrainingOptions,
    parts: dict[str, list[LabeledItem]],
    weights: Path | None,
    clip: Path | None,
) -> dict[str, Any]:
    """What makes the run what it is; the checkpoint of another one is refused."""
    names = "\n".join(f"{part} {item.name} {item.labels}" for part, items in parts.items() for item in items)
    return {
        "data": {"name": collection.name, "items": hashlib.blake2b(names.encode(), digest_size=16).hexdigest()},
        "settings": {
            name: value for name, value in asdict(settings).items() if name not in ("workers", "cache_gigabytes")
        },
        "options": {name: value for name, value in asdict(options).items() if name not in _CHANGEABLE},
        "weights": None if weights is None else file_hash(weights_file(weights)),
        "clip": None if clip is None else file_hash(weights_file(clip)),
    }


def _without(values: dict[str, Any], names: Sequence[str]) -> dict[str, Any]:
    return {name: value for name, value in values.items() if name not in names}


def _start_folder(folder: Path, identity: dict[str, Any], resume: bool) -> None:
    if (folder / "run.json").is_file() and not resume:
        raise ArgumentError(f"'{folder}' holds a run; go on with it by resuming, or choose another folder")
    if not (folder / "run.json").is_file():
        folder.mkdir(parents=True, exist_ok=True)
        write_json(folder / "run.json", {"kind": "audioclip", **identity, "versions": versions()})


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
