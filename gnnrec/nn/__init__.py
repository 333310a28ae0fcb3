"""Parts that models are made of."""

from gnnrec.nn.fusion import Fusion, create_fusion, fusion_name, list_fusions
from gnnrec.nn.losses import bpr_loss, embedding_penalty
from gnnrec.nn.modality_projection import ModalityProjection

__all__ = [
    "Fusion",
    "ModalityProjection",
    "bpr_loss",
    "create_fusion",
    "embedding_penalty",
    "fusion_name",
    "list_fusions",
]
