"""``gnnrec train`` and ``gnnrec models``."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from gnnrec.cli.table_options import (
    ColumnOption,
    DelimiterOption,
    EncodingOption,
    MinWeightOption,
    NoHeaderOption,
    table_form,
)

if TYPE_CHECKING:
    from gnnrec.data import Dataset
    from gnnrec.training import TrainOptions

__all__ = ["models", "train"]


def train(
    model: Annotated[str, typer.Argument(help="Model name; 'gnnrec models' lists them.")],
    path: Annotated[Path, typer.Argument(help="Dataset folder or interaction file.")],
    out: Annotated[Path | None, typer.Option(help="Run folder [default: runs/MODEL-DATASET].")] = None,
    features: Annotated[
        list[str] | None, typer.Option(help="Item features, by name or encoder; commas or repeated [default: all].")
    ] = None,
    feature_folder: Annotated[
        Path | None, typer.Option(help="A further folder of feature files, such as 'gnnrec encode --out' wrote.")
    ] = None,
    encoder: Annotated[
        list[str] | None, typer.Option(help="Make features by an encoder: NAME or NAME=WEIGHTS; repeat for more.")
    ] = None,
    encoder_training: Annotated[
        str, typer.Option(help="frozen, finetune (on the items' contents first) or end-to-end (by the model's loss).")
    ] = "frozen",
    encoder_settings: Annotated[
        list[str] | None, typer.Option("--encoder-set", help="Of encoder training, such as learning_rate=1e-5.")
    ] = None,
    content: Annotated[
        list[str] | None, typer.Option(help="Contents to encode, such as image='posters/{item_id}.jpg'.")
    ] = None,
    items: Annotated[Path | None, typer.Option(help="Further table of the items: .csv, .tsv or .parquet.")] = None,
    fusion: Annotated[str | None, typer.Option(help="How a multimodal model fuses [default: as its paper].")] = None,
    settings: Annotated[list[str] | None, typer.Option("--set", help="An argument of the model, key=value.")] = None,
    max_epochs: Annotated[int, typer.Option(help="Epochs at most.")] = 1000,
    batch_size: Annotated[int, typer.Option(help="Training pairs a step.")] = 2048,
    accumulate_steps: Annotated[int, typer.Option(help="Batches a step of the optimizer.")] = 1,
    learning_rate: Annotated[float, typer.Option(help="Step size of Adam.")] = 3e-3,
    patience: Annotated[int, typer.Option(help="Evaluations without improvement before stopping.")] = 20,
    evaluate_every: Annotated[int, typer.Option(help="Epochs between evaluations.")] = 1,
    metric: Annotated[
        str | None,
        typer.Option(help="Validation metric that selects the epoch [default: recall@20, or at the nearest of --ks]."),
    ] = None,
    seed: Annotated[int, typer.Option(help="Seed of training.")] = 0,
    device: Annotated[str, typer.Option(help="cpu, cuda, cuda:1 or auto.")] = "auto",
    deterministic: Annotated[bool, typer.Option(help="Refuse CUDA operations that vary between runs.")] = False,
    resume: Annotated[bool, typer.Option(help="Continue the run in --out.")] = False,
    tensorboard: Annotated[bool, typer.Option(help="Also write TensorBoard logs into the run folder.")] = False,
    split: Annotated[str, typer.Option(help="given, ratio, leave-one-out, global-time or cold-item.")] = "given",
    split_seed: Annotated[int, typer.Option(help="Seed of the split; keep it when --seed varies.")] = 0,
    k_core: Annotated[int, typer.Option(help="Drop users and items with fewer interactions, 0 for none.")] = 0,
    refit: Annotated[
        bool, typer.Option("--refit", help="Then train anew on all data, for as many epochs: what recommend serves.")
    ] = False,
    carve: Annotated[
        bool, typer.Option("--carve", help="Where the data bring no validation, take it out of train for every model.")
    ] = False,
    format_name: Annotated[str | None, typer.Option("--format", help="Format of PATH [default: detected].")] = None,
    column: ColumnOption = None,
    no_header: NoHeaderOption = False,
    delimiter: DelimiterOption = None,
    text_encoding: EncodingOption = None,
    min_weight: MinWeightOption = None,
    ks: Annotated[str, typer.Option("--ks", help="List lengths of the metrics.")] = "10,20,50",
    candidates: Annotated[str, typer.Option(help="Items to rank: all, or those new to training.")] = "all",
    mask_valid: Annotated[bool, typer.Option(help="Leave validation items out of test lists.")] = False,
    users_without_positives: Annotated[str, typer.Option(help="In means: skip, or zero.")] = "skip",
    json: Annotated[bool, typer.Option("--json", help="Print the figures as JSON.")] = False,
) -> None:
    """Train a model, select its epoch on validation, report the test figures, write the run folder."""
    from gnnrec.cli.live_encoders import build_encoders
    from gnnrec.cli.output import dataset_status, status
    from gnnrec.cli.settings import parse_list_lengths, parse_model_settings, parse_names
    from gnnrec.errors import ArgumentError
    from gnnrec.evaluation.metrics import default_metric
    from gnnrec.evaluation.options import EvalOptions
    from gnnrec.training.allocator import keep_freed_memory
    from gnnrec.training.experiment import run_experiment
    from gnnrec.training.options import TrainOptions
    from gnnrec.training.progress import ProgressBar
    from gnnrec.training.reading import read_for_training
    from gnnrec.training.refit import refit_experiment

    keep_freed_memory()
    evaluation = EvalOptions(
        ks=parse_list_lengths(ks),
        mask_valid=mask_valid,
        candidates=candidates,  # type: ignore[arg-type]
        users_without_positives=users_without_positives,  # type: ignore[arg-type]
    )
    options = TrainOptions(
        learning_rate=learning_rate,
        batch_size=batch_size,
        accumulate_steps=accumulate_steps,
        max_epochs=max_epochs,
        patience=patience,
        evaluate_every=evaluate_every,
        metric=metric or default_metric(evaluation.ks),
        seed=seed,
        device=device,
        deterministic=deterministic,
    )
    model_options = parse_model_settings(model, [*(settings or []), *([f"fusion={fusion}"] if fusion else [])])
    reading: dict[str, Any] = {
        "split": split,
        "split_seed": split_seed,
        "k_core": k_core,
        "format": format_name,
        **table_form(column, no_header, delimiter, text_encoding, min_weight),
        "carve": carve,
        "feature_folder": None if feature_folder is None else str(feature_folder.resolve()),
    }
    dataset = read_for_training(model, path, **reading)
    names = None if features is None else parse_names(",".join(features))
    dataset_status(dataset, features=_features_in_use(model, dataset, names, encoded=bool(encoder)))
    folder = _choose_folder(out, model, dataset.name, resume)
    live: Any = None
    encoding: dict[str, Any] = {}
    if encoder:
        live, encoding = build_encoders(
            dataset,
            encoder,
            contents=content or [],
            settings=encoder_settings or [],
            table=items,
            seed=seed,
            training=encoder_training,
        )
    elif content or encoder_settings or encoder_training != "frozen":
        raise ArgumentError("'--encoder-training', '--encoder-set' and '--content' are about '--encoder'; name one")

    def make_callbacks() -> list[Any]:
        if not tensorboard:
            return [ProgressBar(options.metric)]
        from gnnrec.training.tensorboard import TensorBoard

        return [ProgressBar(options.metric), TensorBoard(folder / "tensorboard")]

    if resume and not (folder / "run.json").exists():
        status(f"there is no run in {folder} yet; starting anew")
    arguments: dict[str, Any] = {
        "model_options": model_options,
        "features": names,
        "options": options,
        "evaluation": evaluation,
        "resume": resume,
        "reading": reading,
        "live": live,
        "encoder_training": encoder_training,
        "encoding": encoding,
    }
    try:
        if refit:
            result = refit_experiment(model, dataset, folder, make_callbacks=make_callbacks, **arguments)
        else:
            result = run_experiment(model, dataset, folder, callbacks=make_callbacks(), **arguments)
    except KeyboardInterrupt:
        status(f"interrupted; go on with the same command and: --out {folder} --resume")
        raise typer.Exit(130) from None
    _report(model, dataset, result.to_dict(), folder, options, json)
    if refit:
        status(f"{folder} was trained on all data; the figures are those of {folder / 'selection'}")


def models(
    pattern: Annotated[str, typer.Argument(help="Shell pattern, such as 'light*'.")] = "*",
    json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
) -> None:
    """List the models with their arguments and defaults."""
    from gnnrec.cli.output import print_json, print_table
    from gnnrec.models import list_models, model_arguments, model_class

    rows: list[dict[str, Any]] = []
    for name in list_models(pattern):
        defaults = {key: parameter.default for key, parameter in model_arguments(name).items()}
        summary = (model_class(name).__doc__ or "").strip().splitlines()[0]
        rows.append(
            {
                "name": name,
                "summary": summary,
                "needs_features": model_class(name).needs_features,
                "arguments": defaults,
            }
        )
    if json:
        print_json(rows)
        return
    table = [
        [row["name"], row["summary"], " ".join(f"{key}={value}" for key, value in row["arguments"].items())]
        for row in rows
    ]
    print_table("models", ["name", "what it is", "arguments (--set key=value)"], table)


def _features_in_use(model: str, dataset: "Dataset", names: list[str] | None, *, encoded: bool) -> list[str]:
    """Features of files that a run uses."""
    from gnnrec.models import model_class

    if not model_class(model).needs_features or (encoded and names is None):
        return []
    return dataset.feature_names() if names is None else list(dataset.select_features(names))


def _choose_folder(out: Path | None, model: str, dataset: str, resume: bool) -> Path:
    from gnnrec.errors import ArgumentError

    if out is not None:
        return out
    if resume:
        raise ArgumentError("'--resume' needs '--out', the folder of the run to continue")
    first = folder = Path("runs") / f"{model}-{dataset}"
    count = 1
    while folder.exists():
        count += 1
        folder = first.with_name(f"{first.name}-{count}")
    return folder


def _report(
    model: str, dataset: "Dataset", figures: dict[str, Any], folder: Path, options: "TrainOptions", json: bool
) -> None:
    from gnnrec.cli.output import command_line, metric_table, print_json, status

    if json:
        print_json({"run": str(folder), **figures})
        return
    metric_table(f"{model} on {dataset.name}", {part: figures[part] for part in ("valid", "test")})
    if figures["epochs"]:
        status(
            f"best epoch {figures['best_epoch']} of {figures['epochs']} by validation {options.metric}; "
            f"{figures['fit_seconds']:.1f} s"
        )
    if not figures["test"]:
        status("there is no test part, so nothing was measured")
    user = dataset.users.ids([0])[0]
    step = command_line("gnnrec", "recommend", folder, "--user", user)
    status(f"run written to {folder}; next: {step}")
