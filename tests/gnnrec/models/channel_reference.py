"""Propagated and fused channels in dense float64 numpy, for the models that stand on ``ModalityLightGCN``."""

from collections.abc import Iterable, Mapping

import numpy as np
import tiny_case as tiny
import torch
from tiny_case import NUM_USERS, Values

from gnnrec.data import ItemFeatures

NUM_NEIGHBORS = 2

Side = dict[str, np.ndarray]


def prepared(model: torch.nn.Module) -> Values:
    """Parameters drawn anew, under their names in the encoder."""
    return renamed(tiny.randomize(model))


def renamed(values: Values) -> Values:
    return {name.removeprefix("encoder."): value for name, value in values.items()}


def inputs(values: Values, features: Mapping[str, ItemFeatures]) -> Side:
    """What items start with in each channel, the ids first."""
    return {"interactions": values["item_embedding"], **tiny.projected(values, features)}


def channels(
    values: Values, starts: Side, num_layers: int, edges: Iterable[tuple[int, int]] = tiny.EDGES
) -> tuple[Side, Side]:
    """Layer means of users and of items in each channel, over all nodes at once."""
    edges = list(edges)
    table = values["user_embedding"]
    final = {name: tiny.lightgcn(np.vstack([table, rows]), num_layers, edges) for name, rows in starts.items()}
    users = {name: rows[:NUM_USERS] for name, rows in final.items()}
    return users, {name: rows[NUM_USERS:] for name, rows in final.items()}


def fuse(values: Values, side: str, views: Side, kind: str = "concat", graph: np.ndarray | None = None) -> np.ndarray:
    """The fusion of ``"user"`` or ``"item"`` rows: ``"concat"``, ``"mean"``, ``"attention"`` or ``"graph"``."""
    own = {
        name.replace(f"{side}_fusion.", "content_fusion."): value
        for name, value in values.items()
        if name.startswith(f"{side}_fusion.")
    }
    if kind == "graph":
        weights = tiny.softmax(own["content_fusion.weight"])
        mean = np.asarray(sum(weight * rows for weight, rows in zip(weights, views.values(), strict=True)))
        return mean if graph is None else mean + graph @ mean
    everywhere = dict.fromkeys(views, np.ones(len(next(iter(views.values()))), dtype=bool))
    return tiny.fused(kind, own, views, everywhere)


def item_graph(values: Values, features: Mapping[str, ItemFeatures]) -> np.ndarray:
    """The sum of the modalities' normalised graphs by the fusion's weights; the ids, which come first, have none."""
    weights = tiny.softmax(values["item_fusion.weight"])[1:]
    graphs = []
    for modality in features.values():
        x, mask = tiny.content(modality)
        graphs.append(tiny.symmetric(tiny.nearest(x, NUM_NEIGHBORS, mask)[0]))
    return np.asarray(sum(weight * graph for weight, graph in zip(weights, graphs, strict=True)))


def info_nce(
    anchor: np.ndarray,
    positive: np.ndarray,
    temperature: float,
    *,
    extra: Iterable[np.ndarray] = (),
    scaled: bool = True,
    ids: np.ndarray | None = None,
) -> float:
    """Row by row: the right choice over all choices, without other rows of the same id."""
    if scaled:
        anchor, positive, extra = tiny.unit(anchor), tiny.unit(positive), [tiny.unit(rows) for rows in extra]
    losses = []
    for row, chooses in enumerate(anchor):
        others = [j for j in range(len(positive)) if j == row or ids is None or ids[j] != ids[row]]
        choices = np.vstack([positive[others], *extra]) @ chooses / temperature
        losses.append(np.log(np.exp(choices).sum()) - positive[row] @ chooses / temperature)
    return float(np.mean(losses))
