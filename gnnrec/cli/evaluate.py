"""``gnnrec evaluate``."""

from pathlib import Path
from typing import Annotated

import typer

__all__ = ["evaluate"]


def evaluate(
    run: Annotated[Path, typer.Argument(help="Run folder.")],
    data: Annotated[Path | None, typer.Option(help="The data, where they have moved since training.")] = None,
    ks: Annotated[str | None, typer.Option("--ks", help="List lengths [default: those of training].")] = None,
    mask_valid: Annotated[
        bool | None, typer.Option(help="Leave validation items out of test lists [default: as in training].")
    ] = None,
    users_without_positives: Annotated[
        str | None, typer.Option(help="In means: skip, or zero [default: as in training].")
    ] = None,
    device: Annotated[str, typer.Option(help="cpu, cuda, cuda:1 or auto.")] = "auto",
    json: Annotated[bool, typer.Option("--json", help="Print the figures as JSON.")] = False,
) -> None:
    """Evaluate a finished run again, for instance at other list lengths."""
    from gnnrec.cli.output import metric_table, print_json
    from gnnrec.cli.settings import parse_list_lengths
    from gnnrec.errors import RunError
    from gnnrec.evaluation.options import EvalOptions
    from gnnrec.serving import load
    from gnnrec.training.experiment import evaluate_parts, resolve_device
    from gnnrec.training.reading import read_for_training
    from gnnrec.training.run_description import fingerprints
    from gnnrec.training.run_folder import RunFolder

    predictor = load(run, device=str(resolve_device(device)), added=False)
    description = predictor.description
    RunFolder(run).require_measurable(description)
    source = data or Path(description["data"]["path"])
    if not source.exists():
        raise RunError(f"the data of {run} are not at {source} any more; name their new place with --data")
    dataset = read_for_training(description["model"]["name"], source, **description["reading"])
    if not {dataset.fingerprint, dataset.fingerprint_with_features} & fingerprints(description):
        raise RunError(f"{source} is not what {run} was trained on: its content has changed; train the run again")
    asked = {
        "ks": None if ks is None else parse_list_lengths(ks),
        "mask_valid": mask_valid,
        "users_without_positives": users_without_positives,
    }
    stored = {**description["evaluation"], "ks": tuple(description["evaluation"]["ks"])}
    options = EvalOptions(**{**stored, **{name: value for name, value in asked.items() if value is not None}})
    reports = evaluate_parts(predictor.scorer, predictor.graph, dataset, options)
    figures = {part: reports[part].to_dict() if part in reports else {} for part in ("valid", "test")}
    if json:
        print_json(figures)
    else:
        metric_table(f"{description['model']['name']} on {dataset.name}", figures)
