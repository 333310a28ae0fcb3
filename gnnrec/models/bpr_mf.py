"""Matrix factorisation with BPR."""

from collections.abc import Mapping
from typing import ClassVar

import torch
from torch import Tensor, nn

from gnnrec.models._arguments import check_not_negative, check_positive, check_positive_integer
from gnnrec.models.base import Batch, Embeddings, Features, Recommender
from gnnrec.models.ranges import FloatRange, Range
from gnnrec.models.registry import register_model
from gnnrec.nn.losses import bpr_loss, embedding_penalty
from graphs import BipartiteGraph

__all__ = ["BPRMF"]


@register_model("bpr-mf")
class BPRMF(Recommender):
    r"""Matrix factorisation trained with Bayesian personalised ranking.

    From `BPR: Bayesian Personalized Ranking from Implicit Feedback <https://arxiv.org/abs/1205.2618>`_
    (Rendle et al., 2009), section 4.3: :math:`\hat{x}_{ui} = \gamma_u^\top \gamma_i`.

    Args:
        num_users: Number of users.
        num_items: Number of items.
        embedding_dim: Length of an embedding.
        regularization: Weight of the L2 penalty on the step's embeddings.
        init_std: Standard deviation of the initial embeddings.

    Raises:
        ArgumentError: If an argument is out of range.

    Shapes:
        - **forward:** user (num_users, embedding_dim), item (num_items, embedding_dim)

    Differs from the reference:
        Mini-batches and Adam instead of single-triple gradient descent.
    """

    search_space: ClassVar[Mapping[str, Range]] = {
        "regularization": FloatRange(1e-3, 1.0, log=True),
        "init_std": FloatRange(3e-3, 0.3, log=True),
        "learning_rate": FloatRange(3e-4, 1e-2, log=True),
    }

    def __init__(
        self,
        num_users: int,
        num_items: int,
        *,
        embedding_dim: int = 64,
        regularization: float = 3e-2,
        init_std: float = 0.01,
    ) -> None:
        super().__init__(num_users, num_items)
        check_positive_integer("embedding_dim", embedding_dim)
        check_not_negative("regularization", regularization)
        check_positive("init_std", init_std)
        self.embedding_dim = embedding_dim
        self.regularization = regularization
        self.init_std = init_std
        self.user_embedding = nn.Parameter(torch.empty(num_users, embedding_dim))
        self.item_embedding = nn.Parameter(torch.empty(num_items, embedding_dim))
        self.reset_parameters()

    def reset_parameters(self) -> None:
        """Draw the embeddings from a normal distribution."""
        nn.init.normal_(self.user_embedding, std=self.init_std)
        nn.init.normal_(self.item_embedding, std=self.init_std)

    def forward(self, graph: BipartiteGraph, features: Features) -> Embeddings:
        """The embedding tables themselves."""
        return Embeddings(self.user_embedding, self.item_embedding)

    def loss(self, graph: BipartiteGraph, features: Features, batch: Batch) -> dict[str, Tensor]:
        """BPR and the penalty."""
        user = self.user_embedding.index_select(0, batch.users)
        items = torch.cat([batch.positives, batch.negatives])
        positive, negative = self.item_embedding.index_select(0, items).chunk(2)
        return {
            "bpr": bpr_loss((user * positive).sum(1), (user * negative).sum(1)),
            "regularization": self.regularization * embedding_penalty(user, positive, negative),
        }

    def extra_repr(self) -> str:
        """Sizes shown by ``repr``."""
        return f"{super().extra_repr()}, embedding_dim={self.embedding_dim}"
