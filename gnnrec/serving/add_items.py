"""Items that came after training."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import torch

from encoders.registry import stored_name
from encoders.store import Catalog
from gnnrec.data.content_catalog import fill_template, text_columns
from gnnrec.data.id_map import IdMap
from gnnrec.data.item_features import ItemFeatures
from gnnrec.data.modality import MODALITIES
from gnnrec.errors import DataError, RunError
from gnnrec.models import EmbeddingScorer, Recommender, create_model, list_models, model_class
from gnnrec.serving.added_items import NewItems, former_items, write_added
from gnnrec.training.encoder_source import EncoderSource, create_live_features
from gnnrec.training.live_options import LiveOptions
from gnnrec.training.opened_run import OpenedRun, open_run
from gnnrec.training.run_folder import RunFolder
from gnnrec.training.run_schema import check_features, check_finite
from graphs import BipartiteGraph

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["AddedItems", "add_items"]


@dataclass(frozen=True)
class AddedItems:
    """What came of adding items.

    Args:
        items: How many were added, with those added before.
        covered: By name of the features how many of them have such content.
        problems: By id of the item why a content cannot be read.
    """

    items: int
    covered: dict[str, int]
    problems: dict[str, str]


def add_items(run: Path | str, table: "pd.DataFrame", root: Path | str, *, replace: bool = False) -> AddedItems:
    """Let a run recommend items that came after training, by what its encoders see in their contents.

    The recommender is given a row of zeros for whatever it learned of each item by itself, and the contents do the
    rest. Answers for the items of training may change a little where items are neighbours by content. What was added
    before stays; an item of the same id is replaced. A call that is killed leaves what there was before it.

    Args:
        run: Folder of a run with encoders.
        table: A row an item: ``item_id``, maybe ``title``, and the columns or templates that the run's contents came
            from.
        root: Folder that file names start from.
        replace: Forget what was added before.

    Raises:
        RunError: If the run has no encoders, or its model cannot score new items.
        DataError: If ids are missing, repeated or known already.
    """
    with RunFolder.existing(run).locked():
        return _add_items(run, table, Path(root), replace=replace)


def _add_items(run: Path | str, table: "pd.DataFrame", root: Path, *, replace: bool) -> AddedItems:
    opened = open_run(run, added=False)
    folder = opened.folder
    encoders = _require_encoders(opened)
    ids = _new_ids(table, opened.items)
    catalog = _catalog(table, ids, root, encoders["encoding"].get("templates", {}))
    fresh, problems = _encode(folder, catalog, encoders)
    named = table["title"].tolist() if "title" in table else [None] * len(ids)
    new = NewItems(ids, [title if isinstance(title, str) else None for title in named], fresh)
    former = None if replace else former_items(folder, len(opened.items))
    if former is not None:
        new = former.followed_by(new)
    features = {}
    for name in encoders["features"]:
        known = folder.read_tensors(f"features/{name}.safetensors")
        check_features(folder.path / f"features/{name}.safetensors", known, len(opened.items))
        features[name] = new.joined(name, known)
    grown = BipartiteGraph(opened.graph.edge_index, opened.graph.num_users, len(opened.items) + len(new.ids))
    model = _grown_model(folder, opened.description, grown, features)
    with torch.no_grad():
        scorer = EmbeddingScorer(
            model.embeddings(grown, features),
            item_fold_in=model.item_fold_in(grown, features),
            item_parts=model.item_parts(grown, features),
        )
    write_added(opened, grown, scorer, new)
    covered = {name: int(found.mask.sum()) for name, found in new.features.items()}
    return AddedItems(len(new.ids), covered, {str(ids[item]): reason for item, reason in problems.items()})


def _require_encoders(opened: OpenedRun) -> dict[str, Any]:
    """The run's encoders, if its model can place an item by what they see."""
    name, encoders = opened.description["model"]["name"], opened.description.get("encoders")
    if encoders is None:
        raise RunError(
            f"the run {opened.folder.path} has no encoders for new contents; train one with: gnnrec train {name} PATH "
            "--encoder NAME"
        )
    if not _scores_new_items(name):
        able = ", ".join(filter(_scores_new_items, list_models()))
        raise RunError(f"'{name}' cannot score items that nobody has taken; models that can: {able}")
    if opened.description["features"]:
        used = ", ".join(opened.description["features"])
        raise RunError(f"the run {opened.folder.path} also used features of files ({used}), which new items lack")
    return dict(encoders)


