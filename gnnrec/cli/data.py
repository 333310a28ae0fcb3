"""``gnnrec data``: look at, convert and split data sets."""

from datetime import datetime, timezone
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from gnnrec.cli.output import print_json, print_table
from gnnrec.cli.settings import parse_names
from gnnrec.cli.table_options import (
    ColumnOption,
    DelimiterOption,
    EncodingOption,
    FormatOption,
    MinWeightOption,
    NoHeaderOption,
    table_form,
)

if TYPE_CHECKING:
    from gnnrec.data import Dataset

__all__ = ["app"]

app = typer.Typer(help="Look at, convert and split data sets.", no_args_is_help=True)

PathArgument = Annotated[Path, typer.Argument(help="File or folder of the data.")]
OutArgument = Annotated[Path, typer.Argument(help="Folder to write.")]
FeaturesOption = Annotated[
    str | None, typer.Option("--features", help="Features to read, separated by commas; all if not given.")
]
KCoreOption = Annotated[
    int, typer.Option("--k-core", min=0, help="Keep users and items of at least this degree; 0 keeps all.")
]
ForceOption = Annotated[bool, typer.Option("--force", help="Replace a data folder that gnnrec wrote.")]
JsonOption = Annotated[bool, typer.Option("--json", help="Print one JSON object instead of tables.")]


@app.command()
def info(
    path: PathArgument,
    format: FormatOption = None,
    column: ColumnOption = None,
    no_header: NoHeaderOption = False,
    delimiter: DelimiterOption = None,
    encoding: EncodingOption = None,
    min_weight: MinWeightOption = None,
    features: FeaturesOption = None,
    k_core: KCoreOption = 0,
    as_json: JsonOption = False,
) -> None:
    """Sizes, degrees, cold users and items, features, how far tastes follow them, fingerprint of the data at PATH."""
    _print(
        _read(path, format, table_form(column, no_header, delimiter, encoding, min_weight), features, k_core),
        as_json,
        homophily=True,
    )


@app.command()
def convert(
    path: PathArgument,
    out: OutArgument,
    format: FormatOption = None,
    column: ColumnOption = None,
    no_header: NoHeaderOption = False,
    delimiter: DelimiterOption = None,
    encoding: EncodingOption = None,
    min_weight: MinWeightOption = None,
    features: FeaturesOption = None,
    k_core: KCoreOption = 0,
    force: ForceOption = False,
    as_json: JsonOption = False,
) -> None:
    """Write the data at PATH as gnnrec's own folder OUT, with the split that they have."""
    _write(
        _read(path, format, table_form(column, no_header, delimiter, encoding, min_weight), features, k_core),
        out,
        force,
        as_json,
    )


@app.command()
def split(
    path: PathArgument,
    out: OutArgument,
    by: Annotated[str, typer.Option("--by", help="ratio, leave-one-out, global-time or cold-item.")] = "ratio",
    seed: Annotated[int, typer.Option("--seed", help="Seed of the split.")] = 0,
    format: FormatOption = None,
    column: ColumnOption = None,
    no_header: NoHeaderOption = False,
    delimiter: DelimiterOption = None,
    encoding: EncodingOption = None,
    min_weight: MinWeightOption = None,
    features: FeaturesOption = None,
    k_core: KCoreOption = 0,
    force: ForceOption = False,
    as_json: JsonOption = False,
) -> None:
    """Split the data at PATH anew and write them as gnnrec's own folder OUT."""
    _write(
        _read(
            path,
            format,
            table_form(column, no_header, delimiter, encoding, min_weight),
            features,
            k_core,
            split=by,
            seed=seed,
        ),
        out,
        force,
        as_json,
    )


def _read(
    path: Path,
    format: str | None,
    form: dict[str, Any],
    features: str | None,
    k_core: int,
    split: str = "given",
    seed: int = 0,
) -> "Dataset":
    from gnnrec.data import read_dataset

    return read_dataset(
        path,
        format=format,
        **form,
        features=parse_names(features),
        k_core=k_core,
        split=split,
        seed=seed,
    )


def _write(dataset: "Dataset", out: Path, force: bool, as_json: bool) -> None:
    from gnnrec.data.writing import write_dataset

    folder = write_dataset(dataset, out, force=force)
    _print(dataset, as_json, written=folder)


def _print(dataset: "Dataset", as_json: bool, *, homophily: bool = False, written: Path | None = None) -> None:
    from gnnrec.data.summary import summarize

    summary = summarize(dataset, homophily=homophily)
    if written is not None:
        summary["written"] = str(written)
    if as_json:
        print_json(summary)
    else:
        _print_tables(summary)


def _print_tables(summary: dict[str, Any]) -> None:
    print_table(summary["name"], ["", ""], [[label, value] for label, value in _lines(summary)])
    if summary["features"]:
        rows = [
            [name, values["modality"], values["dim"], values["items"], f"{values['coverage']:.1%}"]
            for name, values in summary["features"].items()
        ]
        print_table("features", ["name", "modality", "dim", "items", "coverage"], rows)
    if summary.get("homophily"):
        rows = [[name, *_content(values["one_user"])] for name, values in summary["homophily"].items()]
        print_table("how alike items are by content, mean cosine", ["features", "of one user", "any two"], rows)
        rows = [[name, *_users(values["neighbors"])] for name, values in summary["homophily"].items()]
        print_table(
            "how alike items are by their users, mean cosine", ["features", "near by content", "any two", "ratio"], rows
        )
    for note in summary["notes"]:
        typer.echo(f"note: {note}")
    if "written" in summary:
        typer.echo(f"written to {summary['written']}")


def _content(figures: dict[str, Any]) -> list[float | None]:
    return [figures["within_user"], figures["random_pair"]]


def _users(figures: dict[str, Any]) -> list[float | None]:
    return [figures["content_neighbors"], figures["random_pair"], figures["lift"]]


def _lines(summary: dict[str, Any]) -> list[tuple[str, str]]:
    lines = [("source", summary["source"]), ("split", summary["split"])]
    lines += [(kind, f"{summary[kind]:,}") for kind in ("users", "items")]
    lines += [(f"{part} interactions", f"{count:,}") for part, count in summary["interactions"].items()]
    lines.append(("density", f"{summary['density']:.4%}"))
    for kind in ("user", "item"):
        degree = summary[f"{kind}_degree"]
        lines.append((f"{kind} degree", f"{degree['min']:,} to {degree['max']:,}, median {degree['median']:,g}"))
    for part, cold in summary["cold"].items():
        lines.append((f"cold users in {part}", f"{cold['cold_users']:,} of {cold['users']:,}"))
        cold_items = f"{cold['cold_items']:,} of {cold['items']:,} ({cold['cold_item_interactions']:,} interactions)"
        lines.append((f"cold items in {part}", cold_items))
    if summary["timestamps"]:
        lines.append(("time", " to ".join(_moment(summary["timestamps"][end]) for end in ("first", "last"))))
    if summary["catalog"]:
        lines.append(("catalog columns", ", ".join(summary["catalog"])))
    lines.append(("fingerprint", summary["fingerprint"]))
    return lines


def _moment(seconds: float) -> str:
    """A time as a date; as the bare number where it cannot be seconds since the epoch."""
    try:
        return datetime.fromtimestamp(seconds, tz=timezone.utc).strftime("%Y-%m-%d %H:%M")
    except (ValueError, OverflowError, OSError):
        return f"{seconds:g}"
