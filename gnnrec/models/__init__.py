"""Recommenders as plain PyTorch modules; importing this needs torch and torch_geometric only."""

from gnnrec.models.base import Batch, Embeddings, Recommender
from gnnrec.models.bm3 import BM3
from gnnrec.models.bpr_mf import BPRMF
from gnnrec.models.content_knn import ContentKNN
from gnnrec.models.ease import EASE
from gnnrec.models.embedding_scorer import EmbeddingScorer
from gnnrec.models.freedom import FREEDOM
from gnnrec.models.gf_cf import GFCF
from gnnrec.models.history_scorer import HistoryScorer
from gnnrec.models.item_based_scorer import ItemBasedScorer
from gnnrec.models.item_knn import ItemKNN
from gnnrec.models.lattice import LATTICE
from gnnrec.models.light_mgcn import LightMGCN
from gnnrec.models.lightgcn import LightGCN
from gnnrec.models.mgcn import MGCN
from gnnrec.models.mmgcl import MMGCL
from gnnrec.models.mmgcn import MMGCN
from gnnrec.models.popularity import Popularity
from gnnrec.models.ranges import AllBut, Choice, FloatRange, IntegerRange, Range
from gnnrec.models.registry import create_model, list_models, model_arguments, model_class, register_model
from gnnrec.models.rp3_beta import RP3beta
from gnnrec.models.scorer import HistoryRows, Scorer
from gnnrec.models.slmrec import SLMRec
from gnnrec.models.user_knn import UserKNN
from gnnrec.models.vbpr import VBPR

__all__ = [
    "BM3",
    "BPRMF",
    "EASE",
    "FREEDOM",
    "GFCF",
    "LATTICE",
    "MGCN",
    "MMGCL",
    "MMGCN",
    "VBPR",
    "AllBut",
    "Batch",
    "Choice",
    "ContentKNN",
    "EmbeddingScorer",
    "Embeddings",
    "FloatRange",
    "HistoryRows",
    "HistoryScorer",
    "IntegerRange",
    "ItemBasedScorer",
    "ItemKNN",
    "LightGCN",
    "LightMGCN",
    "Popularity",
    "RP3beta",
    "Range",
    "Recommender",
    "SLMRec",
    "Scorer",
    "UserKNN",
    "create_model",
    "list_models",
    "model_arguments",
    "model_class",
    "register_model",
]
