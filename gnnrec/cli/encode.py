"""``gnnrec encode`` and ``gnnrec encoders``."""

import re
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from gnnrec.cli.table_options import ColumnOption, DelimiterOption, EncodingOption, NoHeaderOption, table_form

if TYPE_CHECKING:
    from encoders.store import EncodeReport, MergeReport

__all__ = ["encode", "encoders"]

_SHOWN = 5


def encode(
    path: Annotated[Path, typer.Argument(help="Dataset folder or interaction file.")],
    encoder: Annotated[str, typer.Option(help="Encoder name; 'gnnrec encoders' lists them.")],
    weights: Annotated[Path | None, typer.Option(help="File of trained weights [default: random].")] = None,
    modality: Annotated[
        list[str] | None, typer.Option(help="image, text, audio or video; repeat for more [default: all].")
    ] = None,
    out: Annotated[Path | None, typer.Option(help="Folder of feature files [default: PATH/features].")] = None,
    items: Annotated[Path | None, typer.Option(help="Further table of the items: .csv, .tsv or .parquet.")] = None,
    root: Annotated[Path | None, typer.Option(help="Folder that file names start from [default: PATH].")] = None,
    image: Annotated[str | None, typer.Option(help="Picture of an item, such as 'posters/{item_id}.jpg'.")] = None,
    text: Annotated[str | None, typer.Option(help="Text of an item, such as '{title}. {plot}'.")] = None,
    audio: Annotated[str | None, typer.Option(help="Sound of an item, such as 'sounds/{item_id}.ogg'.")] = None,
    video: Annotated[str | None, typer.Option(help="Film of an item, such as 'films/{item_id}.mp4'.")] = None,
    settings: Annotated[list[str] | None, typer.Option("--set", help="An argument of the encoder, key=value.")] = None,
    shard: Annotated[str, typer.Option(help="I/N: do the I-th of N shares; merge when all are done.")] = "1/1",
    ray: Annotated[
        bool, typer.Option("--ray", help="Encode with Ray Data, on its running cluster or a local one.")
    ] = False,
    merge: Annotated[bool, typer.Option("--merge", help="Only put the blocks of all shards together.")] = False,
    strict: Annotated[bool, typer.Option("--strict", help="Write nothing if any content cannot be read.")] = False,
    batch_size: Annotated[int, typer.Option(help="Samples a forward pass.")] = 64,
    workers: Annotated[int | None, typer.Option(help="Decoding processes [default: cores less one].")] = None,
    item_seconds: Annotated[
        float, typer.Option(help="A decoding process that reads one item for longer is ended, the item left out.")
    ] = 120.0,
    device: Annotated[str, typer.Option(help="cpu, cuda, cuda:1 or auto.")] = "auto",
    precision: Annotated[str, typer.Option(help="fp32, bf16, fp16 or auto.")] = "auto",
    seed: Annotated[int, typer.Option(help="Seed of random weights.")] = 0,
    format_name: Annotated[str | None, typer.Option("--format", help="Format of PATH [default: detected].")] = None,
    column: ColumnOption = None,
    no_header: NoHeaderOption = False,
    delimiter: DelimiterOption = None,
    encoding: EncodingOption = None,
    json: Annotated[bool, typer.Option("--json", help="Print the figures as JSON.")] = False,
) -> None:
    """Encode the items' pictures, texts, sounds or films into feature files; a killed run goes on where it was."""
    import warnings

    from encoders.errors import RandomWeightsWarning
    from encoders.registry import create_encoder, create_encoders, encoder_modalities
    from encoders.store import EncodeOptions, encode_catalog, merge_catalog
    from encoders.store.ray_blocks import encode_catalog_with_ray
    from gnnrec.cli.output import command_line, status
    from gnnrec.data import read_dataset
    from gnnrec.data.content_catalog import content_catalog, content_folder
    from gnnrec.data.encoding import choose_modalities
    from gnnrec.data.readers import TableForm, find_reader
    from gnnrec.errors import ArgumentError

    given = {"image": image, "text": text, "audio": audio, "video": video}
    number, count = _parse_shard(shard)
    if ray and (merge or count > 1):
        raise ArgumentError("'--ray' shares out the blocks and merges them by itself; leave --shard and --merge out")
    arguments = _parse_settings(settings or [])
    options = EncodeOptions(
        batch_size=batch_size,
        device=device,
        precision=precision,
        item_seconds=item_seconds,
        **({} if workers is None else {"workers": workers}),
    )
    encoder_modalities(encoder)  # an unknown name is told before the data are read
    form = table_form(column, no_header, delimiter, encoding)
    # Where the log's format fixes its columns, what is said of them is about the table of items.
    about_items = items is not None and find_reader(path, format_name).name not in ("table", "recbole")
    dataset = read_dataset(path, features=(), format=format_name, **({} if about_items else form))
    catalog = content_catalog(
        dataset,
        templates={name: value for name, value in given.items() if value},
        table=items,
        root=root,
        form=TableForm(**form) if about_items else TableForm(columns=form["columns"]),
    )
    wanted = choose_modalities(catalog, encoder, modality)
    # Where 'gnnrec train PATH' looks for features, wherever the contents are.
    beside = content_folder(dataset) / "features"
    folder = out if out is not None else beside
    try:
        with warnings.catch_warnings(record=True) as caught:
            warnings.simplefilter("always", RandomWeightsWarning)
            built = create_encoders(encoder, wanted, weights=weights, seed=seed, **arguments)
    except TypeError as error:
        if not arguments:
            raise
        raise ArgumentError(f"'--set' gives '{encoder}' what it cannot use: {error}") from error
    for warning in caught:
        if issubclass(warning.category, RandomWeightsWarning):
            status(f"warning: {warning.message}")
        else:
            warnings.warn_explicit(warning.message, warning.category, warning.filename, warning.lineno)
    rows: list[dict[str, Any]] = []
    for name, one in built.items():
        if merge:
            resolved = options.resolve()[1]
            merged = merge_catalog(one, catalog, folder, precision=resolved, strict=strict, weights=weights)
            rows.append(_merged_row(one.feature_name, merged))
            continue
        status(f"{one.feature_name}: {len(catalog):,} items, {_present(catalog.contents[name]):,} with {name}")
        with _Progress(one.feature_name) as progress, _interruptible():
            common: dict[str, Any] = {
                "options": options,
                "strict": strict,
                "weights": weights,
                "on_progress": progress.update,
            }
            if ray:
                file = None if weights is None else weights.resolve()
                build = partial(create_encoder, encoder, name, weights=file, seed=seed, **arguments)
                report = encode_catalog_with_ray(build, catalog, folder, **common)
            else:
                report = encode_catalog(one, catalog, folder, shard=(number, count), **common)
        rows.append(_row(report))
    elsewhere = [] if folder == beside else ["--feature-folder", folder]
    features = next(iter(built.values())).name
    _show(rows, json, next_step=command_line("gnnrec", "train", "vbpr", path, "--features", features, *elsewhere))


