"""MMGCN."""

from collections.abc import Mapping
from typing import Any, ClassVar, NamedTuple, get_args

import torch
from torch import Tensor, nn

from gnnrec.data.item_features import ItemFeatures
from gnnrec.errors import ArgumentError
from gnnrec.models._arguments import check_feature_dims, check_layers, check_not_negative, check_positive_integer
from gnnrec.models.base import Batch, Embeddings, Features, Recommender
from gnnrec.models.ranges import Choice, FloatRange, IntegerRange, Range
from gnnrec.models.registry import register_model
from gnnrec.nn.content import item_graphs, modality_of
from gnnrec.nn.fusion import Fusion, create_fusion, fusion_name
from gnnrec.nn.losses import bpr_loss
from gnnrec.nn.mmgcn_layer import Combination
from gnnrec.nn.mmgcn_network import MMGCNNetwork
from gnnrec.nn.modality_projection import ModalityProjection
from gnnrec.nn.unit_rows import unit_rows
from graphs import BipartiteGraph, ItemGraph

__all__ = ["MMGCN"]


class _Propagated(NamedTuple):
    user: dict[str, Tensor]
    """The last layer by modality. Shape of each: (rows asked for, embedding_dim)."""
    item: dict[str, Tensor]
    preference_penalty: Tensor
    """Mean square of each modality's preferences, summed over the modalities. A scalar."""


