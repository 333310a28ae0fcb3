"""What a run folder keeps of the items that were added to it."""

import secrets
import shutil
from collections.abc import Mapping
from dataclasses import dataclass

import torch
from torch import Tensor

from gnnrec.data.id_map import IdMap
from gnnrec.data.item_features import ItemFeatures
from gnnrec.errors import RunError
from gnnrec.models import EmbeddingScorer
from gnnrec.training.opened_run import OpenedRun
from gnnrec.training.run_folder import ADDED, ADDED_FILE, RunFolder
from gnnrec.training.run_schema import check_features
from graphs import BipartiteGraph

__all__ = ["NewItems", "former_items", "write_added"]


@dataclass(frozen=True)
class NewItems:
    """Items that came after training.

    Args:
        ids: Their external ids.
        titles: Their titles.
        features: Their features by name, as far as any of them has such.
    """

    ids: list[int | str]
    titles: list[str | None]
    features: dict[str, ItemFeatures]

    def joined(self, name: str, known: Mapping[str, Tensor]) -> ItemFeatures:
        """Features of known items, as their file holds them, and of these after them."""
        x, mask = known["x"], known["mask"]
        own = self.features.get(name)
        if own is not None and own.dim != x.shape[1]:
            raise RunError(
                f"features '{name}' of added items have {own.dim} dimensions, those beside them {x.shape[1]}; add the "
                "items again, with --replace"
            )
        rows = x.new_zeros(len(self.ids), x.shape[1]) if own is None else own.x
        covered = mask.new_zeros(len(self.ids)) if own is None else own.mask
        return ItemFeatures(x=torch.cat([x, rows]), mask=torch.cat([mask, covered]))

    def followed_by(self, others: "NewItems") -> "NewItems":
        """These items, less those that are among the others, and then the others."""
        again = set(others.ids)
        kept = [place for place, one in enumerate(self.ids) if one not in again]
        features = {}
        for name, any_of_it in {**others.features, **self.features}.items():
            own = self.features.get(name)
            rows = {
                "x": any_of_it.x.new_zeros(len(kept), any_of_it.dim) if own is None else own.x[kept],
                "mask": any_of_it.mask.new_zeros(len(kept)) if own is None else own.mask[kept],
            }
            features[name] = others.joined(name, rows)
        ids = [self.ids[place] for place in kept]
        return NewItems(ids + others.ids, [self.titles[place] for place in kept] + others.titles, features)


def former_items(folder: RunFolder, num_items: int) -> NewItems | None:
    """What was added before; None without any.

    Args:
        folder: The run.
        num_items: Items that it was trained with.

    Raises:
        RunError: If they were added to another state of the model, or by a version that did not keep their features.
    """
    added = folder.added()
    if added is None:
        return None
    _, items, titles = added.read_ids()
    features = {}
    for path in sorted((added.path / "features").glob("*.safetensors")):
        stored = added.read_tensors(f"features/{path.name}")
        check_features(path, stored, len(items) - num_items)
        features[path.name.removesuffix(".safetensors")] = ItemFeatures(x=stored["x"], mask=stored["mask"])
    if not features:
        raise RunError(
            f"{added.path}: was written by a version that did not keep what it added; add all items again, with "
            "--replace"
        )
    return NewItems(items.ids(range(num_items, len(items))), titles[num_items:], features)


def write_added(opened: OpenedRun, grown: BipartiteGraph, scorer: EmbeddingScorer, new: NewItems) -> None:
    """Keep a run with its new items: in a folder of its own, which counts once the file that names it is there.

    Args:
        opened: The run without them.
        grown: Its graph with them.
        scorer: The model's vectors with them.
        new: The items.
    """
    folder = opened.folder
    added = RunFolder(folder.path / f"{ADDED}-{secrets.token_hex(4)}")
    added.write_tensors("embeddings.safetensors", scorer.tensors())
    added.write_graph(grown, BipartiteGraph(opened.held_out.edge_index, grown.num_users, grown.num_items))
    items = IdMap([*opened.items.ids(range(len(opened.items))), *new.ids], kind="item")
    added.write_id_table(opened.users, items, [*opened.titles, *new.titles])
    for name, found in new.features.items():
        added.write_tensors(f"features/{name}.safetensors", {"x": found.x, "mask": found.mask})
    folder.write_json(ADDED_FILE, {"folder": added.path.name, "model": folder.model_hash()})
    for other in folder.path.glob(f"{ADDED}*"):
        if other.is_dir() and other != added.path:
            shutil.rmtree(other)
