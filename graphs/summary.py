"""What a person wants to know of a user-item graph."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

import torch
from torch import Tensor

from graphs.bipartite import BipartiteGraph
from graphs.degree_statistics import DegreeStatistics
from graphs.homophily import Homophily
from graphs.neighbor_homophily import NeighborHomophily

__all__ = ["GraphSummary", "summary"]


@dataclass(frozen=True)
class GraphSummary:
    """A user-item graph in numbers.

    Args:
        num_users: Users, isolated ones included.
        num_items: Items, isolated ones included.
        num_edges: Different user-item pairs.
        density: Share of all pairs that are edges, in [0, 1].
        user_degree: Items a user.
        item_degree: Users an item; its Gini coefficient says how uneven popularity is.
        num_components: Connected components; an isolated node is one.
        largest_component: Users and items in the largest component.
        homophily: By modality, how alike the items of one user are.
        neighbor_homophily: By modality, how many users an item shares with its nearest neighbours.
    """

    num_users: int
    num_items: int
    num_edges: int
    density: float
    user_degree: DegreeStatistics
    item_degree: DegreeStatistics
    num_components: int
    largest_component: int
    homophily: dict[str, Homophily]
    neighbor_homophily: dict[str, NeighborHomophily]

    def to_dict(self) -> dict[str, Any]:
        """Plain nested dictionaries, ready for JSON."""
        return asdict(self)


def summary(graph: BipartiteGraph, features: Mapping[str, tuple[Tensor, Tensor]] | None = None) -> GraphSummary:
    """Measure a graph.

    Args:
        graph: The user-item graph.
        features: By modality the item features, shape (num_items, d), and whether each item has them, shape
            (num_items,), bool; on the graph's device.

    Raises:
        ValueError: If features have the wrong shape or type.
    """
    features = features or {}
    for name, (x, mask) in features.items():
        if x.dim() != 2 or x.shape[0] != graph.num_items or not x.is_floating_point():
            raise ValueError(
                f"features '{name}' must be a floating ({graph.num_items}, d) matrix (got {x.dtype}, {tuple(x.shape)})"
            )
        if mask.shape != (graph.num_items,) or mask.dtype != torch.bool:
            raise ValueError(
                f"the mask of features '{name}' must be bool of shape ({graph.num_items},) "
                f"(got {mask.dtype}, {tuple(mask.shape)})"
            )
    num_components, largest_component = _components(graph)
    return GraphSummary(
        num_users=graph.num_users,
        num_items=graph.num_items,
        num_edges=graph.num_edges,
        density=graph.num_edges / max(1, graph.num_users * graph.num_items),
        user_degree=DegreeStatistics.of(graph.user_degree),
        item_degree=DegreeStatistics.of(graph.item_degree),
        num_components=num_components,
        largest_component=largest_component,
        homophily={name: Homophily.of(graph, x, mask) for name, (x, mask) in features.items()},
        neighbor_homophily={name: NeighborHomophily.of(graph, x, mask) for name, (x, mask) in features.items()},
    )


def _components(graph: BipartiteGraph) -> tuple[int, int]:
    """Number of connected components and nodes of the largest."""
    from scipy.sparse import coo_matrix
    from scipy.sparse.csgraph import connected_components

    if graph.num_nodes == 0:
        return 0, 0
    user, item = graph.edge_index.cpu()
    edges = coo_matrix(
        (torch.ones(graph.num_edges).numpy(), (user.numpy(), (item + graph.num_users).numpy())),
        shape=(graph.num_nodes, graph.num_nodes),
    )
    count, label = connected_components(edges, directed=False)
    return int(count), int(torch.bincount(torch.from_numpy(label)).max())
