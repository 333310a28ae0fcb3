"""What an epoch of each multimodal model has to compute and move, counted from the model's equations."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import torch
from floor import FLOAT, Floor
from torch import nn

from gnnrec.data import ItemFeatures
from gnnrec.models import Batch
from graphs import BipartiteGraph, ItemGraph, degree_pruning, edge_dropout, fuse_graphs, learned_graph

__all__ = ["FLOORS", "Shape"]


@dataclass(frozen=True)
class Shape:
    """What counts depend on.

    Args:
        graph: The training graph.
        features: Item features by name.
        users: Different users of a step, on average.
        positives: Different positives of a step.
        items: Different positives and negatives of a step.
        batch: Pairs of a step.
    """

    graph: BipartiteGraph
    features: Mapping[str, ItemFeatures]
    users: float
    positives: float
    items: float
    batch: int

    @classmethod
    def of(cls, graph: BipartiteGraph, features: Mapping[str, ItemFeatures], epoch: Batch, batch: int) -> "Shape":
        """Counted in a sampled epoch."""
        steps = list(zip(*(torch.split(column, batch) for column in epoch), strict=True))

        def distinct(*columns: int) -> float:
            sizes = [torch.unique(torch.cat([step[column] for column in columns])).numel() for step in steps]
            return sum(sizes) / len(sizes)

        return cls(graph, features, distinct(0), distinct(1), distinct(1, 2), batch)

    @property
    def dims(self) -> list[int]:
        """Length of the features of each modality."""
        return [modality.dim for modality in self.features.values()]


def _parameters(*owners: nn.Module | nn.Parameter | None) -> int:
    """Values that Adam updates."""
    count = 0
    for owner in owners:
        if isinstance(owner, nn.Module):
            count += sum(parameter.numel() for parameter in owner.parameters())
        elif owner is not None:
            count += owner.numel()
    return count


def _content(floor: Floor, shape: Shape, rows: float, out_dim: int) -> None:
    """Projection of wide features of some items: rows gathered unless all are taken; nothing flows back to them."""
    for modality in shape.features.values():
        if rows < shape.graph.num_items:
            floor.gather("content rows", rows, modality.dim, modality.num_items, gradient=False)
        floor.linear("projection", rows, modality.dim, out_dim, input_gradient=False)


def _batch_rows(floor: Floor, shape: Shape, dim: int, *, items: int = 2) -> None:
    """The step's rows of the final table, users and positives (and negatives)."""
    floor.gather("batch rows", (1 + items) * shape.batch, dim, shape.graph.num_nodes)


def _item_graphs(shape: Shape, k: int, **norm: Any) -> list[ItemGraph]:
    return [modality.item_graph(k, **norm) for modality in shape.features.values()]


def vbpr(floor: Floor, model: Any, shape: Shape) -> None:
    """Content of the step's different items is projected; factors are gathered; Adam runs over all tables."""
    _content(floor, shape, shape.items, model.content_dim + 1)
    floor.gather("batch rows", shape.batch, model.embedding_dim + model.content_dim, shape.graph.num_users)
    floor.gather("batch rows", shape.items, model.embedding_dim + 1, shape.graph.num_items)
    floor.gather("batch rows", 2 * shape.batch, model.embedding_dim + model.content_dim + 1, round(shape.items))
    floor.optimizer(_parameters(model))


def lattice(floor: Floor, model: Any, shape: Shape) -> None:
    """LightGCN, and a convolution over the item graph; the graph is built once, with gradient to the projections."""
    dim, graph = model.embedding_dim, shape.graph
    floor.propagation("user-item products", graph.adjacency("symmetric"), dim, model.num_layers)
    x = model.projection(shape.features)
    graphs = _item_graphs(shape, model.num_neighbors, norm="symmetric")
    graphs += [learned_graph(vectors.detach(), model.num_neighbors) for vectors in x.values()]
    merged = fuse_graphs(graphs, torch.ones(len(graphs)))
    floor.sparse("item products", merged.operator(), dim, times=floor.steps * model.num_item_layers)
    # Scaling h to length 1 and adding it: read and write; backward: read both, write.
    floor.passes("row lengths", graph.num_items * dim * FLOAT, 2 + 3)
    _batch_rows(floor, shape, dim)
    for vectors, modality in zip(x.values(), shape.features.values(), strict=True):
        width = vectors.shape[1]
        floor.linear("graph building", modality.num_items, modality.dim, width, input_gradient=False, times=1)
        floor.nearest("graph building", modality.num_items, width, model.num_neighbors, times=1)
    floor.rebuilding("graph building", merged.num_edges, times=1)
    # The gradient of each pair's weight is the product of two rows.
    floor.passes("graph building", merged.num_edges * dim * FLOAT, 2, times=1)
    floor.optimizer(_parameters(model.embedding))  # projections get a gradient once an epoch


