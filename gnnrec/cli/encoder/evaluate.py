"""``gnnrec encoder evaluate``."""

from pathlib import Path
from typing import Annotated, Any

import typer

__all__ = ["evaluate"]


def evaluate(
    run: Annotated[Path, typer.Argument(help="Run folder, or a file of AudioCLIP's weights.")],
    path: Annotated[Path, typer.Argument(help="Data set.")],
    fold: Annotated[
        str | None, typer.Option(help="Measure on this fold, or all: each fold by its own run [default: as trained].")
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
    """Measure an encoder: classification, zero-shot classification by texts, querying across modalities."""
    from encoders.datasets import read_collection
    from encoders.evaluation import FoldResults, draw_confusion_matrix
    from encoders.training.stages import StageModel, StageSettings, assess
    from gnnrec.cli.encoder.progress import EncoderProgress
    from gnnrec.cli.encoder.train_audioclip import choose_device, describe, show_folds, split_items
    from gnnrec.cli.output import print_json, print_table, status

    collection = read_collection(path, format=format_name, **({"esc10_only": True} if esc10_only else {}))
    status(describe(collection))
    settings = StageSettings("joint", seconds=seconds, channels=2 if stereo else 1, rescale=rescale)
    jobs: dict[int, tuple[Path, Any]] = {}
    if fold == "all":
        for number in collection.folds:
            own = run / f"fold-{number}"
            jobs[number] = (own if own.is_dir() else run, collection.fold_split(number)[1])
    else:
        train, test = split_items(collection, fold)
        jobs[int(fold or 0)] = (run, test or train)
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
        if confusion is None:
            status("no picture: confusions are those of sounds with one class each")
        else:
            draw_confusion_matrix(confusion, list(collection.classes), picture, title=collection.name)
            status(f"picture of the confusions written to {picture}")
    if fold == "all":
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
