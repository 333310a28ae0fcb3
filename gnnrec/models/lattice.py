"""LATTICE."""

from collections.abc import Mapping
from typing import Any, ClassVar, NamedTuple

import torch
from torch import Tensor, nn

from gnnrec.data.item_features import ItemFeatures
from gnnrec.models._arguments import (
    check_feature_dims,
    check_layers,
    check_not_negative,
    check_positive_integer,
    check_share,
)
from gnnrec.models.base import Batch, Embeddings, Features, Recommender
from gnnrec.models.ranges import AllBut, Choice, FloatRange, IntegerRange, Range
from gnnrec.models.registry import register_model
from gnnrec.nn.content import item_graphs, modality_of
from gnnrec.nn.fusion import Fusion, create_fusion, fusion_name
from gnnrec.nn.losses import bpr_loss, embedding_penalty
from gnnrec.nn.modality_projection import ModalityProjection
from gnnrec.nn.unit_rows import unit_rows
from graphs import BipartiteGraph, ItemGraph, fuse_graphs, learned_graph

__all__ = ["LATTICE"]


class _Epoch(NamedTuple):
    """The item graphs that an epoch's first step built."""

    features: tuple[ItemFeatures, ...]
    graphs: dict[str, ItemGraph]


@register_model("lattice")
class LATTICE(Recommender):
    r"""Item graphs mined from content, partly learned, beside LightGCN.

    From `Mining Latent Structures for Multimedia Recommendation <https://arxiv.org/abs/2104.09036>`_ (Zhang et al.,
    2021), equations 1 to 14. Each modality has a graph of the k nearest items by cosine of its raw features, and
    another of its projected features, both normalised by :math:`D^{-1/2} S D^{-1/2}`:

    .. math::
        A = (1-\lambda) \, \tilde{A}\Big(\sum_m \alpha_m S'_m\Big) + \lambda \sum_m \alpha_m \tilde{A}(S_m), \quad
        \alpha = \mathrm{softmax}(w), \quad h = A^{L} E_{item}, \quad
        \hat{x}_{ui} = \bar{e}_u^\top \Big( \bar{e}_i + \frac{h_i}{\lVert h_i \rVert} \Big)

    where :math:`\bar{e}` is the layer mean of LightGCN. The loss is BPR with an L2 penalty on the final vectors.

    The learned graph is built by the first step of an epoch, and only this step's gradient reaches the projections and
    :math:`w`; later steps use it as it is, and Adam leaves parameters without a gradient alone. In a loop that never
    calls ``begin_epoch``, and after parameters were loaded until it is called again, every step builds the graph; so
    does every step where encoders learn as well, for their features are new each time.

    Args:
        num_users: Number of users.
        num_items: Number of items.
        feature_dims: Length of the features of each modality by name; at least one.
        embedding_dim: Length of an embedding.
        num_layers: Layers on the user-item graph.
        num_item_layers: L, layers on the item graph.
        num_neighbors: k.
        raw_weight: :math:`\lambda`, share of the graphs of raw features, in [0, 1].
        projection_dim: Length of the projected features.
        regularization: Weight of the penalty.
        fusion: ``"graph"`` is the paper's sum of graphs with learned weights; any other fusion convolves the items over
            each modality's graph, :math:`(1-\lambda)\tilde{A}(S'_m) + \lambda\tilde{A}(S_m)`, and combines the results.

    Raises:
        ArgumentError: If no modality is given or an argument is out of range.
        UnknownNameError: If the fusion does not exist.

    Shapes:
        - **forward:** user (num_users, embedding_dim), item (num_items, embedding_dim)

    Differs from the reference:
        All graphs are sparse, so that memory grows with the items and not with their square. An item is no
        neighbour of its own and negative cosines count as 0. The penalty's default is 1e-3, not 1e-5. Raw features
        are not trained, and are scaled to length 1 before the projection. The user-item graph is normalised
        symmetrically as in LightGCN; the authors' code uses row normalisation with self-loops. With one modality
        there are no weights to learn.
    """

    needs_features = True
    scores_new_items = True
    search_space: ClassVar[Mapping[str, Range]] = {
        "num_layers": IntegerRange(1, 4),
        "num_neighbors": IntegerRange(5, 30, step=5),
        "raw_weight": Choice((0.5, 0.7, 0.9, 1.0)),
        # With raw features alone there is nothing to project.
        "projection_dim": Choice((32, 64, 128), when={"raw_weight": AllBut((1.0,))}),
        "regularization": FloatRange(1e-5, 1e-1, log=True),
        "learning_rate": FloatRange(3e-4, 1e-2, log=True),
    }
    prepared: _Epoch | tuple[()] | None
    """``None`` before an epoch, nothing before its first step."""
    paper_setting: ClassVar[Mapping[str, Any]] = {"regularization": 1e-5, "learning_rate": 5e-4}  # the authors' code

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
        raw_weight: float = 0.9,
        projection_dim: int = 64,
        regularization: float = 1e-3,
        fusion: str | Fusion = "graph",
    ) -> None:
        check_feature_dims("lattice", feature_dims)
        super().__init__(num_users, num_items, feature_dims)
        for name, value in (
            ("embedding_dim", embedding_dim),
            ("num_neighbors", num_neighbors),
            ("projection_dim", projection_dim),
        ):
            check_positive_integer(name, value)
        check_layers("num_layers", num_layers)
        check_layers("num_item_layers", num_item_layers)
        check_share("raw_weight", raw_weight, of_all=True)
        check_not_negative("regularization", regularization)
        self.embedding_dim = embedding_dim
        self.num_layers = num_layers
        self.num_item_layers = num_item_layers
        self.num_neighbors = num_neighbors
        self.raw_weight = raw_weight
        self.projection_dim = projection_dim
        self.regularization = regularization
        self.names = tuple(feature_dims)
        # One table, users first: it is propagated as it is, without a copy a step.
        self.embedding = nn.Parameter(torch.empty(num_users + num_items, embedding_dim))
        self.projection = ModalityProjection(feature_dims, projection_dim) if raw_weight < 1 else None
        self.fusion = fusion_name(fusion)
        self.content_fusion: Fusion | None = None
        self.modality_logits: nn.Parameter | None = None
        if fusion != "graph":
            self.content_fusion = create_fusion(fusion, dict.fromkeys(feature_dims, embedding_dim), embedding_dim)
        elif len(feature_dims) > 1:
            self.modality_logits = nn.Parameter(torch.empty(len(feature_dims)))
        self.reset_parameters()

    def reset_parameters(self) -> None:
        """Draw the embeddings and layers (Xavier); all modalities weigh the same."""
        for table in torch.split(self.embedding.data, [self.num_users, self.num_items]):
            nn.init.xavier_uniform_(table)
        if self.modality_logits is not None:
            nn.init.zeros_(self.modality_logits)
        for module in (self.projection, self.content_fusion):
            if module is not None:
                module.reset_parameters()
        self.prepared = None

    def begin_epoch(self, graph: BipartiteGraph, features: Features) -> None:
        """Have the epoch's first step build the item graphs anew."""
        self.prepared = ()

    def forward(self, graph: BipartiteGraph, features: Features) -> Embeddings:
        """Embeddings of all users and items, with item graphs built from the present parameters."""
        return self._embed(graph, self._merged(self._item_graphs(features)))

    def loss(self, graph: BipartiteGraph, features: Features, batch: Batch) -> dict[str, Tensor]:
        """BPR and the penalty on the final vectors."""
        user_table, item_table = self._embed(graph, self._graphs_of_epoch(features))
        user = user_table.index_select(0, batch.users)
        positive, negative = item_table.index_select(0, torch.cat([batch.positives, batch.negatives])).chunk(2)
        return {
            "bpr": bpr_loss((user * positive).sum(1), (user * negative).sum(1)),
            "regularization": self.regularization * embedding_penalty(user, positive, negative),
        }

    def _graphs_of_epoch(self, features: Features) -> dict[str, ItemGraph]:
        """Item graphs with gradient; after an epoch's first step the same ones without."""
        present = tuple(modality_of(features, name) for name in self.names)
        epoch = self.prepared if self.training else None
        if epoch and all(one is other for one, other in zip(epoch.features, present, strict=True)):
            return epoch.graphs
        graphs = self._merged(self._item_graphs(features))
        if epoch is not None and torch.is_grad_enabled():
            self.prepared = _Epoch(present, {name: item_graph.detach() for name, item_graph in graphs.items()})
        return graphs

    @torch.no_grad()
    def item_parts(self, graph: BipartiteGraph, features: Features) -> dict[str, Tensor] | None:
        """LightGCN's share of an item's vector, and that of each modality's graph."""
        graphs = self._item_graphs(features)
        if self.content_fusion is None:
            table = self._merged(graphs)[""].convolve(self._item_table, self.num_item_layers - 1)
            terms: dict[str, Tensor] | None = {name: item_graph.matmul(table) for name, item_graph in graphs.items()}
        else:
            terms = self.content_fusion.parts(*self._views(graphs))
        if terms is None:
            return None
        length = torch.stack(list(terms.values())).sum(0).norm(dim=1, keepdim=True).clamp(min=1e-12)
        final = graph.adjacency("symmetric").layer_mean(self.embedding, self.num_layers)
        return {"interactions": final[self.num_users :]} | {name: term / length for name, term in terms.items()}

    @property
    def _item_table(self) -> Tensor:
        return self.embedding[self.num_users :]

    def _embed(self, graph: BipartiteGraph, graphs: dict[str, ItemGraph]) -> Embeddings:
        final = graph.adjacency("symmetric").layer_mean(self.embedding, self.num_layers)
        if self.content_fusion is None:
            content = graphs[""].convolve(self._item_table, self.num_item_layers)
        else:
            content = self.content_fusion(*self._views(graphs))
        return Embeddings(final[: self.num_users], final[self.num_users :] + unit_rows(content)[0])

    def _views(self, graphs: dict[str, ItemGraph]) -> tuple[dict[str, Tensor], dict[str, Tensor], dict[str, ItemGraph]]:
        """Items convolved over each modality's graph, which items have neighbours there, and the graphs."""
        views = {
            name: item_graph.convolve(self._item_table, self.num_item_layers) for name, item_graph in graphs.items()
        }
        return views, {name: item_graph.degree > 0 for name, item_graph in graphs.items()}, graphs

    def _merged(self, graphs: dict[str, ItemGraph]) -> dict[str, ItemGraph]:
        """What training convolves over: one graph, the sum, unless a fusion takes each modality's."""
        if self.content_fusion is not None:
            return graphs
        weights = next(iter(graphs.values())).weight.new_ones(len(graphs))
        return {"": fuse_graphs(list(graphs.values()), weights)}

    def _item_graphs(self, features: Features) -> dict[str, ItemGraph]:
        """Each modality's term of the item graph (equations 2 to 8), with gradient to what is learned."""
        raw = item_graphs(features, self.names, self.num_neighbors)
        weights = dict(zip(raw, self._modality_weights(), strict=True))
        learned = self._learned_graphs(features, weights)
        result = {}
        for name, item_graph in raw.items():
            of_raw = self.raw_weight * weights[name]
            if name in learned:
                both = torch.stack([torch.ones_like(of_raw), of_raw])
                result[name] = fuse_graphs([learned[name], item_graph], both)
            else:
                result[name] = item_graph.with_weight(of_raw * item_graph.weight)
        return result

    def _modality_weights(self) -> Tensor:
        """Weights of the graphs, by softmax; 1 each where a fusion combines them. Shape: (modalities,), float32."""
        if self.modality_logits is None:
            return self.embedding.new_ones(len(self.names), dtype=torch.float32)
        return self.modality_logits.softmax(0).float()

    def _learned_graphs(self, features: Features, weights: dict[str, Tensor]) -> dict[str, ItemGraph]:
        """The learned term of each modality; weights are normalised by the row sums of all, or by their own."""
        if self.projection is None:
            return {}
        found = {}
        for name, x in self.projection(features).items():
            k = min(self.num_neighbors, max(self.num_items - 1, 1))
            item_graph = learned_graph(x, k, features[name].mask)
            found[name] = item_graph.with_weight(weights[name] * item_graph.weight.clamp(min=0))
        if self.content_fusion is not None:
            normalized = {name: graph.normalized("symmetric") for name, graph in found.items()}
            return {name: graph.with_weight((1 - self.raw_weight) * graph.weight) for name, graph in normalized.items()}
        total = torch.stack(
            [
                graph.weight.new_zeros(self.num_items).index_add(0, graph.edge_index[0], graph.weight)
                for graph in found.values()
            ]
        ).sum(0)
        share = torch.where(total > 0, torch.where(total > 0, total, 1.0).rsqrt(), 0.0)
        return {
            name: graph.with_weight(
                (1 - self.raw_weight) * graph.weight * share[graph.edge_index[0]] * share[graph.edge_index[1]]
            )
            for name, graph in found.items()
        }

    def extra_repr(self) -> str:
        """Sizes shown by ``repr``."""
        sizes = f"embedding_dim={self.embedding_dim}, num_layers={self.num_layers}"
        return f"{super().extra_repr()}, {sizes}, num_neighbors={self.num_neighbors}, raw_weight={self.raw_weight}"
