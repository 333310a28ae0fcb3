"""MGCN reduced to its embeddings."""

from collections.abc import Mapping
from typing import ClassVar

import torch
from torch import Tensor, nn

from gnnrec.models._arguments import (
    check_feature_dims,
    check_layers,
    check_not_negative,
    check_positive,
    check_positive_integer,
)
from gnnrec.models.base import Batch, Embeddings, Features, Recommender
from gnnrec.models.ranges import FloatRange, IntegerRange, Range
from gnnrec.models.registry import register_model
from gnnrec.nn.content import item_graphs
from gnnrec.nn.contrastive import info_nce
from gnnrec.nn.fusion import Fusion, create_fusion, fusion_name
from gnnrec.nn.losses import bpr_loss, embedding_penalty
from graphs import BipartiteGraph, ItemGraph

__all__ = ["LightMGCN"]


@register_model("light-mgcn")
class LightMGCN(Recommender):
    r"""What is left of MGCN without purifier, gates and projections: two views of the ids, one of them through content.

    gnnrec's own reduction of `Multi-View Graph Convolutional Network for Multimedia Recommendation
    <https://arxiv.org/abs/2308.03588>`_ (Yu et al., 2023), as LightGCN is one of NGCF; all it learns are the id
    embeddings. The behaviour view b is the layer mean of LightGCN. The side view spreads the items' embeddings over
    each modality's graph of nearest items, fuses them, and gives a user the normalised sum over the items taken:

    .. math::
        s_{item} = \mathrm{fuse}_m \big( \tilde{S}_m^{L} E_{item} \big), \quad
        s_{user} = D_u^{-1/2} R D_i^{-1/2} s_{item}, \quad e = b + s

    The loss is BPR, an InfoNCE between s and b for the step's users and items, and an L2 penalty on the final vectors.

    Args:
        num_users: Number of users.
        num_items: Number of items.
        feature_dims: Length of the features of each modality by name; at least one.
        embedding_dim: Length of an embedding.
        num_layers: Layers on the user-item graph.
        num_item_layers: L, layers on the item graphs.
        num_neighbors: Neighbours of each item in a modality's graph, each of the same weight.
        contrastive_weight: Weight of the InfoNCE.
        temperature: Its temperature.
        regularization: Weight of the penalty.
        fusion: What makes one side vector of the modalities' vectors.

    Raises:
        ArgumentError: If no modality is given or an argument is out of range.
        UnknownNameError: If the fusion does not exist.

    Shapes:
        - **forward:** user (num_users, embedding_dim), item (num_items, embedding_dim)

    Differs from the reference:
        MGCN gates the embeddings by projected content, weighs the modalities by attention and adds gated differences
        from their common part; here they are averaged as they are. :class:`gnnrec.models.MGCN` is the paper's model.
    """

    needs_features = True
    scores_new_items = True
    search_space: ClassVar[Mapping[str, Range]] = {
        "num_layers": IntegerRange(2, 5),
        "num_neighbors": IntegerRange(5, 30, step=5),
        "contrastive_weight": FloatRange(1e-4, 1e-1, log=True),
        "temperature": FloatRange(0.1, 1.0, log=True),
        "regularization": FloatRange(1e-5, 1e-1, log=True),
        "learning_rate": FloatRange(3e-4, 1e-2, log=True),
    }

    def __init__(
        self,
        num_users: int,
        num_items: int,
        feature_dims: Mapping[str, int],
        *,
        embedding_dim: int = 64,
        num_layers: int = 4,
        num_item_layers: int = 1,
        num_neighbors: int = 10,
        contrastive_weight: float = 0.01,
        temperature: float = 0.2,
        regularization: float = 1e-3,
        fusion: str | Fusion = "mean",
    ) -> None:
        check_feature_dims("light-mgcn", feature_dims)
        super().__init__(num_users, num_items, feature_dims)
        for name, value in (
            ("embedding_dim", embedding_dim),
            ("num_neighbors", num_neighbors),
        ):
            check_positive_integer(name, value)
        check_layers("num_layers", num_layers)
        check_layers("num_item_layers", num_item_layers)
        check_not_negative("contrastive_weight", contrastive_weight)
        check_not_negative("regularization", regularization)
        check_positive("temperature", temperature)
        self.embedding_dim = embedding_dim
        self.num_layers = num_layers
        self.num_item_layers = num_item_layers
        self.num_neighbors = num_neighbors
        self.contrastive_weight = contrastive_weight
        self.temperature = temperature
        self.regularization = regularization
        self.names = tuple(feature_dims)
        # One table, users first: it is propagated as it is, without a copy a step.
        self.embedding = nn.Parameter(torch.empty(num_users + num_items, embedding_dim))
        self.fusion = fusion_name(fusion)
        self.content_fusion = create_fusion(fusion, dict.fromkeys(feature_dims, embedding_dim), embedding_dim)
        self.reset_parameters()

    def reset_parameters(self) -> None:
        """Draw the embeddings (Xavier) and the fusion's parameters."""
        for table in torch.split(self.embedding.data, [self.num_users, self.num_items]):
            nn.init.xavier_uniform_(table)
        self.content_fusion.reset_parameters()

    def forward(self, graph: BipartiteGraph, features: Features) -> Embeddings:
        """Behaviour and side vectors of all users and items, added."""
        behaviour, side = self._behaviour(graph), self._side(graph, features)
        return Embeddings(behaviour.user + side.user, behaviour.item + side.item)

    def loss(self, graph: BipartiteGraph, features: Features, batch: Batch) -> dict[str, Tensor]:
        """BPR, InfoNCE between the views, and the penalty."""
        items = torch.cat([batch.positives, batch.negatives])
        user_behaviour, item_behaviour = self._rows(self._behaviour(graph), batch.users, items)
        user_side, item_side = self._rows(self._side(graph, features), batch.users, items)
        user = user_behaviour + user_side
        positive, negative = (item_behaviour + item_side).chunk(2)
        terms = {"bpr": bpr_loss((user * positive).sum(1), (user * negative).sum(1))}
        if self.contrastive_weight:
            count = batch.positives.numel()
            terms["contrastive"] = self.contrastive_weight * (
                info_nce(user_side, user_behaviour, self.temperature)
                + info_nce(item_side[:count], item_behaviour[:count], self.temperature)
            )
        if self.regularization:
            terms["regularization"] = self.regularization * embedding_penalty(user, positive, negative)
        return terms

    @torch.no_grad()
    def item_parts(self, graph: BipartiteGraph, features: Features) -> dict[str, Tensor] | None:
        """The behaviour vector, and each modality's term of the side vector."""
        terms = self.content_fusion.parts(*self._views(features))
        return None if terms is None else {"interactions": self._behaviour(graph).item, **terms}

    def _behaviour(self, graph: BipartiteGraph) -> Embeddings:
        final = graph.adjacency("symmetric").layer_mean(self.embedding, self.num_layers)
        return Embeddings(final[: self.num_users], final[self.num_users :])

    def _side(self, graph: BipartiteGraph, features: Features) -> Embeddings:
        item = self.content_fusion(*self._views(features))
        return Embeddings(graph.user_item_matrix("symmetric").matmul(item), item)

    def _views(self, features: Features) -> tuple[dict[str, Tensor], dict[str, Tensor], dict[str, ItemGraph]]:
        """Items spread over each modality's graph, which items have neighbours there, and the graphs."""
        graphs = item_graphs(features, self.names, self.num_neighbors, binary=True)
        table = self.embedding[self.num_users :]
        vectors = {name: item_graph.convolve(table, self.num_item_layers) for name, item_graph in graphs.items()}
        return vectors, {name: item_graph.degree > 0 for name, item_graph in graphs.items()}, graphs

    @staticmethod
    def _rows(embeddings: Embeddings, users: Tensor, items: Tensor) -> tuple[Tensor, Tensor]:
        return embeddings.user.index_select(0, users), embeddings.item.index_select(0, items)

    def extra_repr(self) -> str:
        """Sizes shown by ``repr``."""
        sizes = f"embedding_dim={self.embedding_dim}, num_layers={self.num_layers}"
        return f"{super().extra_repr()}, {sizes}, num_neighbors={self.num_neighbors}"
