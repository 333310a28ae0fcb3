"""Interactions and features in, graphs out.

torch_geometric, networkx and scipy load when a function that needs them is called.
"""

from graphs.augment import edge_dropout
from graphs.bipartite import BipartiteGraph
from graphs.convert import from_hetero_data, from_networkx, to_hetero_data, to_networkx
from graphs.degree_statistics import DegreeStatistics
from graphs.homophily import Homophily
from graphs.item_graph import ItemGraph
from graphs.knn import knn_graph
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
    "Normalization",
    "SparseOperator",
    "edge_dropout",
    "from_hetero_data",
    "from_networkx",
    "knn_graph",
    "segment_reduce",
    "summary",
    "to_hetero_data",
    "to_networkx",
]
