"""Tables for people, JSON for programs."""

import json
import re
import shlex
import sys
import unicodedata
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from gnnrec.data import Dataset

__all__ = [
    "command_line",
    "dataset_status",
    "metric_table",
    "print_json",
    "print_line",
    "print_table",
    "status",
    "visible",
]


def visible(text: str) -> str:
    r"""A text that does nothing to a terminal: control characters are written out, such as ``\x1b``.

    Titles, ids, names of columns and files come from others. Line ends and tabs stay; halves of surrogate pairs, which
    stand for undecodable bytes of file names and cannot be printed, are written out too.
    """
    if text.isprintable():
        return text
    return "".join(
        repr(letter)[1:-1] if unicodedata.category(letter) in ("Cc", "Cs") and letter not in "\n\t" else letter
        for letter in text
    )


def print_line(text: str) -> None:
    """Print a line on standard output."""
    print(visible(text))


def print_json(content: Any) -> None:
    """Print one JSON document on standard output; what a terminal would obey is escaped, as JSON allows."""
    text = json.dumps(content, indent=2, ensure_ascii=False)
    print(re.sub("[\x7f-\x9f\ud800-\udfff]", lambda match: f"\\u{ord(match[0]):04x}", text))


def print_table(title: str, columns: Sequence[str], rows: Sequence[Sequence[object]]) -> None:
    """Print a table; columns of numbers are right-aligned."""
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    table = Table()
    for index, column in enumerate(columns):
        text = any(isinstance(row[index], str) for row in rows)
        table.add_column(Text(visible(column)), justify="left" if text else "right", overflow="fold")
    for row in rows:
        table.add_row(*(Text(visible(_cell(value))) for value in row))  # plain: a title may look like markup
    console = Console()
    if not console.is_terminal:
        console.width = 200  # a file has no width to fit
    console.print(f"\n{visible(title)}", highlight=False, markup=False, soft_wrap=True)
    console.print(table)


def command_line(*words: object) -> str:
    """A command to copy into a shell, quoted where it needs to be."""
    return shlex.join(str(word) for word in words)


def status(message: str) -> None:
    """Print a line about what is going on to standard error."""
    print(visible(message), file=sys.stderr, flush=True)


def dataset_status(dataset: "Dataset", *, features: Sequence[str] | None = None) -> None:
    """Say how large a dataset is, and what was noticed while it was read.

    Args:
        dataset: The data.
        features: Names of the features in use; nothing is said of others [default: all].
    """
    from gnnrec.data.reading import coverage_notes

    unused = [] if features is None else [name for name in dataset.features if name not in features]
    hidden = coverage_notes(replace(dataset, features={name: dataset.features[name] for name in unused}))
    status(
        f"{dataset.name}: {dataset.num_users:,} users, {dataset.num_items:,} items, "
        + ", ".join(f"{part} {len(interactions):,}" for part, interactions in dataset.parts().items())
        + f" (split: {dataset.split})"
    )
    for note in (note for note in dataset.notes if note not in hidden):
        status(f"note: {note}")


def metric_table(title: str, report: Mapping[str, Mapping[str, Any]]) -> None:
    """Print accuracy by list length for each part, warm-only figures beside.

    Args:
        title: Heading.
        report: Parts as ``Evaluation.to_dict`` gives them, by name.
    """
    from gnnrec.evaluation.metrics import METRICS

    columns: dict[str, Mapping[str, Any]] = {}
    for part, values in report.items():
        if values:
            columns[part] = values
            columns[f"{part}, warm only"] = values.get("warm", {})
    names = [name for name in next(iter(columns.values()), {}) if name.split("@")[0] in METRICS]
    print_table(
        title,
        ["metric", *columns],
        [[name, *(values.get(name) for values in columns.values())] for name in names],
    )
    beyond = [
        name
        for name, value in report.get("test", {}).items()
        if name.split("@")[0] not in METRICS and isinstance(value, (int, float))
    ]
    if beyond:
        print_table("beyond accuracy, test", ["figure", "test"], [[name, report["test"][name]] for name in beyond])
    groups = report.get("test", {}).get("by_item_count", [])
    if groups:
        found = [name for name in groups[0] if name.startswith("recall@")]
        rows = [[_group_name(row), row["positives"], *(row[name] for name in found)] for row in groups]
        print_table(
            "test positives found, by how often the item was taken in training",
            ["taken", "positives", *found],
            rows,
        )


def _group_name(row: Mapping[str, Any]) -> str:
    if row["from"] == row["to"]:
        return f"{row['from']} (cold)" if row["from"] == 0 else str(row["from"])
    return f"{row['from']} to {row['to']}" if row["to"] is not None else f"{row['from']} and more"


def _cell(value: object) -> str:
    if value is None:
        return "-"
    if isinstance(value, float):
        return f"{value:.4f}" if abs(value) < 10 else f"{value:,.1f}"
    return f"{value:,}" if isinstance(value, int) and not isinstance(value, bool) else str(value)
