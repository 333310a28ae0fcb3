"""Training a music-video model, from features to a run folder."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch

from encoders.musicvideo.autoencoder import AutoencoderTask
from encoders.musicvideo.configurations import MusicVideoConfiguration, find_configuration
from encoders.musicvideo.dual_encoder import MusicVideoModel
from encoders.musicvideo.model_file import load_music_video_model, save_music_video_model
from encoders.musicvideo.retrieval import RetrievalReport, evaluate_retrieval
from encoders.musicvideo.run import MusicVideoRun
from encoders.musicvideo.segment_features import FeatureSplit, SegmentFeatures
from encoders.musicvideo.task import ContrastiveTask
from encoders.training import CheckpointFolder, TrainingOptions, fit
from encoders.training.run_files import write_json
from encoders.weights import seeded

__all__ = ["MUSIC_VIDEO_OPTIONS", "MusicVideoResult", "evaluate_music_video", "train_music_video"]

MUSIC_VIDEO_OPTIONS = TrainingOptions(
    epochs=100, batch_size=1000, optimizer="adam", learning_rate=0.01, decay=0.95, weight_decay=0.0, patience=3
)
"""Those of Veldkamp et al. (2023), section 4; they name no number of epochs."""

_METRICS, _MODEL = "metrics.json", "model.safetensors"


@dataclass(frozen=True)
class MusicVideoResult:
    """What training gave.

    Args:
        model: At its best epoch on validation, in evaluation mode.
        history: A record of each epoch; see :func:`~encoders.training.fit`.
        best_epoch: That epoch, from 1.
        before: Retrieval on the test films by the heads as they were before training.
        test: Retrieval on the test films by the trained heads.
    """

    model: MusicVideoModel
    history: list[dict[str, Any]]
    best_epoch: int
    before: RetrievalReport
    test: RetrievalReport


def train_music_video(
    features: SegmentFeatures,
    *,
    configuration: str | MusicVideoConfiguration = "base",
    options: TrainingOptions = MUSIC_VIDEO_OPTIONS,
    folder: Path | None = None,
    shares: tuple[float, float, float] = (0.8, 0.1, 0.1),
    split_seed: int = 0,
    on_stage: Callable[[str], None] | None = None,
    on_step: Callable[[int, int, int], None] | None = None,
    on_epoch: Callable[[dict[str, Any]], None] | None = None,
) -> MusicVideoResult:
    """Train the heads of `Veldkamp et al. <https://arxiv.org/abs/2309.00347>`_ on frozen features.

    Films are shared out to training, validation and test. The validation loss chooses the epoch; the test films are
    looked at before and after training only.

    With a folder a killed run goes on to the same figures, and there are in the end ``run.json``, ``history.jsonl``,
    ``metrics.json`` and ``model.safetensors``.

    Differs from the released code: the learning rate decays as the paper says (there the scheduler is never stepped),
    training uses all segments (there the first of each film), and ranks are ranks.

    Args:
        features: Of segments.
        configuration: One of :data:`~encoders.musicvideo.CONFIGURATIONS`, or one of your own.
        options: Of training; autoencoders are trained by the same.
        folder: Where to keep the run.
        shares: Of the films in training, validation and test.
        split_seed: Of sharing them out.
        on_stage: Called with the name of each stage: ``"autoencoder of audio"``, ``"autoencoder of video"``,
            ``"heads"``.
        on_step: See :func:`~encoders.training.fit`.
        on_epoch: See :func:`~encoders.training.fit`.

    Returns:
        The model and its figures.

    Raises:
        ArgumentError: If an argument cannot work, or there are too few films.
        TrainingError: If the loss is not finite, or the folder holds another run.
    """
    chosen = find_configuration(configuration)
    run = MusicVideoRun(
        configuration=chosen,
        options=options,
        shares=shares,
        split_seed=split_seed,
        features_hash=features.content_hash,
        segments=len(features),
        films=len(features.film_names),
    )
    split = run.split(features)
    widths = {"audio_features": features.audio.shape[1], "video_features": features.video.shape[1]}
    model = seeded(lambda: MusicVideoModel(chosen, **widths), options.seed)
    before = evaluate_retrieval(model, split.test)
    checkpoints = None
    if folder:
        checkpoints = CheckpointFolder(folder, run.identity())
        checkpoints.read(torch.device("cpu"))  # of another run? Then nothing may be written
        run.write(folder)
    follow: dict[str, Any] = {"on_step": on_step, "on_epoch": on_epoch}
    if chosen.autoencoder:
        _train_autoencoders(model, split, run, folder, on_stage, follow)
    if on_stage:
        on_stage("heads")
    task = ContrastiveTask(model, split.train, split.valid, batch_size=options.batch_size, seed=options.seed)
    state = fit(task, options, folder=checkpoints, **follow)
    result = MusicVideoResult(model, state.history, state.best_epoch, before, evaluate_retrieval(model, split.test))
    if folder:
        save_music_video_model(folder / _MODEL, model, notes={"features_hash": features.content_hash})
        figures = {"best_epoch": state.best_epoch, "epochs": state.epoch, "valid": state.best_value}
        reports = {"before_training": before.to_dict(), "test": result.test.to_dict()}
        write_json(folder / _METRICS, figures | reports)
    return result


def evaluate_music_video(folder: Path, features: SegmentFeatures) -> tuple[RetrievalReport, str]:
    """Retrieval by the model of a finished run.

    Args:
        folder: Of the run.
        features: Those that it was trained on, of which its test films are taken, or others, which are taken whole.

    Returns:
        The figures, and what they are of: ``"test films of the run"`` or ``"all films"``.

    Raises:
        ArgumentError: If the features have other widths than those of the run, or are of one film.
        EncoderError: If the folder holds no finished run.
    """
    run, model = MusicVideoRun.read(folder), load_music_video_model(folder / _MODEL)
    model.check_widths(features)
    if features.content_hash == run.features_hash:
        return evaluate_retrieval(model, run.split(features).test), "test films of the run"
    return evaluate_retrieval(model, features), "all films"


def _train_autoencoders(
    model: MusicVideoModel,
    split: FeatureSplit,
    run: MusicVideoRun,
    folder: Path | None,
    on_stage: Callable[[str], None] | None,
    follow: dict[str, Any],
) -> None:
    options = run.options
    for modality in ("audio", "video"):
        if on_stage:
            on_stage(f"autoencoder of {modality}")
        task = _autoencoder_task(model, split, modality, options)
        place = CheckpointFolder(folder / f"autoencoder-{modality}", run.identity()) if folder else None
        fit(task, options, folder=place, **follow)


def _autoencoder_task(
    model: MusicVideoModel, split: FeatureSplit, modality: str, options: TrainingOptions
) -> AutoencoderTask:
    """The autoencoder of one modality, whose decoder has the random weights of the seed."""
    head = {"audio": model.audio_head, "video": model.video_head}[modality]
    with torch.random.fork_rng(devices=[]):
        torch.default_generator.manual_seed(options.seed)
        return AutoencoderTask(
            head,
            getattr(split.train, modality),
            getattr(split.valid, modality),
            batch_size=options.batch_size,
            seed=options.seed,
        )