@register_model("mmgcn")
class MMGCN(Recommender):
    r"""A graph network of its own for each modality, in which users have a learned preference as their content.

    From `MMGCN: Multi-modal Graph Convolution Network for Personalized Recommendation of Micro-video
    <https://doi.org/10.1145/3343031.3351034>`_ (Wei et al., 2019), equations 1 to 8. For modality m, users start from
    their preference :math:`p_m` and items from their content :math:`g_m(f_m)`, both at length 1; each layer
    (:class:`gnnrec.nn.mmgcn_layer.MMGCNLayer`) combines the mean of a node's neighbours with the node itself and with
    its id embedding, which all modalities share. A node's vector is the mean of its last layers over the modalities.
    The loss is

    .. math::
        -\frac{1}{B} \sum \ln \sigma(s^+ - s^-)
        + \lambda \Big( \operatorname{mean}(e_u^2 + e_i^2) + \sum_m \operatorname{mean}(p_m^2) \Big)

    over the ids of the step's pairs and all preferences.

    A step works out the last layer for its own users and items only, which gives the same loss and gradients.

    Args:
        num_users: Number of users.
        num_items: Number of items.
        feature_dims: Length of the features of each modality by name; at least one.
        embedding_dim: Length of the id embeddings and of the result.
        num_layers: Layers of each modality's network.
        hidden_dim: Content wider than this is projected to it, once a step; narrower content keeps its width, which is
            that of the preferences, too.
        combination: How a layer combines the neighbours with the node: ``"concat"`` or ``"element-wise"``.
        fusion: How the modalities' last layers become one vector, of users as of items.
        num_neighbors: Neighbours of each item in the graphs of a fusion that convolves.
        regularization: :math:`\lambda`.
        frozen_preference: Leave preferences and ids as drawn, as the authors' code does: they are buffers then.

    Raises:
        ArgumentError: If no modality is given or an argument is out of range.
        UnknownNameError: If the fusion does not exist.

    Shapes:
        - **forward:** user (num_users, embedding_dim), item (num_items, embedding_dim)

    Differs from the reference:
        The paper adds the modalities up; like the authors' code, this takes their mean. In that code preferences and
        ids never reach the optimiser (``frozen_preference`` brings that back), there are always three layers, only the
        visual modality is projected and has its preferences penalised, and ranking uses the vectors of the last
        training step; here preferences and ids are trained, as in the paper, any wide modality is projected, all
        preferences are penalised, and vectors are worked out anew for evaluation. Content is scaled to length 1 before
        its projection; an item without any gets the modality's mean direction. All weights are drawn by Xavier's rule,
        and biases start at zero.
    """

    needs_features = True
    scores_new_items = True
    search_space: ClassVar[Mapping[str, Range]] = {
        "num_layers": IntegerRange(1, 3),
        "combination": Choice(("concat", "element-wise")),
        "num_neighbors": IntegerRange(5, 30, step=5, when={"fusion": ("graph",)}),
        "regularization": FloatRange(1e-5, 1.0, log=True),
        "learning_rate": FloatRange(1e-4, 1e-2, log=True),
    }
    # The authors' runs on Tiktok and Kwai.
    paper_setting: ClassVar[Mapping[str, Any]] = {"regularization": 0.1, "learning_rate": 5e-4}
    user_embedding: Tensor
    item_embedding: Tensor

    def __init__(
        self,
        num_users: int,
        num_items: int,
        feature_dims: Mapping[str, int],
        *,
        embedding_dim: int = 64,
        num_layers: int = 3,
        hidden_dim: int = 256,
        combination: Combination = "concat",
        fusion: str | Fusion = "mean",
        num_neighbors: int = 10,
        regularization: float = 1e-4,
        frozen_preference: bool = False,
    ) -> None:
        check_feature_dims("mmgcn", feature_dims)
        super().__init__(num_users, num_items, feature_dims)
        check_positive_integer("embedding_dim", embedding_dim)
        check_layers("num_layers", num_layers)
        check_positive_integer("hidden_dim", hidden_dim)
        check_positive_integer("num_neighbors", num_neighbors)
        check_not_negative("regularization", regularization)
        if combination not in get_args(Combination):
            raise ArgumentError(
                f"'combination' must be one of {', '.join(get_args(Combination))} (got {combination!r})"
            )
        self.embedding_dim = embedding_dim
        self.num_layers = num_layers
        self.hidden_dim = hidden_dim
        self.combination = combination
        self.num_neighbors = num_neighbors
        self.regularization = regularization
        self.frozen_preference = frozen_preference
        self.widths = {name: min(dim, hidden_dim) for name, dim in feature_dims.items()}
        self._add_table("user_embedding", num_users, embedding_dim)
        self._add_table("item_embedding", num_items, embedding_dim)
        for index, width in enumerate(self.widths.values()):
            self._add_table(f"preference_{index}", num_users, width)
        wide = {name: dim for name, dim in feature_dims.items() if dim > hidden_dim}
        self.projection = ModalityProjection(wide, hidden_dim)
        self.networks = nn.ModuleList(
            MMGCNNetwork(width, embedding_dim, num_layers, combination) for width in self.widths.values()
        )
        self.fusion = fusion_name(fusion)
        self.content_fusion = create_fusion(fusion, dict.fromkeys(feature_dims, embedding_dim), embedding_dim)
        self.reset_parameters()

    def _add_table(self, name: str, rows: int, columns: int) -> None:
        table = torch.empty(rows, columns)
        if self.frozen_preference:
            self.register_buffer(name, table)
        else:
            self.register_parameter(name, nn.Parameter(table))

    @property
    def preferences(self) -> dict[str, Tensor]:
        """What users like of each modality. Shape of each: (num_users, width of the modality)."""
        return {name: getattr(self, f"preference_{index}") for index, name in enumerate(self.widths)}

    def reset_parameters(self) -> None:
        """Draw preferences, ids and weights anew (Xavier normal); biases start at zero."""
        for table in (self.user_embedding, self.item_embedding, *self.preferences.values()):
            nn.init.xavier_normal_(table)
        for module in (self.projection, *self.networks, self.content_fusion):
            assert isinstance(module, ModalityProjection | MMGCNNetwork | Fusion)
            module.reset_parameters()

    def forward(self, graph: BipartiteGraph, features: Features) -> Embeddings:
        """Fused last layers of all users and items."""
        user, item, _ = self._propagate(graph, features)
        return Embeddings(self.content_fusion(user), self.content_fusion(item, graphs=self._item_graphs(features)))

    def loss(self, graph: BipartiteGraph, features: Features, batch: Batch) -> dict[str, Tensor]:
        """BPR and the penalty on the step's ids and all preferences."""
        users, user_place = torch.unique(batch.users, return_inverse=True)
        taken_or_not = torch.cat([batch.positives, batch.negatives])
        items, item_place = torch.unique(taken_or_not, return_inverse=True)
        graphs = self._item_graphs(features)
        if graphs is not None:  # the fusion convolves over all items
            items, item_place = None, taken_or_not
        user_layers, item_layers, preference_penalty = self._propagate(graph, features, users, items)
        user = self.content_fusion(user_layers).index_select(0, user_place)
        positive, negative = self.content_fusion(item_layers, graphs=graphs).index_select(0, item_place).chunk(2)
        id_penalty = self.user_embedding.index_select(0, batch.users).square().mean()
        id_penalty = id_penalty + self.item_embedding.index_select(0, taken_or_not).square().mean()
        return {
            "bpr": bpr_loss((user * positive).sum(1), (user * negative).sum(1)),
            "regularization": self.regularization * (id_penalty + preference_penalty),
        }

    @torch.no_grad()
    def item_parts(self, graph: BipartiteGraph, features: Features) -> dict[str, Tensor] | None:
        """Each modality's term of the fusion; ``None`` where the fusion is no such sum.

        There is no term of interactions alone: ids enter each modality's network and cannot be told from its content.
        """
        return self.content_fusion.parts(self._propagate(graph, features).item, graphs=self._item_graphs(features))

    def _propagate(
        self, graph: BipartiteGraph, features: Features, users: Tensor | None = None, items: Tensor | None = None
    ) -> _Propagated:
        """The last layers of the given users and items, of all without."""
        means = graph.user_item_matrix("row"), graph.item_user_matrix("row")
        identities = self.user_embedding, self.item_embedding
        content = self.projection(features)
        result = _Propagated({}, {}, self.user_embedding.new_zeros(()))
        penalty = result.preference_penalty
        for (name, preference), network in zip(self.preferences.items(), self.networks, strict=True):
            user, length = unit_rows(preference)
            # The lengths are known by now, so the penalty costs no pass over the preferences.
            penalty = penalty + length.square().sum() / preference.numel()
            item = (
                unit_rows(content[name])[0]
                if name in content
                else _unit_features(modality_of(features, name, self.widths[name])).to(preference.dtype)
            )
            result.user[name], result.item[name] = network((user, item), identities, means, (users, items))
        return result._replace(preference_penalty=penalty)

    def _item_graphs(self, features: Features) -> dict[str, ItemGraph] | None:
        """Item graphs for a fusion that convolves; none for others."""
        if not self.content_fusion.needs_graphs:
            return None
        return item_graphs(features, self.widths, self.num_neighbors)

    def extra_repr(self) -> str:
        """Sizes shown by ``repr``."""
        sizes = f"embedding_dim={self.embedding_dim}, num_layers={self.num_layers}, combination={self.combination!r}"
        return f"{super().extra_repr()}, {sizes}, frozen_preference={self.frozen_preference}, fusion={self.fusion!r}"


def _unit_features(modality: ItemFeatures) -> Tensor:
    """Features at length 1, with the mean direction where there are none. Shape: (num_items, d)."""
    unit = modality.x / modality.norms.unsqueeze(1)
    if modality.complete:
        return unit
    stand_in = torch.nn.functional.normalize(modality.mean_direction, dim=0)
    return torch.where(modality.mask.unsqueeze(1), unit, stand_in)
