"""Visual Bayesian personalised ranking, for any modalities."""

from collections.abc import Mapping
from typing import ClassVar

import torch
from torch import Tensor, nn

from gnnrec.models._arguments import (
    check_feature_dims,
    check_not_negative,
    check_positive,
    check_positive_integer,
)
from gnnrec.models.base import Batch, Embeddings, Features, Recommender
from gnnrec.models.ranges import Choice, FloatRange, IntegerRange, Range
from gnnrec.models.registry import register_model
from gnnrec.nn.content import item_graphs, modality_of
from gnnrec.nn.fusion import Fusion, create_fusion, fusion_name
from gnnrec.nn.losses import bpr_loss, embedding_penalty
from gnnrec.nn.modality_projection import ModalityProjection
from graphs import BipartiteGraph, ItemGraph

__all__ = ["VBPR"]


@register_model("vbpr")
class VBPR(Recommender):
    r"""Matrix factorisation with a second set of factors that lives in the space of projected content.

    From `VBPR: Visual Bayesian Personalized Ranking from Implicit Feedback <https://arxiv.org/abs/1510.01784>`_
    (He and McAuley, 2016), equation 4:

    .. math::
        \hat{x}_{ui} = \beta_i + \gamma_u^\top \gamma_i + \theta_u^\top E f_i + \beta'^\top f_i

    Several modalities are concatenated to :math:`f_i`, or each has an :math:`E` and a :math:`\beta'` of its own and a
    fusion makes one vector of the products.

    Args:
        num_users: Number of users.
        num_items: Number of items.
        feature_dims: Length of the features of each modality by name; at least one.
        embedding_dim: Length of :math:`\gamma`.
        content_dim: Length of :math:`\theta`.
        fusion: ``"concat"``, or another fusion of vectors of length ``content_dim + 1`` by name or as a module, see
            :func:`gnnrec.nn.create_fusion`. A module's parameters are drawn anew.
        num_neighbors: Neighbours of each item in the item graphs of a fusion that convolves, such as ``"graph"``.
        regularization: Weight of the L2 penalty on the step's user and item vectors, content factors included.
        init_std: Standard deviation of the initial factors.

    Shapes:
        - **forward:** user and item (., embedding_dim + content_dim + 1); the last column carries the item biases

    Raises:
        ArgumentError: If no modality is given, an argument is out of range or the fusion does not fit.
        UnknownNameError: If there is no fusion of that name.

    Differs from the reference:
        Features are scaled to length 1 per modality; an item without content gets the modality's mean, or, with
        another fusion than ``"concat"``, is made of what it has; Adam. The penalty falls on the content factors of the
        step's items instead of on :math:`E` itself, which works better with wide features. The global offset and the
        user bias are left out: they cancel in the loss and in every ranking.
    """

    needs_features = True
    scores_new_items = True
    search_space: ClassVar[Mapping[str, Range]] = {
        "content_dim": Choice((32, 64, 128)),
        "num_neighbors": IntegerRange(5, 30, step=5, when={"fusion": ("graph",)}),
        "regularization": FloatRange(1e-3, 1.0, log=True),
        "init_std": FloatRange(3e-3, 0.3, log=True),
        "learning_rate": FloatRange(3e-4, 1e-2, log=True),
    }

    def __init__(
        self,
        num_users: int,
        num_items: int,
        feature_dims: Mapping[str, int],
        *,
        embedding_dim: int = 64,
        content_dim: int = 64,
        fusion: str | Fusion = "concat",
        num_neighbors: int = 10,
        regularization: float = 3e-2,
        init_std: float = 0.01,
    ) -> None:
        check_feature_dims("vbpr", feature_dims)
        super().__init__(num_users, num_items, feature_dims)
        check_positive_integer("embedding_dim", embedding_dim)
        check_positive_integer("content_dim", content_dim)
        check_positive_integer("num_neighbors", num_neighbors)
        check_not_negative("regularization", regularization)
        check_positive("init_std", init_std)
        self.embedding_dim = embedding_dim
        self.content_dim = content_dim
        self.fusion = fusion_name(fusion)
        self.num_neighbors = num_neighbors
        self.regularization = regularization
        self.init_std = init_std
        self.user_embedding = nn.Parameter(torch.empty(num_users, embedding_dim + content_dim))
        self.item_embedding = nn.Parameter(torch.empty(num_items, embedding_dim))
        self.item_bias = nn.Parameter(torch.empty(num_items, 1))
        # One product gives both E f and beta' f: the bias is the projection's last row.
        self.projection = ModalityProjection(feature_dims, content_dim + 1, bias=False)
        # Projections add up to that of the concatenated features, so "concat" is a sum.
        self.content_fusion: Fusion | None = None
        if fusion != "concat":
            self.content_fusion = create_fusion(fusion, dict.fromkeys(feature_dims, content_dim + 1), content_dim + 1)
        self.reset_parameters()

    def reset_parameters(self) -> None:
        """Draw the factors from a normal distribution; biases start at zero."""
        nn.init.normal_(self.user_embedding, std=self.init_std)
        nn.init.normal_(self.item_embedding, std=self.init_std)
        nn.init.zeros_(self.item_bias)
        self.projection.reset_parameters()
        if self.content_fusion is not None:
            self.content_fusion.reset_parameters()

    def forward(self, graph: BipartiteGraph, features: Features) -> Embeddings:
        """Factors and biases of all users and items as one vector each."""
        one = self.user_embedding.new_ones(self.num_users, 1)
        item = self._item_vectors(self.item_embedding, self.item_bias, self._content(features))
        return Embeddings(torch.cat([self.user_embedding, one], dim=1), item)

    def loss(self, graph: BipartiteGraph, features: Features, batch: Batch) -> dict[str, Tensor]:
        """BPR and the penalties; only the step's items are projected unless the fusion needs all."""
        items, place = torch.unique(torch.cat([batch.positives, batch.negatives]), return_inverse=True)
        content = self._content(features, items)
        vectors = self._item_vectors(self.item_embedding[items], self.item_bias[items], content)
        positive, negative = vectors.index_select(0, place).chunk(2)
        user = self.user_embedding.index_select(0, batch.users)
        factors = torch.cat([user, user.new_ones(user.shape[0], 1)], dim=1)
        return {
            "bpr": bpr_loss((factors * positive).sum(1), (factors * negative).sum(1)),
            "regularization": self.regularization * embedding_penalty(user, positive, negative),
        }

    def item_parts(self, graph: BipartiteGraph, features: Features) -> dict[str, Tensor] | None:
        """Own factors and bias, and what comes of each modality's content where the fusion has such parts."""
        projected = self.projection(features)
        parts: dict[str, Tensor] | None = projected
        if self.content_fusion is not None:
            parts = self.content_fusion.parts(projected, *self._coverage(features))
        if parts is None:
            return None
        no_factors, no_bias = torch.zeros_like(self.item_embedding), torch.zeros_like(self.item_bias)
        no_content = self.item_embedding.new_zeros(self.num_items, self.content_dim + 1)
        return {"interactions": self._item_vectors(self.item_embedding, self.item_bias, no_content)} | {
            name: self._item_vectors(no_factors, no_bias, part) for name, part in parts.items()
        }

    def _content(self, features: Features, items: Tensor | None = None) -> Tensor:
        """Content factors and biases of the given items, of all without ``items``. Shape: (B, content_dim + 1)."""
        if items is not None and self.content_fusion is not None and not self.content_fusion.row_wise:
            return self._content(features).index_select(0, items)
        projected: dict[str, Tensor] = self.projection(features, items)
        if self.content_fusion is None:
            first, *others = projected.values()
            return sum(others, start=first)
        fused: Tensor = self.content_fusion(projected, *self._coverage(features, items))
        return fused

    def _coverage(
        self, features: Features, items: Tensor | None = None
    ) -> tuple[dict[str, Tensor] | None, dict[str, ItemGraph] | None]:
        """Masks of the given items, none where nothing is missing, and the graphs of a fusion that convolves."""
        assert self.content_fusion is not None
        masks, graphs = None, None
        chosen = {name: modality_of(features, name) for name in self.content_fusion.in_dims}
        if not all(modality.complete for modality in chosen.values()):
            masks = {name: m.mask if items is None else m.mask[items] for name, m in chosen.items()}
        if self.content_fusion.needs_graphs:
            graphs = item_graphs(features, chosen, self.num_neighbors)
        return masks, graphs

    @staticmethod
    def _item_vectors(embedding: Tensor, bias: Tensor, content: Tensor) -> Tensor:
        """Own factors, content factors, and both biases in one column, to match the users' constant 1."""
        return torch.cat([embedding, content[:, :-1], bias + content[:, -1:]], dim=1)

    def extra_repr(self) -> str:
        """Sizes shown by ``repr``."""
        sizes = f"embedding_dim={self.embedding_dim}, content_dim={self.content_dim}, fusion={self.fusion!r}"
        return f"{super().extra_repr()}, {sizes}"
