"""FREEDOM."""

from collections.abc import Iterable, Mapping
from typing import Any, ClassVar

import torch
from torch import Tensor, nn

from gnnrec.errors import ArgumentError, UnknownNameError
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
from gnnrec.nn.content import item_graphs
from gnnrec.nn.fusion import Fusion, create_fusion, fusion_name
from gnnrec.nn.losses import bpr_loss, embedding_penalty
from gnnrec.nn.modality_projection import ModalityProjection
from graphs import BipartiteGraph, ItemGraph, degree_pruning

__all__ = ["FREEDOM"]


@register_model("freedom")
class FREEDOM(Recommender):
    r"""A frozen item graph of content beside a user-item graph that is pruned anew each epoch.

    From `A Tale of Two Graphs: Freezing and Denoising Graph Structures for Multimodal Recommendation
    <https://arxiv.org/abs/2211.06924>`_ (Zhou and Shen, 2023), equations 3 to 12. Each modality has a graph of the k
    nearest items by cosine, every edge of equal weight; the item graph is their weighted sum and never changes:

    .. math::
        S = \sum_m \alpha_m S_m, \quad h = S^{L} E_{item}, \quad
        \hat{x}_{ui} = \bar{e}_u^\top (\bar{e}_i + h_i)

    where :math:`\bar{e}` is the layer mean of LightGCN, in training over a graph whose edges ``begin_epoch``
    samples with probability proportional to :math:`1 / \sqrt{d_u d_i}`; a loop that never calls it trains on all
    edges. The loss is BPR, and BPR between the user and each projected modality, weighted by ``content_weight``.

    Args:
        num_users: Number of users.
        num_items: Number of items.
        feature_dims: Length of the features of each modality by name; at least one.
        embedding_dim: Length of an embedding.
        num_layers: Layers on the user-item graph.
        num_item_layers: L, layers on the item graph.
        num_neighbors: k.
        modality_weights: :math:`\alpha_m` by name, scaled to sum 1; equal by default, and for the fusion
            ``"graph"`` only.
        drop_rate: Share of the user-item edges left out in an epoch, in [0, 1).
        content_weight: Weight of BPR on projected content.
        regularization: Weight of the L2 penalty on the step's layer-0 embeddings.
        fusion: ``"graph"`` is the paper's sum of graphs with fixed weights; any other fusion convolves the items over
            each modality's graph and combines the results.

    Raises:
        ArgumentError: If no modality is given or an argument is out of range.
        UnknownNameError: If ``modality_weights`` names no modality, or the fusion does not exist.

    Shapes:
        - **forward:** user (num_users, embedding_dim), item (num_items, embedding_dim)

    Differs from the reference:
        The paper weighs image .1 and text .9; here modalities are any, so the default is equal weights. The authors'
        code also trains the raw features, which changes no graph; here features stay as given. An item is no neighbour
        of its own. The L2 penalty is an addition; at 0 the loss is the paper's.
    """

    needs_features = True
    scores_new_items = True
    search_space: ClassVar[Mapping[str, Range]] = {
        "num_layers": IntegerRange(1, 4),
        "num_neighbors": IntegerRange(5, 30, step=5),
        # 0 leaves out a part of the method, which a logarithmic range could not.
        "drop_rate": Choice((0.0, 0.5, 0.8, 0.9)),
        "content_weight": Choice((0.0, 1e-5, 1e-4, 1e-3, 1e-2)),
        "regularization": Choice((0.0, 1e-4, 1e-3, 1e-2)),
        "learning_rate": FloatRange(3e-4, 1e-2, log=True),
    }
    prepared: tuple[BipartiteGraph, BipartiteGraph] | None
    """The graph that an epoch is for, and what is left of it."""
    paper_setting: ClassVar[Mapping[str, Any]] = {"learning_rate": 1e-3}  # the authors' framework, MMRec

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
        modality_weights: Mapping[str, float] | None = None,
        drop_rate: float = 0.8,
        content_weight: float = 1e-3,
        regularization: float = 0.0,
        fusion: str | Fusion = "graph",
    ) -> None:
        check_feature_dims("freedom", feature_dims)
        super().__init__(num_users, num_items, feature_dims)
        for name, value in (
            ("embedding_dim", embedding_dim),
            ("num_neighbors", num_neighbors),
        ):
            check_positive_integer(name, value)
        check_layers("num_layers", num_layers)
        check_layers("num_item_layers", num_item_layers)
        check_not_negative("content_weight", content_weight)
        check_not_negative("regularization", regularization)
        if modality_weights and fusion != "graph":
            raise ArgumentError("'modality_weights' belong to the fusion 'graph'; leave them out with another")
        check_share("drop_rate", drop_rate)
        self.embedding_dim = embedding_dim
        self.num_layers = num_layers
        self.num_item_layers = num_item_layers
        self.num_neighbors = num_neighbors
        self.modality_weights = dict(modality_weights) if modality_weights is not None else None
        self.shares = _shares(feature_dims, modality_weights or {})
        self.drop_rate = drop_rate
        self.content_weight = content_weight
        self.regularization = regularization
        # One table, users first: it is propagated as it is, without a copy a step.
        self.embedding = nn.Parameter(torch.empty(num_users + num_items, embedding_dim))
        # A bias would cancel between the two items of a triple.
        self.projection = ModalityProjection(feature_dims, embedding_dim, bias=False) if content_weight else None
        self.fusion = fusion_name(fusion)
        self.content_fusion: Fusion | None = None
        if fusion != "graph":
            self.content_fusion = create_fusion(fusion, dict.fromkeys(feature_dims, embedding_dim), embedding_dim)
        self.reset_parameters()

    def reset_parameters(self) -> None:
        """Draw the embeddings and projections (Xavier)."""
        for table in torch.split(self.embedding.data, [self.num_users, self.num_items]):
            nn.init.xavier_uniform_(table)
        for module in (self.projection, self.content_fusion):
            if module is not None:
                module.reset_parameters()
        self.prepared = None

    def begin_epoch(self, graph: BipartiteGraph, features: Features) -> None:
        """Sample this epoch's edges (equations 7 to 9)."""
        self.prepared = (graph, degree_pruning(graph, self.drop_rate)) if self.drop_rate else None

    def forward(self, graph: BipartiteGraph, features: Features) -> Embeddings:
        """Embeddings of all users and items, on the whole graph."""
        user, item = self._propagate(graph)
        return Embeddings(user, item + self._content(features))

    def loss(self, graph: BipartiteGraph, features: Features, batch: Batch) -> dict[str, Tensor]:
        """BPR on the epoch's graph, BPR on projected content, and the penalty (equations 12 and 13)."""
        user_table, item_table = self._propagate(self._graph_of_epoch(graph))
        user = user_table.index_select(0, batch.users)
        items = torch.cat([batch.positives, batch.negatives])
        vectors = item_table + self._content(features)
        positive, negative = vectors.index_select(0, items).chunk(2)
        terms = {"bpr": bpr_loss((user * positive).sum(1), (user * negative).sum(1))}
        if self.projection is not None:
            found, place = torch.unique(items, return_inverse=True)
            content = user.new_zeros(())
            for rows in self.projection(features, found).values():
                positive, negative = rows.index_select(0, place).chunk(2)
                content = content + bpr_loss((user * positive).sum(1), (user * negative).sum(1))
            terms["content"] = self.content_weight * content
        if self.regularization:
            nodes = torch.cat([batch.users, items + self.num_users])
            terms["regularization"] = self.regularization * embedding_penalty(
                *self.embedding.index_select(0, nodes).chunk(3)
            )
        return terms

    @torch.no_grad()
    def item_parts(self, graph: BipartiteGraph, features: Features) -> dict[str, Tensor] | None:
        """The user-item graph's share of an item's vector, and that of each modality's item graph."""
        parts = {"interactions": self._propagate(graph)[1]}
        if self.content_fusion is None:
            return parts | self._terms(features)
        content = self.content_fusion.parts(*self._views(features))
        return None if content is None else parts | content

    def _graph_of_epoch(self, graph: BipartiteGraph) -> BipartiteGraph:
        """The graph less what this epoch leaves out; as it is where ``begin_epoch`` saw another."""
        if self.training and self.prepared is not None and self.prepared[0] is graph:
            return self.prepared[1]
        return graph

    def _propagate(self, graph: BipartiteGraph) -> tuple[Tensor, Tensor]:
        final = graph.adjacency("symmetric").layer_mean(self.embedding, self.num_layers)
        return final[: self.num_users], final[self.num_users :]

    def _content(self, features: Features) -> Tensor:
        """What the item graphs add, h. Shape: (num_items, embedding_dim)."""
        if self.content_fusion is not None:
            fused: Tensor = self.content_fusion(*self._views(features))
            return fused
        return torch.stack(list(self._terms(features).values())).sum(0)

    def _terms(self, features: Features) -> dict[str, Tensor]:
        """The terms of the last product with the weighted sum of the graphs; the sum itself is never built."""
        x, graphs = self.embedding[self.num_users :], self._item_graphs(features)
        for layer in range(self.num_item_layers):
            terms = {name: weight * graphs[name].matmul(x) for name, weight in self.shares.items()}
            if layer + 1 < self.num_item_layers:
                x = torch.stack(list(terms.values())).sum(0)
        return terms

    def _views(self, features: Features) -> tuple[dict[str, Tensor], dict[str, Tensor], dict[str, ItemGraph]]:
        """Items convolved over each modality's graph, which items have neighbours there, and the graphs."""
        graphs = self._item_graphs(features)
        table = self.embedding[self.num_users :]
        views = {name: graph.convolve(table, self.num_item_layers) for name, graph in graphs.items()}
        return views, {name: graph.degree > 0 for name, graph in graphs.items()}, graphs

    def _item_graphs(self, features: Features) -> dict[str, ItemGraph]:
        return item_graphs(features, self.shares, self.num_neighbors, binary=True)

    def extra_repr(self) -> str:
        """Sizes shown by ``repr``."""
        sizes = f"embedding_dim={self.embedding_dim}, num_layers={self.num_layers}"
        return f"{super().extra_repr()}, {sizes}, shares={self.shares}"


def _shares(names: Iterable[str], weights: Mapping[str, float]) -> dict[str, float]:
    """Weights of all modalities, of sum 1; equal where none are given."""
    names = list(names)
    for name, weight in weights.items():
        if name not in names:
            raise UnknownNameError("modality", name, names)
        check_not_negative(f"modality_weights[{name}]", weight)
    if not weights:
        return dict.fromkeys(names, 1 / len(names))
    missing = [name for name in names if name not in weights]
    if missing:
        raise ArgumentError(f"'modality_weights' must name every modality (missing: {', '.join(missing)})")
    total = sum(weights.values())
    if not total:
        raise ArgumentError("'modality_weights' must leave at least one modality above 0")
    return {name: weights[name] / total for name in names}
