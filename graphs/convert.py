"""Graphs as a PyG ``HeteroData`` or a networkx graph; the user-item graph back as well."""

from __future__ import annotations

import warnings
from collections.abc import Hashable, Iterable, Mapping
from typing import TYPE_CHECKING

import torch
from torch import Tensor

from graphs.bipartite import BipartiteGraph

if TYPE_CHECKING:
    import networkx
    from torch_geometric.data import HeteroData

    from graphs.item_graph import ItemGraph

__all__ = [
    "from_hetero_data",
    "from_networkx",
    "item_graph_to_hetero_data",
    "item_graph_to_networkx",
    "to_hetero_data",
    "to_networkx",
]

_RELATION = "takes"


def to_hetero_data(graph: BipartiteGraph, features: Mapping[str, Tensor] | None = None) -> HeteroData:
    """A PyG ``HeteroData`` with both edge directions, as message passing wants them.

    Args:
        graph: The user-item graph.
        features: Item features by name, each kept as ``data["item"][name]``. Shape of each: (num_items, ...).

    Returns:
        Node types ``"user"`` and ``"item"`` with ``num_nodes``, edge types ``("user", "takes", "item")`` and
        ``("item", "rev_takes", "user")``.

    Raises:
        ValueError: If features have not one row an item or are named ``"num_nodes"``.
    """
    from torch_geometric.data import HeteroData

    data = HeteroData()
    data["user"].num_nodes = graph.num_users
    data["item"].num_nodes = graph.num_items
    for name, x in (features or {}).items():
        if name == "num_nodes":
            raise ValueError("features must not be named 'num_nodes': PyG keeps the number of items there")
        if x.dim() == 0 or x.shape[0] != graph.num_items:
            raise ValueError(
                f"features '{name}' must have one row an item: {graph.num_items} (got shape {tuple(x.shape)})"
            )
        data["item"][name] = x
    data["user", _RELATION, "item"].edge_index = graph.edge_index
    data["item", f"rev_{_RELATION}", "user"].edge_index = graph.edge_index.flip(0)
    return data


def from_hetero_data(
    data: HeteroData, user: str = "user", item: str = "item", relation: str | tuple[str, str, str] | None = None
) -> BipartiteGraph:
    """The user-item graph of a PyG ``HeteroData``.

    Edges from users to items are read. Those from items to users count only where there is no such edge type:
    beside one they are its reverse.

    Args:
        data: The data; it must know the number of nodes of both types.
        user: Node type of the users.
        item: Node type of the items.
        relation: The edge type, or its middle name; ``None`` takes the only one.

    Raises:
        ValueError: If a node type is missing or has no number of nodes, or the edge type is missing, has no
            ``edge_index`` or is not the only one; what exists is named.
    """
    sizes = [_num_nodes(data, node_type) for node_type in (user, item)]
    edge_type = _edge_type(data, user, item, relation)
    if "edge_index" not in data[edge_type]:
        raise ValueError(f"edge type {edge_type} has no 'edge_index' (it has: {_listed(data[edge_type].keys())})")
    edge_index = data[edge_type].edge_index
    return BipartiteGraph(edge_index if edge_type[0] == user else edge_index.flip(0), *sizes)


def to_networkx(graph: BipartiteGraph) -> networkx.Graph:
    """An undirected networkx graph.

    Nodes are ``("user", 0)``, ``("item", 3)`` and so on, isolated ones included. Their attribute
    ``bipartite`` is 0 for users and 1 for items, as ``networkx.algorithms.bipartite`` has it.
    """
    import networkx

    result = networkx.Graph()
    result.add_nodes_from((("user", user) for user in range(graph.num_users)), bipartite=0)
    result.add_nodes_from((("item", item) for item in range(graph.num_items)), bipartite=1)
    users, items = graph.edge_index.tolist()
    result.add_edges_from((("user", user), ("item", item)) for user, item in zip(users, items, strict=True))
    return result


