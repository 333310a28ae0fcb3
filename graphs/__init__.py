"""Interactions and features in, graphs out.

torch_geometric, networkx and scipy load when a function that needs them is called.
"""

from graphs.augment import degree_pruning, edge_dropout, modality_edge_dropout, modality_masking, node_dropout
from graphs.bipartite import BipartiteGraph
from graphs.convert import (
    from_hetero_data,
    from_networkx,
    item_graph_to_hetero_data,
    item_graph_to_networkx,
    to_hetero_data,
    to_networkx,
)
from graphs.degree_statistics import DegreeStatistics
from graphs.homophily import Homophily
from graphs.item_graph import ItemGraph
from graphs.knn import knn_graph
from graphs.latent import fuse_graphs, learned_graph
from graphs.neighbor_homophily import NeighborHomophily
from graphs.normalize import Normalization
from graphs.segment import segment_reduce
from graphs.sparse import SparseOperator
from graphs.summary import GraphSummary, summary

__all__ = [
    "BipartiteGraph",
    "DegreeStatistics",
    "GraphSummary",
    "Homophily",
    "ItemGraph",
    "NeighborHomophily",
    "Normalization",
    "SparseOperator",
    "degree_pruning",
    "edge_dropout",
    "from_hetero_data",
    "from_networkx",
    "fuse_graphs",
    "item_graph_to_hetero_data",
    "item_graph_to_networkx",
    "knn_graph",
    "learned_graph",
    "modality_edge_dropout",
    "modality_masking",
    "node_dropout",
    "segment_reduce",
    "summary",
    "to_hetero_data",
    "to_networkx",
]
