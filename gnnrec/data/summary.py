"""What a person wants to know of a data set, as plain values."""

from dataclasses import asdict
from typing import Any

import numpy as np
import torch
from torch import Tensor

from gnnrec.data.dataset import Dataset
from gnnrec.data.modality import modality_of
from graphs import BipartiteGraph, Homophily, NeighborHomophily

__all__ = ["summarize"]


def summarize(dataset: Dataset, *, homophily: bool = False) -> dict[str, Any]:
    """Sizes, density, degrees, cold users and items, features, times and notes, ready for JSON.

    Degrees are over all parts. A user or item is cold if it has no train interaction.

    Args:
        dataset: The data.
        homophily: Whether to measure as well, for each features, how far the users of the train part go by content:
            ``"homophily"`` has ``"one_user"`` (:class:`graphs.Homophily`) and ``"neighbors"``
            (:class:`graphs.NeighborHomophily`). That takes seconds where the rest takes none.
    """
    parts = {name: part for name, part in dataset.parts().items() if len(part)}
    total = sum(len(part) for part in parts.values())
    times = [part.timestamp for part in parts.values() if part.timestamp is not None]
    summary: dict[str, Any] = {
        "name": dataset.name,
        "source": dataset.source,
        "split": dataset.split,
        "users": dataset.num_users,
        "items": dataset.num_items,
        "interactions": {**{name: len(part) for name, part in dataset.parts().items()}, "total": total},
        "density": total / (dataset.num_users * dataset.num_items),
        "user_degree": _spread(torch.stack([part.user_degree for part in parts.values()]).sum(dim=0)),
        "item_degree": _spread(torch.stack([part.item_degree for part in parts.values()]).sum(dim=0)),
        "cold": {name: _cold(dataset, name) for name in ("valid", "test") if name in parts},
        "features": {
            name: {
                "modality": dataset.feature_info.get(name, {}).get("modality", modality_of(name)),
                "dim": values.dim,
                "items": int(values.mask.sum()),
                "coverage": values.coverage,
            }
            for name, values in dataset.features.items()
        },
        "timestamps": (
            {
                "first": min(time.min().item() for time in times),
                "last": max(time.max().item() for time in times),
            }
            if times
            else None
        ),
        "catalog": [] if dataset.catalog is None else [str(column) for column in dataset.catalog.columns],
        "fingerprint": dataset.fingerprint,
        "notes": list(dataset.notes),
    }
    if homophily:
        summary["homophily"] = _homophily(dataset)
    return summary


def _homophily(dataset: Dataset) -> dict[str, dict[str, Any]]:
    # Of the train part alone: who chooses features by it must not have looked at the others.
    graph = BipartiteGraph.from_interactions(dataset.train)
    return {
        name: {
            "one_user": asdict(Homophily.of(graph, values.x, values.mask)),
            "neighbors": asdict(NeighborHomophily.of(graph, values.x, values.mask)),
        }
        for name, values in dataset.features.items()
    }


def _spread(degree: Tensor) -> dict[str, float]:
    return {
        "min": int(degree.min()),
        "median": float(np.median(degree.numpy())),
        "max": int(degree.max()),
    }


def _cold(dataset: Dataset, part: str) -> dict[str, int]:
    """Cold users and items of a part, and its interactions that have one of them."""
    interactions = dataset.parts()[part]
    cold_user = (dataset.train.user_degree == 0)[interactions.user]
    cold_item = (dataset.train.item_degree == 0)[interactions.item]
    return {
        "users": torch.unique(interactions.user).numel(),
        "items": torch.unique(interactions.item).numel(),
        "cold_users": torch.unique(interactions.user[cold_user]).numel(),
        "cold_items": torch.unique(interactions.item[cold_item]).numel(),
        "cold_item_interactions": int(cold_item.sum()),
    }
