"""Recommenders as plain PyTorch modules; importing this needs torch and torch_geometric only."""

from gnnrec.models.base import Batch, Embeddings, Recommender
from gnnrec.models.bpr_mf import BPRMF
from gnnrec.models.embedding_scorer import EmbeddingScorer
from gnnrec.models.history_scorer import HistoryScorer
from gnnrec.models.lightgcn import LightGCN
from gnnrec.models.popularity import Popularity
from gnnrec.models.registry import create_model, list_models, model_arguments, model_class, register_model
from gnnrec.models.scorer import HistoryRows, Scorer
from gnnrec.models.vbpr import VBPR

__all__ = [
    "BPRMF",
    "VBPR",
    "Batch",
    "EmbeddingScorer",
    "Embeddings",
    "HistoryRows",
    "HistoryScorer",
    "LightGCN",
    "Popularity",
    "Recommender",
    "Scorer",
    "create_model",
    "list_models",
    "model_arguments",
    "model_class",
    "register_model",
]
