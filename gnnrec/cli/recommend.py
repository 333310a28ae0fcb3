"""``gnnrec recommend`` and ``gnnrec similar``."""

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from gnnrec.data.id_map import ExternalId, IdMap
    from gnnrec.serving import RecommendedItem

__all__ = ["recommend", "similar"]


def recommend(
    run: Annotated[Path, typer.Argument(help="Run folder.")],
    user: Annotated[list[str], typer.Option("--user", help="User id; may be given several times.")],
    k: Annotated[int, typer.Option("-k", help="List length.")] = 10,
    history: Annotated[
        str | None,
        typer.Option(help="Item ids that the user took, by commas, in place of the training history."),
    ] = None,
    unknown: Annotated[str, typer.Option(help="For unknown users: popular or error.")] = "popular",
    unknown_items: Annotated[str, typer.Option(help="For unknown items of --history: error or ignore.")] = "error",
    explain: Annotated[
        bool,
        typer.Option("--explain", help="Say what the user took that is like each item, and the modalities' shares."),
    ] = False,
    json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
) -> None:
    """Recommend unseen items to users."""
    from gnnrec.cli.output import print_json, print_line, print_table
    from gnnrec.cli.settings import parse_names
    from gnnrec.errors import ArgumentError
    from gnnrec.serving import load

    if history is not None and len(user) > 1:
        raise ArgumentError("'--history' goes with one '--user'")
    predictor = load(run)
    users = _as_stored(predictor.users, user)
    histories = {users[0]: parse_names(history) or []} if history is not None else None
    answers = predictor.recommend(
        users,
        k,
        unknown=unknown,  # type: ignore[arg-type]
        unknown_items=unknown_items,  # type: ignore[arg-type]
        histories=histories,
        explain=explain,
    )
    if json:
        print_json([answer.to_dict() for answer in answers])
        return
    for answer in answers:
        origin = {
            "model": "",
            "history": ", from the given history",
            "popular": ", unknown: the most popular items",
        }
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
    from gnnrec.cli.output import print_json, print_table
    from gnnrec.serving import load

    predictor = load(run)
    answers = predictor.similar_items(_as_stored(predictor.items, item), k)
    if json:
        print_json([answer.to_dict() for answer in answers])
        return
    for answer in answers:
        rows = [[str(other.item_id), other.title, other.score] for other in answer.items]
        print_table(f"like {answer.item_id}", ["item", "title", "similarity"], rows)


def _as_stored(ids: "IdMap", names: list[str]) -> "list[ExternalId]":
    """Ids of the kind that the data have, where they exist: ``"12"`` becomes 12 if ids are integers."""
    positions = ids.positions(names).tolist()
    return [ids.ids([place])[0] if place >= 0 else name for name, place in zip(names, positions, strict=True)]
