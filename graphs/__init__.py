"""Interactions and features in, graphs out."""

from graphs.bipartite import BipartiteGraph
from graphs.normalize import Normalization
from graphs.sparse import SparseOperator

__all__ = ["BipartiteGraph", "Normalization", "SparseOperator"]