def freedom(floor: Floor, model: Any, shape: Shape) -> None:
    """LightGCN on a fifth of the edges, drawn once an epoch; a fixed item graph; BPR on the step's content."""
    dim, graph = model.embedding_dim, shape.graph
    pruned = degree_pruning(graph, model.drop_rate)
    floor.rebuilding("pruning", pruned.num_edges, times=1)
    floor.passes("pruning", graph.num_edges * FLOAT, 4, times=1)  # a draw an edge, read to find the smallest
    floor.propagation("user-item products", pruned.adjacency("symmetric"), dim, model.num_layers)
    graphs = _item_graphs(shape, model.num_neighbors, norm="symmetric", binary=True)
    merged = fuse_graphs(graphs, torch.ones(len(graphs)))
    floor.sparse("item products", merged.operator(), dim, times=floor.steps * model.num_item_layers)
    floor.passes("sum of item vectors", graph.num_items * dim * FLOAT, 3)
    _batch_rows(floor, shape, dim)
    if model.content_weight:
        _content(floor, shape, shape.items, dim)
        for _ in shape.features:
            floor.gather("batch rows", 2 * shape.batch, dim, round(shape.items))
    floor.optimizer(_parameters(model))


def bm3(floor: Floor, model: Any, shape: Shape) -> None:
    """LightGCN; the predictor on the step's different users, positives and their projected content."""
    dim = model.embedding_dim
    floor.propagation("user-item products", shape.graph.adjacency("symmetric"), dim, model.num_layers)
    _content(floor, shape, shape.positives, dim)
    rows = shape.users + shape.positives * (1 + len(shape.features))
    floor.linear("predictor", rows, dim, dim)
    floor.gather("batch rows", shape.users + shape.positives, dim, shape.graph.num_nodes)
    # Predictions and targets: dropout and lengths read and written, and the same backward.
    floor.passes("targets", rows * dim * FLOAT, 2 * 4)
    floor.gather("batch rows", 4 * shape.batch, dim, round(shape.users + shape.positives))
    floor.optimizer(_parameters(model))


def mgcn(floor: Floor, model: Any, shape: Shape) -> None:
    """Content of all items gated into the id space and spread; users get the mean; fusion on the step's rows."""
    dim, graph, num_modalities = model.embedding_dim, shape.graph, len(shape.features)
    floor.propagation("user-item products", graph.adjacency("symmetric"), dim, model.num_layers)
    _content(floor, shape, graph.num_items, dim)
    for item_graph in _item_graphs(shape, model.num_neighbors, norm="symmetric"):
        floor.linear("gates", graph.num_items, dim, dim)
        # Gate and product: two read, one written; backward: three read, two written.
        floor.passes("gates", graph.num_items * dim * FLOAT, 3 + 5)
        floor.sparse("item products", item_graph.operator(), dim, times=floor.steps * model.num_item_layers)
    floor.sparse("users' means", graph.user_item_matrix(), dim * num_modalities)
    rows = 3 * shape.batch
    floor.gather("batch rows", rows, dim * (1 + num_modalities), graph.num_nodes)
    for _ in range(num_modalities):
        floor.linear("gates", rows, dim, dim)  # what is particular to the modality
        floor.linear("fusion", rows, dim, dim)  # attention
    if model.contrastive_weight:
        floor.contrast("contrast", shape.batch, shape.batch, dim, times=2 * floor.steps)
    floor.optimizer(_parameters(model))


def light_mgcn(floor: Floor, model: Any, shape: Shape) -> None:
    """LightGCN; items spread over the mean of the item graphs, and users' normalised sums of them; two InfoNCE."""
    dim, graph = model.embedding_dim, shape.graph
    floor.propagation("user-item products", graph.adjacency("symmetric"), dim, model.num_layers)
    graphs = _item_graphs(shape, model.num_neighbors, norm="symmetric", binary=True)
    merged = fuse_graphs(graphs, torch.ones(len(graphs)))
    floor.sparse("item products", merged.operator(), dim, times=floor.steps * model.num_item_layers)
    floor.sparse("users' sums", graph.user_item_matrix(), dim)
    floor.gather("batch rows", 3 * shape.batch, 2 * dim, graph.num_nodes)
    if model.contrastive_weight:
        floor.contrast("contrast", shape.batch, shape.batch, dim, times=2 * floor.steps)
    floor.optimizer(_parameters(model))