def encoders(
    pattern: Annotated[str, typer.Argument(help="Shell pattern, such as 'clip*'.")] = "*",
    json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
) -> None:
    """List the encoders and what they encode."""
    from encoders.registry import encoder_modalities, list_encoders
    from gnnrec.cli.output import print_json, print_table

    rows = {name: encoder_modalities(name) for name in list_encoders(pattern)}
    if json:
        print_json([{"name": name, "modalities": modalities} for name, modalities in rows.items()])
        return
    print_table("encoders", ["name", "encodes"], [[name, ", ".join(modalities)] for name, modalities in rows.items()])
    print("Any other model of open_clip: clip:NAME, such as clip:ViT-L-14.")


@contextmanager
def _interruptible() -> Iterator[None]:
    from gnnrec.cli.output import status

    try:
        yield
    except KeyboardInterrupt:
        status("interrupted; the same command goes on where it was")
        raise typer.Exit(130) from None


class _Progress:
    """A bar with items a second and the time left; quiet when standard error is not a terminal."""

    def __init__(self, name: str) -> None:
        import sys

        from rich.console import Console
        from rich.markup import escape
        from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

        from gnnrec.cli.output import visible

        self._bar = Progress(
            TextColumn("{task.description}"),
            BarColumn(bar_width=24),
            MofNCompleteColumn(),
            TextColumn("{task.fields[rate]}"),
            TimeRemainingColumn(),
            console=Console(file=sys.stderr),
            disable=not sys.stderr.isatty(),
            transient=True,
        )
        self._task = self._bar.add_task(escape(visible(name)), total=None, rate="")
        self._first: tuple[int, float] | None = None

    def __enter__(self) -> "_Progress":
        self._bar.start()
        return self

    def __exit__(self, *error: object) -> None:
        self._bar.stop()

    def update(self, done: int, total: int) -> None:
        """Move the bar; what an earlier run did does not count for the rate."""
        import time

        now = time.perf_counter()
        if self._first is None:
            self._first = (done, now)
        items, seconds = done - self._first[0], now - self._first[1]
        rate = f"{items / seconds:.1f} items/s" if seconds > 0 and items else ""
        self._bar.update(self._task, completed=done, total=total, rate=rate)