def _scores_new_items(name: str) -> bool:
    kind = model_class(name)
    return issubclass(kind, Recommender) and kind.scores_new_items


def _new_ids(table: "pd.DataFrame", items: IdMap) -> list[int | str]:
    """The ids of the new items, of the kind of the known ones."""
    if "item_id" not in table:
        raise DataError(f"the table of new items must have a column item_id (got {', '.join(map(str, table.columns))})")
    ids: list[int | str] = [int(one) if items.is_integer else str(one) for one in table["item_id"].tolist()]
    known = [one for one in ids if one in items]
    if known:
        raise DataError(f"{len(known)} items are known already, such as {known[0]!r}; leave them out")
    IdMap(ids, kind="item")  # refuses repeated ones
    return ids


def _catalog(table: "pd.DataFrame", ids: Sequence[int | str], root: Path, templates: Mapping[str, str]) -> Catalog:
    columns = text_columns(IdMap(ids, kind="item"), table)
    contents = {name: columns[name] for name in MODALITIES if name in columns}
    for modality, template in templates.items():
        contents[modality] = fill_template(modality, template, columns, len(ids))
    return Catalog(root, ids, contents)


def _encode(
    folder: RunFolder, catalog: Catalog, encoders: Mapping[str, Any]
) -> tuple[dict[str, ItemFeatures], dict[int, str]]:
    """Features of the new items by name, of the contents that any of them has."""
    used: dict[str, list[str]] = {}
    for described in encoders["features"].values():
        if any(catalog.contents.get(described["modality"], ())):
            used.setdefault(described["encoder"], []).append(described["modality"])
    files = {described["encoder"]: described["file"] for described in encoders["features"].values()}
    sources = []
    for source in encoders["encoding"].get("encoders", ()):
        stored = stored_name(source["name"])
        if stored in used:
            weights = folder.path / files[stored]
            sources.append(EncoderSource(source["name"], weights=weights, modalities=tuple(used[stored])))
    if not sources:
        wanted = ", ".join(described["modality"] for described in encoders["features"].values())
        raise DataError(f"the new items have none of what the run's encoders encode: {wanted}")
    live = create_live_features(catalog, sources, LiveOptions())
    live.refresh()
    problems = {item: reason for content in live.contents for item, reason in content.problems.items()}
    return live.current(), problems


def _grown_model(
    folder: RunFolder, description: Mapping[str, Any], graph: BipartiteGraph, features: Mapping[str, ItemFeatures]
) -> Recommender:
    """The run's model with rows of zeros for the new items wherever it has a row an item."""
    model = create_model(
        description["model"]["name"],
        num_users=graph.num_users,
        num_items=graph.num_items,
        feature_dims={name: modality.dim for name, modality in features.items()},
        **description["model"]["arguments"],
    )
    assert isinstance(model, Recommender), "models that reach new items have embeddings"
    file = folder.path / "model.safetensors"
    state = folder.read_tensors(file.name)
    check_finite(file, state)
    for name, wanted in model.state_dict().items():
        if name not in state:
            raise RunError(f"{file}: lacks '{name}'; train the run again")
        given = state[name]
        if given.shape != wanted.shape:
            if given.dim() == 0 or given.shape[1:] != wanted.shape[1:]:
                raise RunError(f"'{name}' of the model has no row for each item; items cannot be added to this run")
            state[name] = torch.cat([given, given.new_zeros(len(wanted) - len(given), *given.shape[1:])])
    try:
        model.load_state_dict(state)
    except RuntimeError as error:
        raise RunError(f"{file}: does not hold a trained '{description['model']['name']}': {error}") from None
    return model.eval()
