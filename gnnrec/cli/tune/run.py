"""``gnnrec tune PATH``."""

import shlex
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
from gnnrec.cli.tune.study_options import StudyFolder, StudyLocation

if TYPE_CHECKING:
    from optuna.trial import FrozenTrial

    from gnnrec.data import Dataset
    from gnnrec.tuning import StudySpace, TuneOptions, TuningResult

__all__ = ["run"]


def run(
    path: Annotated[Path, typer.Argument(help="Dataset folder or interaction file.")],
    model: Annotated[str, typer.Option(help="Models, with commas between.")] = "lattice",
    fusion: Annotated[
        str | None, typer.Option(help="Fusions, with commas; 'default' is a model's own [default: that alone].")
    ] = None,
    features: Annotated[
        str | None,
        typer.Option(
            help="Sets of features with commas, names of a set joined by +; 'all': every combination "
            "[default: one set of all]."
        ),
    ] = None,
    ranges: Annotated[
        list[str] | None,
        typer.Option(
            "--range", help="Replace a range: NAME=LOW:HIGH[:log], NAME=A,B,C or NAME=VALUE; NAME may be MODEL.NAME."
        ),
    ] = None,
    trials: Annotated[int, typer.Option(help="Trials of the whole study, whoever runs them.")] = 50,
    timeout: Annotated[float | None, typer.Option(help="Seconds after which no new trial starts.")] = None,
    objective: Annotated[
        str, typer.Option(help="Validation metric; then costs, with commas: epoch_seconds, peak_mib.")
    ] = "recall@20",
    name: Annotated[str | None, typer.Option(help="Name of the study [default: the data's].")] = None,
    folder: StudyFolder = Path("studies"),
    storage: StudyLocation = None,
    heartbeat: Annotated[int, typer.Option(help="Seconds between a worker's signs of life in a database.")] = 60,
    finalists: Annotated[int, typer.Option(help="Best trials that run with more seeds.")] = 3,
    seeds: Annotated[str, typer.Option(help="Seeds of the finalists.")] = "1,2,3",
    seed: Annotated[int, typer.Option(help="Seed of the search and of its trials.")] = 0,
    startup_trials: Annotated[int, typer.Option(help="Trials drawn at random first.")] = 10,
    prune: Annotated[bool, typer.Option(help="Stop trials that fall behind others of their model.")] = True,
    warmup_epochs: Annotated[int, typer.Option(help="Epochs before a trial may be stopped.")] = 10,
    baseline: Annotated[
        str | None, typer.Option(help="Models without content to compare with on test, or none [default: all].")
    ] = None,
    test: Annotated[bool, typer.Option(help="Test the winner at the end.")] = True,
    out: Annotated[Path | None, typer.Option(help="Also train the winner into this run folder.")] = None,
    show_space: Annotated[bool, typer.Option("--show-space", help="Print what would be searched, and stop.")] = False,
    max_epochs: Annotated[int, typer.Option(help="Epochs at most.")] = 1000,
    batch_size: Annotated[int, typer.Option(help="Training pairs a step.")] = 2048,
    patience: Annotated[int, typer.Option(help="Evaluations without improvement before stopping.")] = 20,
    evaluate_every: Annotated[int, typer.Option(help="Epochs between evaluations.")] = 1,
    device: Annotated[str, typer.Option(help="cpu, cuda, cuda:1 or auto.")] = "auto",
    feature_folder: Annotated[Path | None, typer.Option(help="A further folder of feature files.")] = None,
    split: Annotated[str, typer.Option(help="given, ratio, leave-one-out, global-time or cold-item.")] = "given",
    split_seed: Annotated[int, typer.Option(help="Seed of the split.")] = 0,
    k_core: Annotated[int, typer.Option(help="Drop users and items with fewer interactions, 0 for none.")] = 0,
    format_name: Annotated[str | None, typer.Option("--format", help="Format of PATH [default: detected].")] = None,
    column: ColumnOption = None,
    no_header: NoHeaderOption = False,
    delimiter: DelimiterOption = None,
    encoding: EncodingOption = None,
    min_weight: MinWeightOption = None,
    json: Annotated[bool, typer.Option("--json", help="Print the result as JSON.")] = False,
) -> None:
    """Search on validation, train the best with several seeds, test the winner once.

    The same command goes on with a study that was interrupted; several at once share its trials.
    """
    from filelock import FileLock

    from gnnrec.cli.output import dataset_status, print_json, print_table, status
    from gnnrec.cli.settings import parse_list_lengths, parse_names
    from gnnrec.cli.tune.ranges import parse_ranges
    from gnnrec.errors import ArgumentError
    from gnnrec.training.allocator import keep_freed_memory
    from gnnrec.training.options import TrainOptions
    from gnnrec.training.progress import ProgressBar
    from gnnrec.training.reading import read_for_training
    from gnnrec.tuning import TuneOptions, tune
    from gnnrec.tuning.hidden_password import hidden_password
    from gnnrec.tuning.train_candidate import train_candidate

    keep_freed_memory()
    try:
        seed_list = parse_list_lengths(seeds)
    except ArgumentError:
        raise ArgumentError(f"'seeds' must be integers separated by commas (got {seeds!r})") from None
    options = TuneOptions(
        trials=trials,
        timeout=timeout,
        objectives=tuple(parse_names(objective) or ()),
        finalists=finalists,
        seeds=seed_list,
        seed=seed,
        startup_trials=startup_trials,
        prune=prune,
        warmup_epochs=warmup_epochs,
        training=TrainOptions(
            batch_size=batch_size,
            max_epochs=max_epochs,
            patience=patience,
            evaluate_every=evaluate_every,
            device=device,
        ),
    )
    replaced = parse_ranges(ranges or [])
    reading: dict[str, Any] = {
        "split": split,
        "split_seed": split_seed,
        "k_core": k_core,
        "format": format_name,
        **table_form(column, no_header, delimiter, encoding, min_weight),
        "carve": True,  # all models learn from the same part
        "feature_folder": None if feature_folder is None else str(feature_folder.resolve()),
    }
    models = parse_names(model) or []
    dataset = read_for_training(_first_known(models), path, **reading)
    space = _space(dataset, models, parse_names(fusion) or [], parse_names(features) or [], replaced)
    if show_space:
        if json:
            print_json([{"parameter": row[0], "values": row[1], "when": row[2]} for row in space.describe()])
        else:
            print_table(f"space of the study on {dataset.name}", ["parameter", "values", "when"], space.describe())
        return
    _check_out(out)
    dataset_status(dataset)
    try:
        result = tune(
            dataset,
            space,
            name=name,
            folder=folder,
            storage=storage,
            heartbeat=heartbeat,
            options=options,
            baselines=None if baseline is None else [one for one in parse_names(baseline) or [] if one != "none"],
            test=test,
            reading=reading,
            on_trial=_say(options),
            on_message=status,
            callbacks=lambda candidate: [ProgressBar(options.metric)],
        )
    except KeyboardInterrupt:
        status("interrupted; the same command goes on where it stopped")
        raise typer.Exit(130) from None
    if json:
        print_json(result.to_dict())
    else:
        _print(result, options)
        where = ["--folder", str(folder)] if folder != Path("studies") else []
        where += ["--storage", hidden_password(storage)] if storage else []
        status(f"written to {result.folder}; next: {shlex.join(['gnnrec', 'tune', 'report', result.name, *where])}")
    if out is not None:
        with FileLock(result.folder / ".out.lock"):  # the same command may have been given twice
            resume = out.exists()
            train_candidate(
                result.best.candidate, options.seeds[0], dataset, out, options, reading=reading, resume=resume
            )
        status(f"the winner's run is in {out}")


