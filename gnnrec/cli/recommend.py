"""``gnnrec recommend`` and ``gnnrec similar``."""

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

if TYPE_CHECKING:
    from gnnrec.serving import Predictor, Recommendations, RecommendedItem

__all__ = ["recommend", "similar"]


def recommend(
    run: Annotated[Path, typer.Argument(help="Run folder.")],
    user: Annotated[list[str] | None, typer.Option("--user", help="User id; may be given several times.")] = None,
    users: Annotated[
        Path | None, typer.Option(help="File of user ids: a table with user_id, or one a line. Needs --out.")
    ] = None,
    all_users: Annotated[
        bool, typer.Option("--all-users", "--all", help="Everybody who was in training. Needs --out.")
    ] = False,
    out: Annotated[Path | None, typer.Option(help="Write the lists to this .parquet or .csv file.")] = None,
    k: Annotated[int, typer.Option("-k", help="List length.")] = 10,
    history: Annotated[
        list[str] | None,
        typer.Option(
            help="Item ids that the user took, in place of the training history: by commas, those with a comma in "
            "double quotes; or @FILE; may be given several times."
        ),
    ] = None,
    candidates: Annotated[
        list[str] | None, typer.Option(help="Items that may be listed: ids or a file, given as for --history.")
    ] = None,
    exclude: Annotated[
        list[str] | None, typer.Option(help="Items that must not be listed: ids or a file, given as for --history.")
    ] = None,
    unknown: Annotated[str, typer.Option(help="For unknown users: popular or error.")] = "popular",
    unknown_items: Annotated[
        str, typer.Option(help="For unknown items of --history, --candidates and --exclude: error or ignore.")
    ] = "error",
    explain: Annotated[
        bool,
        typer.Option("--explain", help="Say what the user took that is like each item, and the modalities' shares."),
    ] = False,
    json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
) -> None:
    """Recommend unseen items to users."""
    from gnnrec.cli.id_lists import as_stored, parse_ids, read_id_file
    from gnnrec.cli.output import print_json
    from gnnrec.errors import ArgumentError
    from gnnrec.serving import load
    from gnnrec.serving.batch import check_list_file

    if not (user or users or all_users) or (all_users and (user or users)):
        raise ArgumentError("name users by '--user' or '--users FILE', or all of them by '--all-users'")
    if out is None and not user:
        raise ArgumentError("'--users' and '--all-users' write the lists to a file; name it with '--out'")
    if out is not None and (history is not None or explain or json):
        raise ArgumentError("'--out' does not go with '--history', '--explain' and '--json'")
    if history is not None and (users or len(user or []) > 1):
        raise ArgumentError("'--history' goes with one '--user'")
    if out is not None:
        check_list_file(out)
    predictor = load(run)
    asked = as_stored(predictor.users, [*(user or []), *([] if users is None else read_id_file(users, "user"))])
    choices: dict[str, Any] = {
        "unknown": unknown,
        "unknown_items": unknown_items,
        "candidates": parse_ids("--candidates", candidates, predictor.items),
        "exclude": parse_ids("--exclude", exclude, predictor.items),
    }
    if out is not None:
        _write(predictor, out, None if all_users else asked, k, choices)
        return
    taken = parse_ids("--history", history, predictor.items)
    histories = None if taken is None else {asked[0]: taken}
    answers = predictor.recommend(asked, k, histories=histories, explain=explain, **choices)
    if json:
        print_json([answer.to_dict() for answer in answers])
    else:
        _print(answers)


def _write(predictor: "Predictor", out: Path, users: "list[int | str] | None", k: int, choices: dict[str, Any]) -> None:
    from gnnrec.cli.encoder.progress import EncoderProgress
    from gnnrec.cli.output import status
    from gnnrec.serving.batch import write_recommendations

    with EncoderProgress() as progress:
        rows = write_recommendations(
            predictor, out, users, k, on_progress=lambda done, total: progress.count("users", done, total), **choices
        )
    count = len(predictor.users) if users is None else len(users)
    status(f"lists of {count:,} users, {rows:,} rows, written to {out}")


def _print(answers: "Sequence[Recommendations]") -> None:
    from gnnrec.cli.output import print_line, print_table

    origin = {
        "model": "",
        "history": ", from the given history",
        "popular": ", unknown: the most popular items",
    }
    for answer in answers:
        rows: list[list[object]] = [[str(item.item_id), item.title, item.score] for item in answer.items]
        columns = ["item", "title", "score"]
        for name, cells in (("because of", _nearest(answer.items)), ("shares of the score", _shares(answer.items))):
            if any(cells):
                columns.append(name)
                rows = [[*row, cell or None] for row, cell in zip(rows, cells, strict=True)]
        print_table(f"for {answer.user_id}{origin[answer.source]}", columns, rows)
        for note, places in _notes(answer.items).items():
            print_line(f"{places}: {note}")


def _nearest(items: Sequence["RecommendedItem"]) -> list[str]:
    """What the user took that is like each item."""
    near = [item.explanation.history if item.explanation else [] for item in items]
    return ["\n".join(f"{other.title or other.item_id} ({other.similarity:.2f})" for other in cell) for cell in near]


def _shares(items: Sequence["RecommendedItem"]) -> list[str]:
    """Each modality's share of an item's score, the largest first."""
    cells = []
    for item in items:
        shares = (item.explanation and item.explanation.modality_shares) or {}
        signs = (item.explanation and item.explanation.contributions) or {}
        ordered = sorted(shares.items(), key=lambda share: -share[1])
        cells.append(", ".join(f"{name} {share:.0%}{' against' if signs[name] < 0 else ''}" for name, share in ordered))
    return cells


def _notes(items: Sequence["RecommendedItem"]) -> dict[str, str]:
    """Each note once, with the items that it is for."""
    noted: dict[str, list[str]] = {}
    for item in items:
        if item.explanation is not None and item.explanation.note is not None:
            noted.setdefault(item.explanation.note, []).append(str(item.item_id))
    return {note: "all items" if len(names) == len(items) else ", ".join(names) for note, names in noted.items()}


def similar(
    run: Annotated[Path, typer.Argument(help="Run folder.")],
    item: Annotated[list[str], typer.Option("--item", help="Item id; may be given several times.")],
    k: Annotated[int, typer.Option("-k", help="List length.")] = 10,
    json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
) -> None:
    """List the items most like an item."""
    from gnnrec.cli.id_lists import as_stored
    from gnnrec.cli.output import print_json, print_table
    from gnnrec.serving import load

    predictor = load(run)
    answers = predictor.similar_items(as_stored(predictor.items, item), k)
    if json:
        print_json([answer.to_dict() for answer in answers])
        return
    for answer in answers:
        rows = [[str(other.item_id), other.title, other.score] for other in answer.items]
        print_table(f"like {answer.item_id}", ["item", "title", "similarity"], rows)
