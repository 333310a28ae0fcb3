"""What a run has seen in training, so that nobody measures on it."""

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from encoders.datasets import LabeledCollection, LabeledItem
from encoders.errors import ArgumentError

__all__ = ["held_out_folds", "require_unseen"]


def held_out_folds(run: Path, collection: LabeledCollection) -> list[int]:
    """The folds of a data set that a run kept for measuring; none if it was trained on something else."""
    return list(_trained_on(run, collection).get("held_out_folds", []))


def require_unseen(run: Path, collection: LabeledCollection, items: Sequence[LabeledItem]) -> None:
    """See to it that items were not among those that a run was trained on.

    Args:
        run: Folder of a run; anything else, such as a file of weights, tells nothing and is accepted.
        collection: The data set of the items.
        items: To be measured on.

    Raises:
        ArgumentError: If a fold or part of theirs was trained on.
    """
    seen = _trained_on(run, collection)
    folds = sorted({item.fold for item in items if item.fold is not None} & set(seen.get("folds", [])))
    parts = sorted({item.part for item in items if item.part is not None} & set(seen.get("parts", [])))
    if folds or (parts and not seen.get("folds")):
        what = f"fold {', '.join(map(str, folds))}" if folds else f"part {', '.join(parts)}"
        held = seen.get("held_out_folds") or []
        kept = f"; it held out fold {', '.join(map(str, held))}" if held else ""
        raise ArgumentError(
            f"'{run}' was trained on {what} of '{collection.name}', so figures there mean nothing{kept}"
        )


def _trained_on(run: Path, collection: LabeledCollection) -> dict[str, Any]:
    file = run / "run.json"
    if not file.is_file():
        return {}
    content = json.loads(file.read_text(encoding="utf-8"))
    if content.get("data", {}).get("name") != collection.name:
        return {}
    found: dict[str, Any] = content.get("trained_on", {})
    return found
