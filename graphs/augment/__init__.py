"""Views of graphs and item vectors for contrastive and robust training.

Each takes its randomness from ``generator``; ``None`` is torch's global one. A generator may be on another device than
the data: one on the CPU gives the same view everywhere.
"""

from graphs.augment.degree_pruning import degree_pruning
from graphs.augment.edge_dropout import edge_dropout
from graphs.augment.modality_edge_dropout import modality_edge_dropout
from graphs.augment.modality_masking import modality_masking
from graphs.augment.node_dropout import node_dropout

__all__ = ["degree_pruning", "edge_dropout", "modality_edge_dropout", "modality_masking", "node_dropout"]
