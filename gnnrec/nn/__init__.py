"""Parts that models are made of."""

from gnnrec.nn.content_projection import ContentProjection
from gnnrec.nn.losses import bpr_loss, embedding_penalty

__all__ = ["ContentProjection", "bpr_loss", "embedding_penalty"]
