"""LightGCN of ids and of each modality, fused after propagation."""

import copy
from collections.abc import Mapping

import torch
from torch import Tensor, nn

from gnnrec.data.item_features import ItemFeatures
from gnnrec.errors import ArgumentError
from gnnrec.nn.bipartite_propagation import one_sided_layer_mean
from gnnrec.nn.channels import Channels
from gnnrec.nn.content import item_graphs
from gnnrec.nn.fusion import ConcatFusion, Fusion, GraphFusion, MeanFusion, create_fusion
from gnnrec.nn.modality_projection import ModalityProjection
from graphs import BipartiteGraph, ItemGraph

__all__ = ["ModalityLightGCN"]

IDS = "interactions"
"""Name of the channel of ids."""


class ModalityLightGCN(nn.Module):
    r"""Propagates ids and each modality over the user-item graph with one user table, then fuses the results.

    With the user table U, item inputs :math:`X_{ids}` (a table) and :math:`X_m` (projected content), and LightGCN's
    mean of layers P:

    .. math::
        \begin{bmatrix} Z_{user,c} \\ Z_{item,c} \end{bmatrix} = P \begin{bmatrix} U \\ X_c \end{bmatrix}, \quad
        z_{user} = \operatorname{fuse}_{user}(Z_{user,ids}, Z_{user,1}, \dots), \quad
        z_{item} = \operatorname{fuse}_{item}(Z_{item,ids}, Z_{item,1}, \dots)

    The channels are called ``"interactions"`` (the ids) and after the modalities. U is propagated once for all
    channels, whose own inputs lie side by side in one matrix.

    Args:
        num_users: Number of users.
        num_items: Number of items.
        feature_dims: Length of the features of each modality by name.
        embedding_dim: Length d of the vectors.
        num_layers: Layers of propagation.
        fusion: Name of a fusion or a module for all channels; of a module, users get a copy.
        num_neighbors: Neighbours of an item in the item graphs of a fusion that convolves.

    Raises:
        ArgumentError: If a modality has the name of the ids or the module does not fit.
        UnknownNameError: If there is no such fusion.
    """

    def __init__(
        self,
        num_users: int,
        num_items: int,
        feature_dims: Mapping[str, int],
        *,
        embedding_dim: int,
        num_layers: int,
        fusion: str | Fusion,
        num_neighbors: int,
    ) -> None:
        super().__init__()
        if IDS in feature_dims:
            raise ArgumentError(f"'feature_dims' must not name a modality '{IDS}': the ids are called so")
        self.names = (IDS, *feature_dims)
        self.embedding_dim = embedding_dim
        self.num_layers = num_layers
        self.num_neighbors = num_neighbors
        self.user_embedding = nn.Parameter(torch.empty(num_users, embedding_dim))
        self.item_embedding = nn.Parameter(torch.empty(num_items, embedding_dim))
        self.projection = ModalityProjection(feature_dims, embedding_dim)
        self.item_fusion = create_fusion(fusion, dict.fromkeys(self.names, embedding_dim), embedding_dim)
        self.user_fusion = (
            copy.deepcopy(self.item_fusion)
            if isinstance(fusion, Fusion)
            else create_fusion(fusion, dict.fromkeys(self.names, embedding_dim), embedding_dim)
        )
        self.reset_parameters()

    def reset_parameters(self) -> None:
        """Draw the tables, the projections and the fusions anew (tables: Xavier uniform)."""
        nn.init.xavier_uniform_(self.user_embedding)
        nn.init.xavier_uniform_(self.item_embedding)
        for module in (self.projection, self.item_fusion, self.user_fusion):
            module.reset_parameters()

    def inputs(self, features: Mapping[str, ItemFeatures]) -> dict[str, Tensor]:
        """What each channel's items start with. Shape of each: (num_items, d)."""
        return {IDS: self.item_embedding, **self.projection(features)}

    def propagate(
        self, graph: BipartiteGraph, inputs: Mapping[str, Tensor], *, dropout: float = 0.0
    ) -> tuple[Channels, Channels]:
        """Channels of all users and of all items.

        Args:
            graph: The user-item graph.
            inputs: What :meth:`inputs` gave.
            dropout: Probability that an entry of a layer above 0 is zeroed, drawn for each channel on its own.
        """
        operator = graph.user_item_matrix("symmetric")
        # Draws differ between channels, so that the shared vectors do too.
        table = self.user_embedding.repeat(1, len(self.names)) if dropout else self.user_embedding
        from_users = one_sided_layer_mean(table, operator.transposed, self.num_layers, dropout=dropout)
        stacked = torch.cat([inputs[name] for name in self.names], dim=1)
        from_items = one_sided_layer_mean(stacked, operator, self.num_layers, dropout=dropout)
        return self._channels(from_users[0], from_items[1]), self._channels(from_users[1], from_items[0])

    def propagate_content(self, graph: BipartiteGraph, content: Tensor) -> tuple[Tensor, Tensor]:
        """What one channel's input alone gives users and items. Shapes: (num_items, d) -> (num_users, d), same."""
        items, users = one_sided_layer_mean(content, graph.user_item_matrix("symmetric"), self.num_layers)
        return users, items

    def rows_to_fuse(self, items: Tensor) -> Tensor | None:
        """Which items' channels have to be fused to get the vectors of ``items``; ``None`` is all."""
        return None if self.item_fusion.needs_graphs else items

    def fuse_users(self, users: Channels) -> Tensor:
        """Vectors of the users that the channels hold. Shape: (n, d)."""
        fused: Tensor = self.user_fusion(users.vectors())
        return fused

    def fuse_items(self, items: Channels, features: Mapping[str, ItemFeatures]) -> Tensor:
        """Vectors of the items that the channels hold: all where the fusion needs graphs. Shape: (n, d)."""
        fused: Tensor = self.item_fusion(items.vectors(), graphs=self._item_graphs(features))
        return fused

    def item_terms(self, items: Channels, features: Mapping[str, ItemFeatures]) -> dict[str, Tensor] | None:
        """The item vectors as a sum of one term a channel, if the fusion is such a sum. Shape of each: (n, d)."""
        return self.item_fusion.parts(items.vectors(), graphs=self._item_graphs(features))

    @torch.no_grad()
    def item_parts(self, graph: BipartiteGraph, features: Mapping[str, ItemFeatures]) -> dict[str, Tensor] | None:
        """The vectors of all items as a sum of what comes of the log and of each modality's content.

        With a linear fusion (concat, mean, graph), what the shared user table brings to a modality's channel counts as
        interactions. With another, a modality's term is that of its whole channel.

        Returns:
            Shape of each: (num_items, d); ``None`` where the fusion is no sum.
        """
        _, items = self.propagate(graph, self.inputs(features))
        terms = self.item_terms(items, features)
        if terms is None or not isinstance(self.item_fusion, (ConcatFusion, MeanFusion, GraphFusion)):
            return terms
        content = Channels(items.names, torch.zeros_like(items.shared), items.content)
        parts = self.item_terms(content, features)
        assert parts is not None, "a fusion either has parts or not"
        shared = [terms[name] - parts[name] for name in self.names]
        parts[IDS] = sum(shared, start=parts[IDS])
        return parts

    def _channels(self, shared: Tensor, content: Tensor) -> Channels:
        shape = (content.shape[0], -1, self.embedding_dim)
        return Channels(self.names, shared.view(shape), content.view(shape))

    def _item_graphs(self, features: Mapping[str, ItemFeatures]) -> dict[str, ItemGraph] | None:
        if not self.item_fusion.needs_graphs:
            return None
        # Ids have no content, hence no neighbours in it.
        empty = self.item_embedding.new_empty(0, dtype=torch.float32)
        graphs = {IDS: ItemGraph(empty.new_empty((2, 0), dtype=torch.int64), empty, self.item_embedding.shape[0])}
        return graphs | item_graphs(features, self.projection.feature_dims, self.num_neighbors)

    def extra_repr(self) -> str:
        """Sizes shown by ``repr``."""
        return f"channels={', '.join(self.names)}, num_layers={self.num_layers}"
