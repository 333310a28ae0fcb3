"""``gnnrec encoder train audioclip``."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

if TYPE_CHECKING:
    from encoders.datasets import LabeledCollection, LabeledItem
    from encoders.training.stages import StageResult

__all__ = ["describe", "show_folds", "split_items", "train_audioclip"]


def train_audioclip(
    path: Annotated[Path, typer.Argument(help="Data set: ESC-50, UrbanSound8K, AudioSet, or a folder a class.")],
    stage: Annotated[
        str,
        typer.Option(help="audio-pretrain, cooperative, joint, finetune-standalone or finetune-cooperative."),
    ],
    out: Annotated[Path, typer.Option(help="Run folder.")],
    weights: Annotated[
        Path | None,
        typer.Option(help="Run folder or file to start from, or ImageNet's ResNeXt [default: random]."),
    ] = None,
    clip: Annotated[Path | None, typer.Option(help="File of CLIP for the heads of pictures and texts.")] = None,
    preset: Annotated[
        str | None, typer.Option(help="Settings by name, such as scratch [default: the paper's].")
    ] = None,
    size: Annotated[str, typer.Option(help="audioclip (the paper's) or audioclip-tiny.")] = "audioclip",
    fold: Annotated[str | None, typer.Option(help="Fold to hold out, or all [default: the set's test part].")] = None,
    epochs: Annotated[int | None, typer.Option(help="Epochs at most [default: the preset's, as all below].")] = None,
    batch_size: Annotated[int | None, typer.Option(help="Items a step.")] = None,
    optimizer: Annotated[str | None, typer.Option(help="sgd, adam or adamw.")] = None,
    learning_rate: Annotated[float | None, typer.Option(help="At the start.")] = None,
    decay: Annotated[float | None, typer.Option(help="Factor of the learning rate after each epoch.")] = None,
    weight_decay: Annotated[float | None, typer.Option(help="Of all but the transform and the scales.")] = None,
    patience: Annotated[int | None, typer.Option(help="Epochs without improvement before stopping.")] = None,
    validation_share: Annotated[float, typer.Option(help="Training items kept back to choose the epoch.")] = 0.0,
    seconds: Annotated[float | None, typer.Option(help="Length of the sounds [default: the data set's].")] = None,
    stereo: Annotated[bool, typer.Option("--stereo", help="Two channels instead of one.")] = False,
    rescale: Annotated[bool, typer.Option("--rescale", help="Stretch each sound to the full range.")] = False,
    augment: Annotated[bool, typer.Option(help="Augment the sounds of training.")] = True,
    class_weighted: Annotated[bool, typer.Option("--class-weighted", help="Rare classes weigh more.")] = False,
    seed: Annotated[int, typer.Option(help="Seed of weights, order and augmentation.")] = 0,
    device: Annotated[str, typer.Option(help="cpu, cuda, cuda:1 or auto.")] = "auto",
    precision: Annotated[str, typer.Option(help="fp32 or bf16.")] = "fp32",
    workers: Annotated[int, typer.Option(help="Processes that decode and augment.")] = 0,
    resume: Annotated[bool, typer.Option("--resume", help="Go on with the run in --out.")] = False,
    strict: Annotated[bool, typer.Option("--strict", help="Refuse if any sound or frame cannot be read.")] = False,
    format_name: Annotated[str | None, typer.Option("--format", help="Format of PATH [default: detected].")] = None,
    esc10_only: Annotated[bool, typer.Option("--esc10-only", help="Of ESC-50, the ten classes of ESC-10.")] = False,
    json: Annotated[bool, typer.Option("--json", help="Print the figures as JSON.")] = False,
) -> None:
    """Train one of AudioCLIP's stages; each starts from what the former one left."""
    from encoders.datasets import read_collection
    from encoders.training.stages import StageSettings, find_stage, preset_options, run_folds, run_stage
    from gnnrec.cli.encoder.device import choose_device
    from gnnrec.cli.encoder.progress import EncoderProgress
    from gnnrec.cli.output import command_line, print_json, print_table, status

    changes = {
        "epochs": epochs,
        "batch_size": batch_size,
        "optimizer": optimizer,
        "learning_rate": learning_rate,
        "decay": decay,
        "weight_decay": weight_decay,
        "patience": patience,
    }
    options = preset_options(
        preset or find_stage(stage).preset,
        seed=seed,
        device=choose_device(device),
        precision=precision,
        **{name: value for name, value in changes.items() if value is not None},
    )
    settings = StageSettings(
        stage,
        size=size,
        seconds=seconds,
        channels=2 if stereo else 1,
        rescale=rescale,
        augment=augment,
        class_weighted=class_weighted,
        validation_share=validation_share,
        workers=workers,
    )
    collection = read_collection(path, format=format_name, **({"esc10_only": True} if esc10_only else {}))
    status(describe(collection))
    with EncoderProgress(options.epochs) as progress:
        common: dict[str, Any] = {
            "weights": weights,
            "clip": clip,
            "folder": out,
            "resume": resume,
            "strict": strict,
            "on_decoded": progress.decoded,
            "on_step": progress.step,
            "on_epoch": progress.epoch,
        }
        try:
            if fold == "all":
                results = run_folds(
                    collection,
                    settings,
                    options,
                    on_fold=lambda number, result: _tell(progress, number, result),
                    **common,
                ).to_dict()
            else:
                train, test = split_items(collection, fold)
                result = run_stage(collection, settings, options, train=train, test=test, **common)
                results = {"valid": result.valid, "test": result.test, "epochs": result.epochs}
        except KeyboardInterrupt:
            status(f"interrupted; go on with the same command and: --resume (in {out})")
            raise typer.Exit(130) from None
    if json:
        print_json({"run": str(out), **results})
        return
    if fold == "all":
        show_folds(f"{stage} on {collection.name}, held-out folds", results)
    else:
        names = list(results["test"] or results["valid"])
        rows = [[name, results["valid"].get(name), results["test"].get(name)] for name in names]
        print_table(f"{stage} on {collection.name}", ["figure", "valid", "test"], rows)
    step = command_line("gnnrec", "encoder", "evaluate", out, path, *(["--fold", fold] if fold else []))
    status(f"run written to {out}; next: {step}")