def _parse_shard(text: str) -> tuple[int, int]:
    from gnnrec.errors import ArgumentError

    match = re.fullmatch(r"(\d+)/(\d+)", text)
    if match is None:
        raise ArgumentError(f"'--shard' must be a number and a count, such as 1/4 (got '{text}')")
    return int(match[1]), int(match[2])


def _parse_settings(settings: list[str]) -> dict[str, Any]:
    """Values as Python would read numbers, else texts."""
    from gnnrec.cli.settings import read_literal
    from gnnrec.errors import ArgumentError

    values: dict[str, Any] = {}
    for setting in settings:
        key, separator, text = setting.partition("=")
        if not separator or not key:
            raise ArgumentError(f"'--set' takes key=value (got {setting!r})")
        if key in ("name", "modality", "modalities", "weights", "seed"):
            raise ArgumentError(f"'--set' is for arguments of the encoder; '{key}' has an option of its own")
        values[key] = read_literal(text)
    return values


def _present(entries: Any) -> int:
    return sum(entry is not None for entry in entries)


def _row(report: "EncodeReport") -> dict[str, Any]:
    busy = report.wait_seconds + report.forward_seconds + report.write_seconds
    return {
        "features": report.name,
        "items": report.items,
        "covered": report.covered if report.path else None,
        "encoded": report.encoded,
        "reused": report.reused,
        "truncated": report.truncated,
        "problems": report.problems,
        "items_per_second": round(report.encoded / busy, 1) if busy and report.encoded else None,
        "seconds": {
            "wait": round(report.wait_seconds, 3),
            "forward": round(report.forward_seconds, 3),
            "write": round(report.write_seconds, 3),
        },
        "path": None if report.path is None else str(report.path),
    }


def _merged_row(name: str, merged: "MergeReport") -> dict[str, Any]:
    return {
        "features": name,
        "items": merged.items,
        "covered": merged.covered,
        "truncated": merged.truncated,
        "problems": merged.problems,
        "path": str(merged.path),
    }


def _show(rows: list[dict[str, Any]], json: bool, *, next_step: str) -> None:
    from gnnrec.cli.output import print_json, print_table, status

    if json:
        print_json(rows)
        return
    columns = ["features", "items", "covered", "encoded", "reused", "truncated", "problems", "items_per_second"]
    table = [[len(row[column]) if column == "problems" else row.get(column) for column in columns] for row in rows]
    print_table("encoded", [column.replace("_per_", "/") for column in columns], table)
    for row in rows:
        for item, reason in list(row["problems"].items())[:_SHOWN]:
            status(f"  {row['features']}, item {item}: {reason}")
        if len(row["problems"]) > _SHOWN:
            status(f"  ... and {len(row['problems']) - _SHOWN} more; see the file ending in .problems.csv")
        if row["path"] is None:
            status(f"{row['features']}: this shard is done; when all are, run the same command with --merge")
        else:
            status(f"{row['features']} written to {row['path']}")
    if all(row["path"] for row in rows):
        status(f"next: {next_step}")
