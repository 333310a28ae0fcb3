"""Parts that models are made of."""

from gnnrec.nn.losses import bpr_loss, embedding_penalty

__all__ = ["bpr_loss", "embedding_penalty"]
