"""A log, its split, its ids and its item features."""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING

import torch
from torch import Tensor

from gnnrec.data.feature_names import expand_feature_names
from gnnrec.data.id_map import IdMap
from gnnrec.data.interactions import Interactions
from gnnrec.data.item_features import ItemFeatures
from gnnrec.errors import DataError

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["Dataset"]


@dataclass(eq=False)
class Dataset:
    """What training and evaluation work on.

    Args:
        train: Interactions to learn from.
        valid: Interactions to select on; may be empty.
        test: Interactions to report on; may be empty.
        users: External user ids by position.
        items: External item ids by position.
        features: Item features by name, for instance ``{"whisper": ...}``.
        catalog: Table of items in position order (title, text, file names), if the data have one.
        name: Name for reports.
        source: Where it was read from.
        split: How it was split: ``"given"``, ``"none"`` (all in train) or a splitter's description.
        notes: What the reader found worth telling, a line each: dropped repetitions, pairs in two parts,
            items without features.
        feature_info: Header of each feature file by feature name (encoder, weights hash, ...), where there
            is one.
        stale: By feature name why features are no longer those of the items or weights; using them is an error. Those
            of other items are not among ``features`` at all.

    Raises:
        DataError: If train is empty or the parts disagree on the number of users or items.
    """

    train: Interactions
    valid: Interactions
    test: Interactions
    users: IdMap
    items: IdMap
    features: Mapping[str, ItemFeatures] = field(default_factory=dict)
    catalog: "pd.DataFrame | None" = None
    name: str = "dataset"
    source: str = ""
    split: str = "given"
    notes: list[str] = field(default_factory=list)
    feature_info: Mapping[str, Mapping[str, str]] = field(default_factory=dict)
    stale: Mapping[str, str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        problems = []
        if len(self.train) == 0:
            problems.append(f"{self.name}: the train part has no interactions; at least one is needed")
        for part, interactions in self.parts().items():
            if (interactions.num_users, interactions.num_items) != (len(self.users), len(self.items)):
                problems.append(
                    f"{self.name}: the {part} part counts {interactions.num_users} users and "
                    f"{interactions.num_items} items, the id maps {len(self.users)} and {len(self.items)}"
                )
        for name, features in self.features.items():
            if features.num_items != len(self.items):
                problems.append(
                    f"{self.name}: features '{name}' have {features.num_items} rows for {len(self.items)} items"
                )
            elif not bool(features.mask.any()):
                problems.append(f"{self.name}: features '{name}' cover no item at all")
        if problems:
            raise DataError(problems)

    @classmethod
    def from_frame(
        cls,
        frame: "pd.DataFrame",
        *,
        user: str = "user_id",
        item: str = "item_id",
        timestamp: str | None = None,
        weight: str | None = None,
        split: str | None = None,
        items: "pd.DataFrame | None" = None,
        features: "Mapping[str, pd.DataFrame] | None" = None,
    ) -> "Dataset":
        """A data set of tables of pandas; ids are kept, nothing is written.

        Args:
            frame: A row an interaction.
            user: Column of the user ids.
            item: Column of the item ids.
            timestamp: Column of times, if they count.
            weight: Column of weights or ratings, if they count.
            split: Column of ``train``, ``valid`` and ``test``; without one all is train.
            items: Further columns of the items, with their ids in a column of the same name.
            features: By name a frame indexed by item id, a row of numbers an item; others have none.

        Raises:
            DataError: If a column is missing or wrong, or features are of no item.
        """
        from gnnrec.data.reading import from_frame

        named = {"user": user, "item": item, "timestamp": timestamp, "weight": weight, "split": split}
        columns = {role: name for role, name in named.items() if name is not None}
        return from_frame(frame, columns, items, features or {})

    @property
    def num_users(self) -> int:
        """Number of users."""
        return len(self.users)

    @property
    def num_items(self) -> int:
        """Number of items."""
        return len(self.items)

    def parts(self) -> dict[str, Interactions]:
        """The three parts by name."""
        return {"train": self.train, "valid": self.valid, "test": self.test}

    def feature_names(self) -> list[str]:
        """Names of all features there are, be they stale or not."""
        return [*self.features, *(name for name in self.stale if name not in self.features)]

    def select_features(self, names: list[str]) -> dict[str, ItemFeatures]:
        """The named features, in the order of ``names``; an encoder's name stands for all of its modalities.

        Raises:
            UnknownNameError: If a name is not among the features of this dataset.
            DataError: If features are stale.
        """
        chosen = expand_feature_names(names, self.feature_names())
        problems = [self.stale[name] for name in chosen if name in self.stale]
        if problems:
            raise DataError(problems)
        return {name: self.features[name] for name in chosen}

    @cached_property
    def fingerprint(self) -> str:
        """Content hash of ids in their order and of the parts; neither file format nor features matter.

        Runs on equal fingerprints can be compared, whatever features each of them used.
        """
        return self._interactions_digest().hexdigest()

    @cached_property
    def fingerprint_with_features(self) -> str:
        """Hash of that and of all features there are: what versions up to 0.1 called the fingerprint."""
        digest = self._interactions_digest()
        for name in sorted(self.features):
            digest.update(f"{name}={feature_hash(self.features[name])}".encode())
        return digest.hexdigest()

    def _interactions_digest(self) -> "hashlib.blake2b":
        digest = hashlib.blake2b(digest_size=16)
        for ids in (self.users, self.items):
            digest.update("\n".join(map(str, ids.array.tolist())).encode())
            digest.update(b"\0")
        for part, interactions in self.parts().items():
            digest.update(part.encode())
            order = torch.argsort(interactions.keys(), stable=True)
            digest.update(_bytes(interactions.keys()[order]))
            for column in (interactions.timestamp, interactions.weight):
                # As float64: whole numbers written as decimals are the same data. An empty part has none.
                digest.update(b"-" if column is None or not len(interactions) else _bytes(column[order].double()))
        return digest


def feature_hash(features: ItemFeatures) -> str:
    """Content hash of one modality's features; rows outside the mask do not count."""
    digest = hashlib.blake2b(digest_size=16)
    digest.update(str(tuple(features.x.shape)).encode())
    digest.update(_bytes(features.mask))
    digest.update(_bytes(features.x[features.mask]))
    return digest.hexdigest()


def _bytes(tensor: Tensor) -> memoryview:
    array = tensor.detach().cpu().contiguous().numpy()
    return array.data.cast("B") if array.size else memoryview(b"")
