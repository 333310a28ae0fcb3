"""``gnnrec recommend`` and ``gnnrec similar``."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from gnnrec.data.id_map import ExternalId, IdMap

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
    json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
) -> None:
    """Recommend unseen items to users."""
    from gnnrec.cli.output import print_json, print_table
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
        rows = [[str(item.item_id), item.title, item.score] for item in answer.items]
        print_table(f"for {answer.user_id}{origin[answer.source]}", ["item", "title", "score"], rows)


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