def _first_known(models: list[str]) -> str:
    from gnnrec.errors import ArgumentError
    from gnnrec.models import model_class

    if not models:
        raise ArgumentError("'--model' must name at least one model")
    for name in models:
        model_class(name)
    return models[0]


def _space(
    dataset: "Dataset", models: list[str], fusions: list[str], features: list[str], ranges: dict[str, Any]
) -> "StudySpace":
    from gnnrec.models import model_class
    from gnnrec.tuning import StudySpace, parse_feature_sets

    sets: list[tuple[str, ...]] = []
    if features or any(model_class(name).needs_features for name in models):
        sets = parse_feature_sets(features, dataset.feature_names())
        for names in sets:
            dataset.select_features(list(names))  # refuses stale ones
    return StudySpace(tuple(models), tuple(fusions), tuple(sets), ranges)


def _check_out(out: Path | None) -> None:
    from gnnrec.errors import RunError

    if out is not None and out.exists() and any(out.iterdir()) and not (out / "run.json").is_file():
        raise RunError(f"{out} holds something else than a run; choose another --out")


def _say(options: "TuneOptions") -> Any:
    """Tells of each trial in a line."""
    from gnnrec.cli.output import status
    from gnnrec.tuning import Candidate

    best = -float("inf")

    def say(trial: "FrozenTrial", finished: int, total: int) -> None:
        nonlocal best
        candidate = Candidate.from_dict(trial.user_attrs["candidate"])
        if "error" in trial.user_attrs:
            said = f"failed: {trial.user_attrs['error']}"
        elif trial.state.name == "PRUNED":
            said = f"stopped after {max(trial.intermediate_values)} epochs"
        else:
            best = max(best, trial.values[0])
            figures = zip(options.objectives, trial.values, strict=True)
            said = ", ".join(f"{name} {value:.4g}" for name, value in figures) + f" (best {best:.4g})"
        seed = f", seed {trial.user_attrs['seed']}" if "seed" in trial.user_attrs else ""
        seconds = trial.duration.total_seconds() if trial.duration else 0.0
        status(f"{finished}/{total} {candidate}{seed}: {said}, {seconds:.1f} s")

    return say


def _print(result: "TuningResult", options: "TuneOptions") -> None:
    from gnnrec.cli.output import print_table, status

    print_table(
        f"finalists of '{result.name}' by validation {options.metric}, seeds {', '.join(map(str, options.seeds))}",
        ["trial", "candidate", "mean", "spread"],
        [[one.number, str(one.candidate), one.mean, one.spread] for one in result.finalists],
    )
    if result.test is None:
        return
    test = result.test
    print_table(
        f"test {test.metric}",
        ["", "candidate", "mean", "spread"],
        [[role, str(candidate), test.means[role], test.spreads[role]] for role, candidate in test.candidates.items()],
    )
    for one in test.comparisons:
        status(
            f"winner - {one.a}: {-one.difference:+.4f} (95 % interval {-one.ci_high:+.4f} to {-one.ci_low:+.4f}, "
            f"t-test p {one.t_p_corrected:.2g} after Holm's correction)"
        )