def describe(collection: "LabeledCollection") -> str:
    """The data set in a line."""
    parts = [f"{len(collection):,} items", f"{len(collection.classes)} classes"]
    parts += [f"{len(collection.folds)} folds"] if collection.folds else []
    parts += [f"{len(collection.part(name)):,} {name}" for name in collection.parts]
    parts += [f"{collection.missing:,} missing"] if collection.missing else []
    return f"{collection.name}: {', '.join(parts)}"


def split_items(
    collection: "LabeledCollection", fold: str | None
) -> tuple[tuple["LabeledItem", ...], tuple["LabeledItem", ...]]:
    """Items to train on and items to measure on: all but a fold and the fold, or the set's own parts."""
    from encoders.errors import ArgumentError

    if fold is not None:
        if not fold.isdigit():
            raise ArgumentError(f"'--fold' must be a number or all (got '{fold}')")
        return collection.fold_split(int(fold))
    if collection.folds:
        found = ", ".join(map(str, collection.folds))
        raise ArgumentError(f"'{collection.name}' has folds {found}: give one to hold out by --fold, or --fold all")
    held = [name for name in ("test", "valid") if name in collection.parts]
    if "train" not in collection.parts:
        return collection.items, ()
    return collection.part("train"), collection.part(held[0]) if held else ()


def show_folds(title: str, results: dict[str, Any]) -> None:
    """Print fold-wise figures with mean and standard deviation."""
    from gnnrec.cli.output import print_table

    folds = [f"fold {number}" for number in results["folds"]]
    rows = [
        [name, *found["values"], found["mean"], found["standard_deviation"]]
        for name, found in results["metrics"].items()
    ]
    print_table(title, ["figure", *folds, "mean", "standard deviation"], rows)


def _tell(progress: Any, number: int, result: "StageResult") -> None:
    figures = ", ".join(f"{name} {value:.4f}" for name, value in result.test.items())
    progress.say(f"fold {number}: {figures}; {result.seconds:.0f} s")