def from_networkx(graph: networkx.Graph) -> BipartiteGraph:
    """The user-item graph of a networkx graph whose nodes carry the attribute ``bipartite``: 0 user, 1 item.

    Users and items are numbered in the sorted order of their labels. Directions, parallel edges and edge
    attributes do not count.

    Raises:
        ValueError: If a node has no such attribute, the labels of one side cannot be sorted, or an edge does
            not join a user and an item.
    """
    sides: tuple[list[Hashable], list[Hashable]] = ([], [])
    for node, side in graph.nodes(data="bipartite"):
        if side not in (0, 1):
            raise ValueError(
                f"node {node!r} must have the attribute 'bipartite', 0 for a user, 1 for an item (got {side!r}); "
                "graph.add_nodes_from(users, bipartite=0) and graph.add_nodes_from(items, bipartite=1) set it"
            )
        sides[side].append(node)
    users, items = (_positions(labels) for labels in sides)
    edges: list[tuple[int, int]] = []
    for start, end in graph.edges():
        one, other = (start, end) if start in users else (end, start)
        if one not in users or other not in items:
            raise ValueError(f"every edge must join a user and an item (got {start!r} to {end!r})")
        edges.append((users[one], items[other]))
    return BipartiteGraph(torch.tensor(edges, dtype=torch.int64).reshape(-1, 2).T.contiguous(), len(users), len(items))


def item_graph_to_hetero_data(graph: ItemGraph, relation: str = "like") -> HeteroData:
    """A PyG ``HeteroData`` of item pairs.

    PyG's messages flow from the first row of ``edge_index`` to the second, so the neighbour is the first: a
    convolution with ``edge_weight`` and sums gives ``graph.matmul(x)``.

    Args:
        graph: The item graph.
        relation: Middle name of the edge type.

    Returns:
        Node type ``"item"`` with ``num_nodes`` and edge type ``("item", relation, "item")`` with ``edge_index``,
        ``edge_weight``, shape (E,), and the same as ``edge_attr``, shape (E, 1); a gradient of the weights is kept.
    """
    from torch_geometric.data import HeteroData

    data = HeteroData()
    data["item"].num_nodes = graph.num_items
    edges = data["item", relation, "item"]
    edges.edge_index = graph.edge_index.flip(0)
    edges.edge_weight = graph.weight
    edges.edge_attr = graph.weight.unsqueeze(1)
    return data


def item_graph_to_networkx(graph: ItemGraph) -> networkx.DiGraph:
    """A directed networkx graph with an edge from each item to each neighbour that it listens to.

    Nodes are ``("item", 0)`` and so on, as in :func:`to_networkx`, isolated ones included. Edges have the attribute
    ``weight``.
    """
    import networkx

    result = networkx.DiGraph()
    result.add_nodes_from(("item", item) for item in range(graph.num_items))
    items, neighbours = graph.edge_index.tolist()
    result.add_weighted_edges_from(
        (("item", item), ("item", neighbour), weight)
        for item, neighbour, weight in zip(items, neighbours, graph.weight.tolist(), strict=True)
    )
    return result


def _positions(labels: list[Hashable]) -> dict[Hashable, int]:
    try:
        ordered = sorted(labels)  # type: ignore[type-var]
    except TypeError as error:
        raise ValueError(
            f"the labels of one side must be sortable ({error}); networkx.relabel_nodes(graph, str) makes texts of them"
        ) from None
    return {label: position for position, label in enumerate(ordered)}


def _num_nodes(data: HeteroData, node_type: str) -> int:
    if node_type not in data.node_types:
        raise ValueError(f"no node type '{node_type}'; there are: {_listed(data.node_types)}")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # PyG warns where the number is unknown; here that is an error
        size = data[node_type].num_nodes
    if size is None:
        raise ValueError(f"the number of '{node_type}' nodes is unknown; set data['{node_type}'].num_nodes")
    return int(size)


def _edge_type(
    data: HeteroData, user: str, item: str, relation: str | tuple[str, str, str] | None
) -> tuple[str, str, str]:
    for ends in ((user, item), (item, user)):
        found: list[tuple[str, str, str]] = [
            edge_type
            for edge_type in data.edge_types
            if (edge_type[0], edge_type[2]) == ends and relation in (None, edge_type[1], edge_type)
        ]
        if len(found) > 1:
            names = _listed(edge_type[1] for edge_type in found)
            raise ValueError(f"'relation' must name one of the edge types from '{ends[0]}' to '{ends[1]}': {names}")
        if found:
            return found[0]
    named = "" if relation is None else f" named {relation!r}"
    raise ValueError(f"no edge type{named} from '{user}' to '{item}'; there are: {_listed(data.edge_types)}")


def _listed(names: Iterable[object]) -> str:
    return ", ".join(map(str, names)) or "none"
