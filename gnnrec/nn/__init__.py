"""Parts that models are made of."""

from gnnrec.nn.contrastive import info_nce
from gnnrec.nn.fusion import (
    AttentionFusion,
    ConcatFusion,
    CrossAttentionFusion,
    Fusion,
    GraphFusion,
    MeanFusion,
    SelfAttentionFusion,
    create_fusion,
    fusion_name,
    list_fusions,
)
from gnnrec.nn.losses import bpr_loss, embedding_penalty
from gnnrec.nn.modality_projection import ModalityProjection
from gnnrec.nn.unit_rows import unit_rows

__all__ = [
    "AttentionFusion",
    "ConcatFusion",
    "CrossAttentionFusion",
    "Fusion",
    "GraphFusion",
    "MeanFusion",
    "ModalityProjection",
    "SelfAttentionFusion",
    "bpr_loss",
    "create_fusion",
    "embedding_penalty",
    "fusion_name",
    "info_nce",
    "list_fusions",
    "unit_rows",
]
