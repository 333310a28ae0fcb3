"""MGCN."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar

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
from gnnrec.nn.fusion import AttentionFusion, Fusion, MeanFusion, create_fusion, fusion_name
from gnnrec.nn.losses import bpr_loss, embedding_penalty
from gnnrec.nn.modality_projection import ModalityProjection
from graphs import BipartiteGraph, ItemGraph

__all__ = ["MGCN"]


@register_model("mgcn")
class MGCN(Recommender):
    r"""Content purified by ids, spread over item graphs, and fused by what users prefer.

    From `Multi-View Graph Convolutional Network for Multimedia Recommendation <https://arxiv.org/abs/2308.03588>`_
    (Yu, Tan, Lu and Bao, 2023), equations 1 to 18. Each modality is gated into the id space, convolved over its own
    graph of nearest items, and users get a normalised sum over their items, with
    :math:`\hat{R} = D_u^{-1/2} R D_i^{-1/2}`:

    .. math::
        \dot{h}_m = e_{item} \odot \sigma(W_2 (W_1 f_m + b_1) + b_2), \quad
        h_{m,item} = S_m^{L} \dot{h}_m, \quad h_{m,user} = \hat{R} h_{m,item}

    The fuser takes an attention-weighted common part c from the modalities and gates what is particular to each by the
    behaviour vector b, the layer mean of LightGCN:

    .. math::
        s = \frac{1}{M+1} \Big( c + \sum_m \sigma(W_{3,m} b + b_{3,m}) \odot (h_m - c) \Big), \quad e = b + s

    The loss is BPR, an InfoNCE between s and b for the step's users and items, and an L2 penalty on the final vectors.

    Args:
        num_users: Number of users.
        num_items: Number of items.
        feature_dims: Length of the features of each modality by name; at least one.
        embedding_dim: Length of an embedding.
        num_layers: Layers on the user-item graph.
        num_item_layers: L, layers on the item graphs.
        num_neighbors: Neighbours of each item in a modality's graph.
        contrastive_weight: Weight of the InfoNCE.
        temperature: Its temperature.
        regularization: Weight of the penalty.
        fusion: What takes the common part from the modalities; ``"attention"`` is the paper's.

    Raises:
        ArgumentError: If no modality is given or an argument is out of range.
        UnknownNameError: If the fusion does not exist.

    Shapes:
        - **forward:** user (num_users, embedding_dim), item (num_items, embedding_dim)

    Differs from the reference:
        Any number of modalities. Features are scaled to length 1 and not trained. An item is no neighbour of its
        own, and one without content in a modality has no part in it: the attention leaves it out, and M counts the
        modalities that an item has. A user has every modality, whatever the items taken lack.
    """

    needs_features = True
    scores_new_items = True
    search_space: ClassVar[Mapping[str, Range]] = {
        "num_layers": IntegerRange(1, 4),
        "num_neighbors": IntegerRange(5, 30, step=5),
        "contrastive_weight": FloatRange(1e-3, 1e-1, log=True),
        "temperature": FloatRange(0.1, 1.0, log=True),
        "regularization": FloatRange(1e-5, 1e-1, log=True),
        "learning_rate": FloatRange(3e-4, 1e-2, log=True),
    }
    paper_setting: ClassVar[Mapping[str, Any]] = {"learning_rate": 1e-3}  # the authors' code

    def __init__(
        self,
        num_users: int,
        num_items: int,
        feature_dims: Mapping[str, int],
        *,
        embedding_dim: int = 64,
        num_layers: int = 2,
        num_item_layers: int = 1,
        num_neighbors: int = 10,
        contrastive_weight: float = 0.01,
        temperature: float = 0.2,
        regularization: float = 1e-4,
        fusion: str | Fusion = "attention",
    ) -> None:
        check_feature_dims("mgcn", feature_dims)
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
        self.projection = ModalityProjection(feature_dims, embedding_dim)
        self.purifiers = nn.ModuleList(nn.Linear(embedding_dim, embedding_dim) for _ in feature_dims)
        self.fusion = fusion_name(fusion)
        self.content_fusion = create_fusion(fusion, dict.fromkeys(feature_dims, embedding_dim), embedding_dim)
        # The mean of one modality is that modality: nothing particular is left to gate.
        trivial = len(feature_dims) == 1 and isinstance(self.content_fusion, (AttentionFusion, MeanFusion))
        gated = () if trivial else feature_dims
        self.preferences = nn.ModuleList(nn.Linear(embedding_dim, embedding_dim) for _ in gated)
        self.reset_parameters()

    def reset_parameters(self) -> None:
        """Draw the embeddings and layers (Xavier)."""
        for table in torch.split(self.embedding.data, [self.num_users, self.num_items]):
            nn.init.xavier_uniform_(table)
        self.projection.reset_parameters()
        self.content_fusion.reset_parameters()
        for layer in (*self.purifiers, *self.preferences):
            assert isinstance(layer, nn.Linear)
            nn.init.xavier_uniform_(layer.weight)
            nn.init.zeros_(layer.bias)

    def forward(self, graph: BipartiteGraph, features: Features) -> Embeddings:
        """Behaviour and side vectors of all users and items, added."""
        views = self._views(graph, features)
        return Embeddings(*(view.behaviour + self._side(view) for view in views))

    def loss(self, graph: BipartiteGraph, features: Features, batch: Batch) -> dict[str, Tensor]:
        """BPR, InfoNCE between side and behaviour vectors, and the penalty (equations 15 to 18)."""
        users, items = self._views(graph, features)
        positives = slice(batch.positives.numel())
        user_behaviour = users.behaviour.index_select(0, batch.users)
        user_side = self._side(users, batch.users)
        taken = torch.cat([batch.positives, batch.negatives])
        item_behaviour = items.behaviour.index_select(0, taken)
        item_side = self._side(items, taken)
        user = user_behaviour + user_side
        positive, negative = (item_behaviour + item_side).chunk(2)
        terms = {"bpr": bpr_loss((user * positive).sum(1), (user * negative).sum(1))}
        if self.contrastive_weight:
            terms["contrastive"] = self.contrastive_weight * (
                info_nce(item_side[positives], item_behaviour[positives], self.temperature)
                + info_nce(user_side, user_behaviour, self.temperature)
            )
        if self.regularization:
            terms["regularization"] = self.regularization * embedding_penalty(user, positive, negative)
        return terms

    @torch.no_grad()
    def item_parts(self, graph: BipartiteGraph, features: Features) -> dict[str, Tensor] | None:
        """The behaviour vector, and each modality's terms of the side vector."""
        items = self._views(graph, features)[1]
        common = self.content_fusion.parts(items.modalities, items.masks, items.graphs)
        if common is None:
            return None
        # Gates multiply h_m - c: what c carries of a modality stays with that modality.
        gates = self._gates(items)
        terms = {name: common[name] * (1 - sum(gates.values())) for name in common}
        for name, gate in gates.items():
            terms[name] = terms[name] + gate * items.modalities[name]
        return {"interactions": items.behaviour} | {name: term / items.divisor() for name, term in terms.items()}

    def _views(self, graph: BipartiteGraph, features: Features) -> tuple["_Views", "_Views"]:
        """Behaviour and modality vectors of users and of items (equations 1 to 8)."""
        final = graph.adjacency("symmetric").layer_mean(self.embedding, self.num_layers)
        table = self.embedding[self.num_users :]
        graphs = item_graphs(features, self.names, self.num_neighbors)
        spread = {}
        for (name, rows), purifier in zip(self.projection(features).items(), self.purifiers, strict=True):
            purified = table * torch.sigmoid(purifier(rows))
            spread[name] = graphs[name].convolve(purified, self.num_item_layers)
        # One product gives the users' vectors of all modalities.
        stacked = graph.user_item_matrix("symmetric").matmul(torch.cat(list(spread.values()), dim=1))
        of_users = torch.split(stacked, self.embedding_dim, dim=1)
        everyone = torch.ones(self.num_users, dtype=torch.bool, device=graph.device)
        users = _Views(
            final[: self.num_users],
            dict(zip(spread, of_users, strict=True)),
            dict.fromkeys(spread, everyone),
        )
        masks = {name: item_graph.degree > 0 for name, item_graph in graphs.items()}
        return users, _Views(final[self.num_users :], spread, masks, graphs)

    def _side(self, views: "_Views", rows: Tensor | None = None) -> Tensor:
        """Side vectors of some rows, of all without ``rows`` (equations 9 to 14). Shape: (number of rows, d)."""
        chosen = views if rows is None else views.select(rows)
        if rows is None or self.content_fusion.row_wise:
            common: Tensor = self.content_fusion(chosen.modalities, chosen.masks, chosen.graphs)
        else:
            common = self.content_fusion(views.modalities, views.masks, views.graphs).index_select(0, rows)
        particular = [gate * (chosen.modalities[name] - common) for name, gate in self._gates(chosen).items()]
        return torch.stack([common, *particular]).sum(0) / chosen.divisor()

    def _gates(self, views: "_Views") -> dict[str, Tensor]:
        """How much users of this behaviour care for what is particular to each modality; 0 where it is missing."""
        return {
            name: torch.sigmoid(layer(views.behaviour)) * views.masks[name].unsqueeze(1)
            for name, layer in zip(self.names if len(self.preferences) else (), self.preferences, strict=True)
        }

    def extra_repr(self) -> str:
        """Sizes shown by ``repr``."""
        sizes = f"embedding_dim={self.embedding_dim}, num_layers={self.num_layers}"
        return f"{super().extra_repr()}, {sizes}, num_neighbors={self.num_neighbors}"


@dataclass(frozen=True)
class _Views:
    """What is known of users, or of items, before the fusion: a row each."""

    behaviour: Tensor
    modalities: dict[str, Tensor]
    masks: dict[str, Tensor]
    graphs: dict[str, ItemGraph] | None = None

    def select(self, rows: Tensor) -> "_Views":
        """Some rows; graphs are over all and stay behind."""
        return _Views(
            self.behaviour.index_select(0, rows),
            {name: vectors.index_select(0, rows) for name, vectors in self.modalities.items()},
            {name: mask[rows] for name, mask in self.masks.items()},
        )

    def divisor(self) -> Tensor:
        """Number of terms of each row's side vector. Shape: (number of rows, 1)."""
        return torch.stack(list(self.masks.values())).sum(0).unsqueeze(1) + 1.0
