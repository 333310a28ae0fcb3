"""BM3."""

from collections.abc import Mapping
from typing import Any, ClassVar

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from gnnrec.models._arguments import (
    check_feature_dims,
    check_layers,
    check_not_negative,
    check_positive_integer,
    check_share,
)
from gnnrec.models.base import Batch, Embeddings, Features, Recommender
from gnnrec.models.ranges import Choice, FloatRange, IntegerRange, Range
from gnnrec.models.registry import register_model
from gnnrec.nn.content import item_graphs, modality_of
from gnnrec.nn.fusion import Fusion, create_fusion, fusion_name
from gnnrec.nn.losses import embedding_penalty
from gnnrec.nn.modality_projection import ModalityProjection
from gnnrec.nn.unit_rows import unit_rows
from graphs import BipartiteGraph, ItemGraph

__all__ = ["BM3"]


@register_model("bm3")
class BM3(Recommender):
    r"""LightGCN that learns from taken pairs alone, each side predicting the other and content predicting items.

    From `Bootstrap Latent Representations for Multi-modal Recommendation <https://arxiv.org/abs/2207.05969>`_ (Zhou et
    al., 2023), equations 1 to 12. With :math:`h_u` the layer mean of LightGCN, :math:`h_i` the same plus the item's own
    embedding, :math:`h_m` the projected content, one predictor :math:`\tilde{h} = W h + b` for all of them, and targets
    :math:`\dot{h}`, copies with dropout that get no gradient, the loss of a pair is

    .. math::
        C(\tilde{h}_u, \dot{h}_i) + C(\tilde{h}_i, \dot{h}_u)
        + \omega \sum_m \big( C(\tilde{h}_m, \dot{h}_i) + C(\tilde{h}_m, \dot{h}_m) \big)
        + \frac{\lambda}{2} \big( \lVert h_u \rVert^2 + \lVert h_i \rVert^2 \big), \quad C(x, y) = 1 - \cos(x, y)

    There are no negatives: those of the batch are not read. The score is :math:`\tilde{h}_u^\top \tilde{h}_i`.

    Content enters no score. As targets get no gradient, it teaches no item embedding either: in the paper's loss it
    reaches scores through the shared predictor alone, and where tastes can be read from content this gains nothing.
    ``symmetric_alignment`` adds the missing direction, :math:`\omega \sum_m C(\tilde{h}_i, \dot{h}_m)`, by which items
    of similar content come to have similar embeddings.

    Args:
        num_users: Number of users.
        num_items: Number of items.
        feature_dims: Length of the features of each modality by name; at least one.
        embedding_dim: Length of an embedding.
        num_layers: Layers of LightGCN; 0 is matrix factorisation.
        dropout: Share of a target's values set to zero in training, in [0, 1).
        cl_weight: :math:`\omega`.
        regularization: :math:`\lambda`.
        fusion: ``None`` is the paper's: each modality teaches by itself. A name or a module makes one vector of the
            projected modalities, which takes their place in the loss.
        num_neighbors: Neighbours of each item in the graphs of a fusion that convolves.
        symmetric_alignment: Let items predict their content, too. The paper does not.

    Raises:
        ArgumentError: If no modality is given or an argument is out of range.
        UnknownNameError: If the fusion does not exist.

    Shapes:
        - **forward:** user (num_users, embedding_dim), item (num_items, embedding_dim)

    Differs from the reference:
        The authors' code also trains the raw features; here they stay as given, scaled to length 1, so only the step's
        items are projected. An item that lacks a modality is left out of that modality's means. The penalty falls on
        the step's vectors, squared as in the paper; that code takes the norm of the tables of all users and items.
        Biases start at zero.
    """

    needs_features = True
    search_space: ClassVar[Mapping[str, Range]] = {
        "num_layers": IntegerRange(1, 3),
        "dropout": FloatRange(0.1, 0.6),
        "cl_weight": FloatRange(0.1, 5.0, log=True),
        "regularization": FloatRange(1e-4, 0.3, log=True),
        "num_neighbors": IntegerRange(5, 30, step=5, when={"fusion": ("graph",)}),
        "symmetric_alignment": Choice((False, True)),
        "learning_rate": FloatRange(3e-4, 1e-2, log=True),
    }
    # The authors' best on Amazon Baby.
    paper_setting: ClassVar[Mapping[str, Any]] = {"dropout": 0.5, "regularization": 0.1, "learning_rate": 1e-3}

    def __init__(
        self,
        num_users: int,
        num_items: int,
        feature_dims: Mapping[str, int],
        *,
        embedding_dim: int = 64,
        num_layers: int = 1,
        dropout: float = 0.3,
        cl_weight: float = 2.0,
        regularization: float = 1e-3,
        fusion: str | Fusion | None = None,
        num_neighbors: int = 10,
        symmetric_alignment: bool = False,
    ) -> None:
        check_feature_dims("bm3", feature_dims)
        super().__init__(num_users, num_items, feature_dims)
        check_positive_integer("embedding_dim", embedding_dim)
        check_layers("num_layers", num_layers, least=0)
        check_share("dropout", dropout)
        check_not_negative("cl_weight", cl_weight)
        check_not_negative("regularization", regularization)
        check_positive_integer("num_neighbors", num_neighbors)
        self.embedding_dim = embedding_dim
        self.num_layers = num_layers
        self.dropout = dropout
        self.cl_weight = cl_weight
        self.regularization = regularization
        self.num_neighbors = num_neighbors
        self.symmetric_alignment = symmetric_alignment
        # One table, users first: it is propagated as it is, without a copy a step.
        self.embedding = nn.Parameter(torch.empty(num_users + num_items, embedding_dim))
        self.predictor = nn.Linear(embedding_dim, embedding_dim)
        self.projection = ModalityProjection(feature_dims, embedding_dim)
        self.fusion = None if fusion is None else fusion_name(fusion)
        self.content_fusion: Fusion | None = None
        if fusion is not None:
            self.content_fusion = create_fusion(fusion, dict.fromkeys(feature_dims, embedding_dim), embedding_dim)
        self.reset_parameters()

    def reset_parameters(self) -> None:
        """Draw embeddings (Xavier uniform) and weights (Xavier normal) anew; biases start at zero."""
        for table in torch.split(self.embedding.data, [self.num_users, self.num_items]):
            nn.init.xavier_uniform_(table)
        nn.init.xavier_normal_(self.predictor.weight)
        nn.init.zeros_(self.predictor.bias)
        self.projection.reset_parameters()
        if self.content_fusion is not None:
            self.content_fusion.reset_parameters()

    def forward(self, graph: BipartiteGraph, features: Features) -> Embeddings:
        """Predictions of all users and items; content does not enter."""
        final = graph.adjacency("symmetric").layer_mean(self.embedding, self.num_layers)
        item = final[self.num_users :] + self.embedding[self.num_users :]
        return Embeddings(self.predictor(final[: self.num_users]), self.predictor(item))

    def loss(self, graph: BipartiteGraph, features: Features, batch: Batch) -> dict[str, Tensor]:
        """Users and items predict each other, content predicts items and itself; only the step's items are projected.

        Returns:
            ``"bootstrap"``, ``"alignment"`` (content to items), ``"content"`` (content to itself), both weighted, and
            ``"regularization"``.
        """
        users, user_place = torch.unique(batch.users, return_inverse=True)
        items, item_place = torch.unique(batch.positives, return_inverse=True)
        final = graph.adjacency("symmetric").layer_mean(self.embedding, self.num_layers)
        nodes = items + self.num_users
        user = final.index_select(0, users)
        item = final.index_select(0, nodes) + self.embedding.index_select(0, nodes)
        predicted_user, predicted_item = (unit_rows(self.predictor(rows))[0] for rows in (user, item))
        user_target, item_target = self._target(user), self._target(item)
        bootstrap = 2.0 - _mean_cosine(predicted_user[user_place], item_target[item_place])
        bootstrap = bootstrap - _mean_cosine(predicted_item[item_place], user_target[user_place])
        alignment = content_to_itself = user.new_zeros(())
        for content, mask in self._content(features, items):
            predicted, content_target = unit_rows(self.predictor(content))[0], self._target(content)
            # Each row stands for one item, which counts as often as the batch has it.
            weight = user.new_zeros(items.numel()).index_add_(0, item_place, mask[item_place].to(user.dtype))
            weight = weight / weight.sum().clamp(min=1)
            alignment = alignment + weight @ (1.0 - (predicted * item_target).sum(1))
            if self.symmetric_alignment:
                alignment = alignment + weight @ (1.0 - (predicted_item * content_target).sum(1))
            content_to_itself = content_to_itself + weight @ (1.0 - (predicted * content_target).sum(1))
        penalty = embedding_penalty(user.index_select(0, user_place), item.index_select(0, item_place))
        return {
            "bootstrap": bootstrap,
            "alignment": self.cl_weight * alignment,
            "content": self.cl_weight * content_to_itself,
            "regularization": self.regularization * penalty,
        }

    def _target(self, vectors: Tensor) -> Tensor:
        """A copy to predict, at length 1: without gradient and, in training, with dropout."""
        return F.normalize(F.dropout(vectors.detach(), self.dropout, self.training))

    def _content(self, features: Features, items: Tensor) -> list[tuple[Tensor, Tensor]]:
        """Projected content of the given items, shape (n, embedding_dim), and which have it, shape (n,).

        One pair a modality, or one in all where modalities are fused.
        """
        masks = {name: modality_of(features, name).mask.index_select(0, items) for name in self.projection.feature_dims}
        if self.content_fusion is None:
            projected = self.projection(features, items)
            return [(projected[name], mask) for name, mask in masks.items()]
        has_any = torch.stack(list(masks.values())).any(0)
        complete = all(features[name].complete for name in masks)
        graphs: dict[str, ItemGraph] | None = None
        if self.content_fusion.needs_graphs:
            graphs = item_graphs(features, masks, self.num_neighbors)
        if graphs is None and (complete or self.content_fusion.row_wise):
            return [(self.content_fusion(self.projection(features, items), None if complete else masks), has_any)]
        every = None if complete else {name: features[name].mask for name in masks}
        fused: Tensor = self.content_fusion(self.projection(features), every, graphs)
        return [(fused.index_select(0, items), has_any)]

    def extra_repr(self) -> str:
        """Sizes shown by ``repr``."""
        sizes = f"embedding_dim={self.embedding_dim}, num_layers={self.num_layers}, fusion={self.fusion!r}"
        return f"{super().extra_repr()}, {sizes}, dropout={self.dropout}, cl_weight={self.cl_weight}"


def _mean_cosine(one: Tensor, other: Tensor) -> Tensor:
    """Mean product of rows of length 1. Shapes: (B, d) twice -> scalar."""
    return (one * other).sum(1).mean()