def mmgcn(floor: Floor, model: Any, shape: Shape) -> None:
    """A network a modality: products with every node's vectors, means over neighbours; the last layer for the step."""
    graph, dim = shape.graph, model.embedding_dim
    nodes = graph.num_nodes
    # Means over neighbours weigh entries differently and cost the same.
    matrix = graph.user_item_matrix()
    for modality, width in zip(shape.features.values(), model.widths.values(), strict=True):
        if modality.dim > width:
            floor.linear("projection", modality.num_items, modality.dim, width, input_gradient=False)
        # Vectors at length 1: read and write; backward: read both, write.
        floor.passes("row lengths", nodes * width * FLOAT, 2 + 3)
        for depth in range(model.num_layers):
            inner = width if depth == 0 else dim
            last = depth == model.num_layers - 1
            users, items = (shape.users, shape.items) if last else (graph.num_users, graph.num_items)
            floor.sparse("means over neighbours", matrix, inner)
            floor.sparse("means over neighbours", matrix.transposed, inner)
            # W1 falls on the side that has fewer rows: both times the items, or the step's rows in the last layer.
            floor.linear("products", min(users, graph.num_items), inner, inner)
            floor.linear("products", items, inner, inner)
            floor.linear("products", users + items, inner, dim)  # W3
            floor.linear("products", users + items, inner, dim)  # W2, the neighbours' part
            if model.combination == "concat":
                floor.linear("products", users + items, dim, dim)
            # Leaky ReLU of each product's result in place: read and write, and the same backward.
            floor.passes("activations", (users + items) * (inner + 2 * dim) * FLOAT, 2 * 2)
    floor.gather("batch rows", 3 * shape.batch, dim, nodes)
    floor.optimizer(_parameters(model))


def _channels(floor: Floor, model: Any, graph: BipartiteGraph) -> None:
    """The shared users' table, and the ids and modalities of the items, propagated with gradient."""
    encoder = model.encoder
    columns = encoder.embedding_dim * (1 + len(encoder.names))
    floor.propagation("user-item products", graph.user_item_matrix(), columns, encoder.num_layers)


def _fused_rows(floor: Floor, model: Any, shape: Shape, gathered: int, fused: int) -> None:
    """So many times the batch's rows of all channels, and so many fused by concatenation."""
    encoder = model.encoder
    dim, channels = encoder.embedding_dim, len(encoder.names)
    floor.gather("batch rows", gathered * shape.batch, dim * (1 + channels), shape.graph.num_nodes)
    floor.linear("fusion", fused * shape.batch, dim * channels, dim)


def slmrec(floor: Floor, model: Any, shape: Shape) -> None:
    """All content is projected; ids and modalities are propagated; InfoNCE among the step's rows, and the chain's."""
    dim, batch = model.encoder.embedding_dim, shape.batch
    _content(floor, shape, shape.graph.num_items, dim)
    _channels(floor, model, shape.graph)
    _fused_rows(floor, model, shape, 2, 2)  # users and positives
    floor.contrast("contrast", batch, batch, dim)
    for _ in shape.features:  # the task "fac": two linear maps and an InfoNCE for each modality
        floor.linear("alignment", batch, dim, dim)
        floor.linear("alignment", batch, dim, dim)
        floor.contrast("contrast", batch, batch, dim)
    floor.optimizer(_parameters(model))


def mmgcl(floor: Floor, model: Any, shape: Shape) -> None:
    """SLMRec's propagation on the graph and on one with fewer edges; a masked channel; two InfoNCE."""
    encoder, graph, batch = model.encoder, shape.graph, shape.batch
    dim = encoder.embedding_dim
    _content(floor, shape, graph.num_items, dim)
    _channels(floor, model, graph)
    sparser = edge_dropout(graph, model.edge_dropout)
    floor.rebuilding("sparser graph", sparser.num_edges, times=floor.steps)
    _channels(floor, model, sparser)
    # The masked channel starts from noise, which gets no gradient.
    floor.propagation("user-item products", graph.user_item_matrix(), dim, encoder.num_layers, gradient=False)
    # Users, positives and negatives in the graph and in the first view; the masked channel of the second.
    _fused_rows(floor, model, shape, 2 * 3, 3 + 2 * 3)  # each view: users, positives and challenging negatives
    floor.gather("batch rows", 3 * batch, dim, graph.num_nodes, gradient=False)
    floor.contrast("contrast", batch, 3 * batch if model.challenging_negatives else batch, dim)
    floor.contrast("contrast", batch, batch, dim)
    floor.optimizer(_parameters(model))


FLOORS: dict[str, Callable[[Floor, Any, Shape], None]] = {
    "vbpr": vbpr,
    "mmgcn": mmgcn,
    "lattice": lattice,
    "mmgcl": mmgcl,
    "slmrec": slmrec,
    "freedom": freedom,
    "bm3": bm3,
    "mgcn": mgcn,
    "light-mgcn": light_mgcn,
}
"""By model: adds an epoch at the paper's own fusion to the floor."""
