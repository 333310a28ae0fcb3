"""``gnnrec encoder evaluate``."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from torch import Tensor

    from encoders.datasets import LabeledCollection, LabeledItem

__all__ = ["evaluate"]


def evaluate(
    run: Annotated[Path, typer.Argument(help="Run folder, or a file of AudioCLIP's weights.")],
    path: Annotated[Path, typer.Argument(help="Data set.")],
    fold: Annotated[
        str | None, typer.Option(help="Fold to measure on, or all [default: what the run held out].")
    ] = None,
    template: Annotated[str, typer.Option(help="Text around class names, such as 'the sound of {}'.")] = "{}",
    picture: Annotated[Path | None, typer.Option(help="File for a picture of the confusions (.png).")] = None,
    seconds: Annotated[float | None, typer.Option(help="Length of the sounds [default: the data set's].")] = None,
    stereo: Annotated[bool, typer.Option("--stereo", help="Two channels instead of one.")] = False,
    rescale: Annotated[bool, typer.Option("--rescale", help="Stretch each sound to the full range.")] = False,
    batch_size: Annotated[int, typer.Option(help="Items a pass.")] = 32,
    device: Annotated[str, typer.Option(help="cpu, cuda, cuda:1 or auto.")] = "auto",
    format_name: Annotated[str | None, typer.Option("--format", help="Format of PATH [default: detected].")] = None,
    esc10_only: Annotated[bool, typer.Option("--esc10-only", help="Of ESC-50, the ten classes of ESC-10.")] = False,
    json: Annotated[bool, typer.Option("--json", help="Print the figures as JSON.")] = False,
) -> None:
    """Measure an encoder: classification, zero-shot, querying across modalities; median ranks of music videos."""
    from encoders.datasets import read_collection
    from encoders.evaluation import FoldResults
    from encoders.training.stages import StageModel, StageSettings, assess
    from gnnrec.cli.encoder.device import choose_device
    from gnnrec.cli.encoder.progress import EncoderProgress
    from gnnrec.cli.encoder.train_audioclip import describe, show_folds
    from gnnrec.cli.output import print_json, print_table, status

    _check_run(run)
    if (run / "run.json").is_file() and _is_music_video(run):
        _retrieval(run, path, json)
        return
    collection = read_collection(path, format=format_name, **({"esc10_only": True} if esc10_only else {}))
    status(describe(collection))
    settings = StageSettings("joint", seconds=seconds, channels=2 if stereo else 1, rescale=rescale)
    jobs = _jobs(run, collection, fold)
    by_fold: dict[int, dict[str, dict[str, float]]] = {}
    confusion = None
    with EncoderProgress() as progress:
        for number, (folder, items) in jobs.items():
            found = assess(
                StageModel.read(folder),
                collection,
                items,
                settings,
                template=template,
                batch_size=batch_size,
                device=choose_device(device),
                on_encoded=lambda modality, done, total: progress.count(f"encoding {modality}", done, total),
            )
            by_fold[number] = found.figures
            if found.confusion is not None:
                confusion = found.confusion if confusion is None else confusion + found.confusion
    if picture is not None:
        _draw(confusion, collection, picture)
    if len(by_fold) > 1:
        flat = {
            number: {f"{task}: {name}": value for task, values in figures.items() for name, value in values.items()}
            for number, figures in by_fold.items()
        }
        summed = FoldResults(flat).to_dict()
        if json:
            print_json(summed)
        else:
            show_folds(f"{run.name} on {collection.name}", summed)
        return
    (figures,) = by_fold.values()
    if json:
        print_json(figures)
        return
    rows = [[task, name, value] for task, values in figures.items() for name, value in values.items()]
    print_table(f"{run.name} on {collection.name}", ["task", "figure", "value"], rows)


def _jobs(
    run: Path, collection: "LabeledCollection", fold: str | None
) -> dict[int, tuple[Path, tuple["LabeledItem", ...]]]:
    """By fold the folder of a model and the items to measure it on; 0 where there are no folds.

    Raises:
        ArgumentError: If a run was trained on what it would be measured on.
    """
    from encoders.training.stages import held_out_folds, require_unseen
    from gnnrec.cli.encoder.train_audioclip import split_items

    own = {number: run / f"fold-{number}" for number in collection.folds if (run / f"fold-{number}").is_dir()}
    wanted = [int(fold)] if fold is not None and fold.isdigit() else list(own)
    if fold is None and not own:
        wanted = held_out_folds(run, collection)
    if fold == "all" and not own:
        wanted = collection.folds
    if wanted:
        jobs = {number: (own.get(number, run), collection.fold_split(number)[1]) for number in wanted}
    else:
        train, test = split_items(collection, fold)
        jobs = {0: (run, test or train)}
    for folder, items in jobs.values():
        require_unseen(folder, collection, items)
    return jobs


def _draw(confusion: "Tensor | None", collection: "LabeledCollection", picture: Path) -> None:
    from encoders.evaluation import draw_confusion_matrix
    from gnnrec.cli.output import status

    if confusion is None:
        status("no picture: confusions are those of sounds with one class each")
        return
    draw_confusion_matrix(confusion, list(collection.classes), picture, title=collection.name)
    status(f"picture of the confusions written to {picture}")


def _check_run(run: Path) -> None:
    """Refuse a folder without a run, or one of several runs that are not those of folds."""
    from encoders.errors import ArgumentError

    if run.is_dir() and not (run / "run.json").is_file():
        within = sorted(path.parent.name for path in run.glob("*/run.json"))
        if not within:
            raise ArgumentError(f"'{run}' holds no run (no run.json)")
        if not all(name.startswith("fold-") for name in within):
            raise ArgumentError(f"'{run}' holds several runs: {', '.join(within)}; name one of them")


def _is_music_video(run: Path) -> bool:
    import json

    return bool(json.loads((run / "run.json").read_text(encoding="utf-8")).get("kind") == "musicvideo")


def _retrieval(run: Path, path: Path, as_json: bool) -> None:
    """Median ranks by a music-video model."""
    from encoders.musicvideo import evaluate_music_video
    from gnnrec.cli.encoder.train_musicvideo import read_segment_features
    from gnnrec.cli.output import print_json, print_table

    report, films = evaluate_music_video(run, read_segment_features(path))
    if as_json:
        print_json({"films": films, **report.to_dict()})
        return
    recalls = report.recall_audio_to_video
    print_table(
        f"{films}: {report.segments:,} segments among {report.candidates:,.0f}; by chance {report.chance:,.1f}",
        ["direction", "median rank", *(f"recall@{k}" for k in recalls)],
        [
            ["audio to video", report.audio_to_video, *recalls.values()],
            ["video to audio", report.video_to_audio, *report.recall_video_to_audio.values()],
        ],
    )
