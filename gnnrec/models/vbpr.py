"""Visual Bayesian personalised ranking, for any modalities."""

from collections.abc import Mapping

import torch
from torch import Tensor, nn

from gnnrec.errors import ArgumentError
from gnnrec.models._arguments import check_not_negative, check_positive, check_positive_integer
from gnnrec.models.base import Batch, Embeddings, Features, Recommender
from gnnrec.models.registry import register_model
from gnnrec.nn.content_projection import ContentProjection
from gnnrec.nn.losses import bpr_loss, embedding_penalty
from graphs import BipartiteGraph

__all__ = ["VBPR"]


@register_model("vbpr")
class VBPR(Recommender):
    r"""Matrix factorisation with a second set of factors that lives in the space of projected content.

    From `VBPR: Visual Bayesian Personalized Ranking from Implicit Feedback <https://arxiv.org/abs/1510.01784>`_
    (He and McAuley, 2016), equation 4, with several modalities concatenated:

    .. math::
        \hat{x}_{ui} = \beta_i + \gamma_u^\top \gamma_i + \theta_u^\top E f_i + \beta'^\top f_i

    Args:
        num_users: Number of users.
        num_items: Number of items.
        feature_dims: Length of the features of each modality by name; at least one.
        embedding_dim: Length of :math:`\gamma`.
        content_dim: Length of :math:`\theta`.
        regularization: Weight of the L2 penalty on the step's user and item vectors, content factors included.
        init_std: Standard deviation of the initial factors.

    Shapes:
        - **forward:** user and item (., embedding_dim + content_dim + 1); the last column carries the item biases

    Raises:
        ArgumentError: If no modality is given or an argument is out of range.

    Differs from the reference:
        Features are scaled to length 1 per modality; an item without content gets the modality's mean; Adam. The
        penalty falls on the content factors of the step's items instead of on :math:`E` itself, which works better
        with wide features. The global offset and the user bias are left out: they cancel in the loss and in every
        ranking.
    """

    needs_features = True

    def __init__(
        self,
        num_users: int,
        num_items: int,
        feature_dims: Mapping[str, int],
        *,
        embedding_dim: int = 64,
        content_dim: int = 64,
        regularization: float = 3e-2,
        init_std: float = 0.01,
    ) -> None:
        super().__init__(num_users, num_items)
        if not feature_dims:
            raise ArgumentError("'feature_dims' must name at least one modality: vbpr recommends from item content")
        check_positive_integer("embedding_dim", embedding_dim)
        check_positive_integer("content_dim", content_dim)
        check_not_negative("regularization", regularization)
        check_positive("init_std", init_std)
        self.embedding_dim = embedding_dim
        self.content_dim = content_dim
        self.regularization = regularization
        self.init_std = init_std
        self.user_embedding = nn.Parameter(torch.empty(num_users, embedding_dim + content_dim))
        self.item_embedding = nn.Parameter(torch.empty(num_items, embedding_dim))
        self.item_bias = nn.Parameter(torch.empty(num_items, 1))
        # One product gives both E f and beta' f: the bias is the projection's last row.
        self.projection = ContentProjection(feature_dims, content_dim + 1)
        self.reset_parameters()

    def reset_parameters(self) -> None:
        """Draw the factors from a normal distribution; biases start at zero."""
        nn.init.normal_(self.user_embedding, std=self.init_std)
        nn.init.normal_(self.item_embedding, std=self.init_std)
        nn.init.zeros_(self.item_bias)
        self.projection.reset_parameters()

    def forward(self, graph: BipartiteGraph, features: Features) -> Embeddings:
        """Factors and biases of all users and items as one vector each."""
        one = self.user_embedding.new_ones(self.num_users, 1)
        item = self._item_vectors(self.item_embedding, self.item_bias, self.projection(features))
        return Embeddings(torch.cat([self.user_embedding, one], dim=1), item)

    def loss(self, graph: BipartiteGraph, features: Features, batch: Batch) -> dict[str, Tensor]:
        """BPR and the penalties; only the step's items are projected."""
        items, place = torch.unique(torch.cat([batch.positives, batch.negatives]), return_inverse=True)
        content = self.projection(features, items)
        vectors = self._item_vectors(self.item_embedding[items], self.item_bias[items], content)
        positive, negative = vectors[place].chunk(2)
        user = self.user_embedding[batch.users]
        factors = torch.cat([user, user.new_ones(user.shape[0], 1)], dim=1)
        return {
            "bpr": bpr_loss((factors * positive).sum(1), (factors * negative).sum(1)),
            "regularization": self.regularization * embedding_penalty(user, positive, negative),
        }

    @staticmethod
    def _item_vectors(embedding: Tensor, bias: Tensor, content: Tensor) -> Tensor:
        """Own factors, content factors, and both biases in one column, to match the users' constant 1."""
        return torch.cat([embedding, content[:, :-1], bias + content[:, -1:]], dim=1)

    def extra_repr(self) -> str:
        """Sizes shown by ``repr``."""
        return f"{super().extra_repr()}, embedding_dim={self.embedding_dim}, content_dim={self.content_dim}"
