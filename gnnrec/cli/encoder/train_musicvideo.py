"""``gnnrec encoder train musicvideo``."""

from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

if TYPE_CHECKING:
    from encoders.musicvideo import SegmentFeatures
    from gnnrec.cli.encoder.progress import EncoderProgress

__all__ = ["read_segment_features", "train_musicvideo"]


def train_musicvideo(
    path: Annotated[Path, typer.Argument(help="Folder of 'gnnrec encoder segments', or its file of features.")],
    out: Annotated[Path, typer.Option(help="Run folder; with all configurations a folder for each.")],
    configuration: Annotated[
        str,
        typer.Option(help="base, embedding-512, four-layers, single-head, temperature-0.3, autoencoder, or all."),
    ] = "base",
    epochs: Annotated[int | None, typer.Option(help="Epochs at most [default: 100].")] = None,
    batch_size: Annotated[int | None, typer.Option(help="Segments a step, of different films [default: 1000].")] = None,
    learning_rate: Annotated[float | None, typer.Option(help="Of Adam, at the start [default: .01].")] = None,
    decay: Annotated[float | None, typer.Option(help="Factor of it after each epoch [default: .95].")] = None,
    patience: Annotated[int | None, typer.Option(help="Epochs without gain before stopping [default: 3].")] = None,
    seed: Annotated[int, typer.Option(help="Seed of weights, order and dropout.")] = 0,
    split_seed: Annotated[int, typer.Option(help="Seed of sharing out the films; keep it when --seed varies.")] = 0,
    device: Annotated[str, typer.Option(help="cpu, cuda, cuda:1 or auto.")] = "auto",
    precision: Annotated[str, typer.Option(help="fp32 or bf16.")] = "fp32",
    json: Annotated[bool, typer.Option("--json", help="Print the figures as JSON.")] = False,
) -> None:
    """Train the heads of the music-video encoder on frozen features; the same command goes on with a killed run."""
    from encoders.musicvideo import CONFIGURATIONS, MUSIC_VIDEO_OPTIONS, train_music_video
    from gnnrec.cli.encoder.device import choose_device
    from gnnrec.cli.encoder.progress import EncoderProgress
    from gnnrec.cli.output import command_line, print_json, print_table, status

    changes: dict[str, Any] = {
        "epochs": epochs,
        "batch_size": batch_size,
        "learning_rate": learning_rate,
        "decay": decay,
        "patience": patience,
        "precision": precision,
        "device": choose_device(device),
        "seed": seed,
    }
    options = replace(MUSIC_VIDEO_OPTIONS, **{name: value for name, value in changes.items() if value is not None})
    features = read_segment_features(path)
    names = list(CONFIGURATIONS) if configuration == "all" else [configuration]
    results = {}
    with EncoderProgress(options.epochs) as progress:
        for name in names:
            try:
                results[name] = train_music_video(
                    features,
                    configuration=name,
                    options=options,
                    folder=out / name if configuration == "all" else out,
                    split_seed=split_seed,
                    on_stage=partial(_tell, progress, name),
                    on_step=progress.step,
                    on_epoch=progress.epoch,
                )
            except KeyboardInterrupt:
                status("interrupted; the same command goes on where it was")
                raise typer.Exit(130) from None
    if json:
        print_json(
            {
                name: {"best_epoch": found.best_epoch, "before": found.before.to_dict(), "test": found.test.to_dict()}
                for name, found in results.items()
            }
        )
        return
    rows = [
        [name, found.best_epoch, found.test.audio_to_video, found.test.video_to_audio, found.test.chance]
        for name, found in results.items()
    ]
    print_table(
        "median rank of the right segment on test films, 1 at best",
        ["configuration", "best epoch", "audio to video", "video to audio", "by chance"],
        rows,
    )
    step = command_line("gnnrec", "encoder", "similar", out / names[0] if len(names) > 1 else out, path)
    status(f"written to {out}; next: {step}")


def _tell(progress: "EncoderProgress", configuration: str, stage: str) -> None:
    progress.say(f"{configuration}: {stage}")


def read_segment_features(path: Path) -> "SegmentFeatures":
    """The features of a folder of segments, or of a file."""
    from encoders.errors import ArgumentError
    from encoders.musicvideo import SegmentFeatures, segment_feature_path

    file = segment_feature_path(path) if path.is_dir() else path
    if not file.is_file():
        raise ArgumentError(
            f"{path}: holds no features of segments; make them with: gnnrec encoder segments FILMS --out {path}"
        )
    return SegmentFeatures.load(file)
