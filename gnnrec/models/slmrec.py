"""SLMRec."""

from collections.abc import Mapping
from typing import Any, ClassVar, Literal, get_args

import torch
from torch import Tensor

from gnnrec.errors import ArgumentError
from gnnrec.models._arguments import (
    check_feature_dims,
    check_layers,
    check_not_negative,
    check_positive,
    check_positive_integer,
    check_share,
)
from gnnrec.models.base import Batch, Embeddings, Features, Recommender
from gnnrec.models.ranges import Choice, FloatRange, IntegerRange, Range
from gnnrec.models.registry import register_model
from gnnrec.nn.alignment_chain import AlignmentChain
from gnnrec.nn.channels import Channels
from gnnrec.nn.contrastive import info_nce
from gnnrec.nn.fusion import Fusion, fusion_name
from gnnrec.nn.losses import embedding_penalty
from gnnrec.nn.modality_lightgcn import ModalityLightGCN
from graphs import BipartiteGraph

__all__ = ["SLMRec", "SelfSupervision"]

SelfSupervision = Literal["fac", "fd", "fm", "fd+fm", "none"]


@register_model("slmrec")
class SLMRec(Recommender):
    r"""LightGCN of ids and of each modality, trained by contrast and by a self-supervised task over the modalities.

    From `Self-Supervised Learning for Multimedia Recommendation <https://doi.org/10.1109/TMM.2022.3187556>`_ (Tao et
    al., 2022). The vectors are those of :class:`gnnrec.nn.modality_lightgcn.ModalityLightGCN`; the loss is

    .. math::
        \mathcal{L} = \operatorname{InfoNCE}(z_u, z_i) + \lambda \mathcal{L}_{ssl}

    over the step's users and the items they took, each item being a negative of the other users. The tasks:

    - ``"fac"``, fine and coarse: :class:`gnnrec.nn.alignment_chain.AlignmentChain` over the step's items, from their
      ids through the modalities in the order of ``feature_dims``.
    - ``"fd"``, feature dropout: two propagations with dropout after every layer; a node's two vectors are each other's
      positives (InfoNCE among the step's users, and among its items).
    - ``"fm"``, feature masking: two different channels are drawn a step, and in each of two views the items of one of
      them start at zero; the same InfoNCE.
    - ``"fd+fm"``: views with both.
    - ``"none"``.

    Args:
        num_users: Number of users.
        num_items: Number of items.
        feature_dims: Length of the features of each modality by name; at least one. Their order counts: ``"fac"``
            aligns them in this order.
        embedding_dim: Length of an embedding.
        num_layers: Layers of propagation.
        fusion: How the channels (``"interactions"``, which is the ids, and the modalities) are fused, by name or as a
            module; users get a fusion of their own.
        num_neighbors: Neighbours of each item in the item graphs of a fusion that convolves.
        task: The self-supervised task.
        ssl_weight: :math:`\lambda`.
        temperature: Temperature of the main InfoNCE.
        ssl_temperature: Temperature of the task.
        dropout: Share dropped in ``"fd"``.
        mask_duplicates: Take rows of the same item (in InfoNCE among users: of the same user) out of each other's
            negatives. The paper leaves them in.
        regularization: Weight of the L2 penalty on the step's layer-0 embeddings.

    Raises:
        ArgumentError: If no modality is given, an argument is out of range or the fusion does not fit.
        UnknownNameError: If the fusion does not exist.

    Shapes:
        - **forward:** user (num_users, embedding_dim), item (num_items, embedding_dim)

    Differs from the reference:
        Any modalities. Adam's weight decay of 1e-4 became the penalty. The authors' code adds the layers above 0 of
        one masked view to layer 0 of the other; here each view keeps its own. Of ``"fac"``'s pairs of linear maps, the
        modality's has no bias, which would cancel. An item without content has the modality's mean direction.
        Embeddings are worked out anew for evaluation. Items are ranked by the dot product, as in the authors' code.
    """

    needs_features = True
    scores_new_items = True
    search_space: ClassVar[Mapping[str, Range]] = {
        "num_layers": IntegerRange(1, 4),
        "num_neighbors": IntegerRange(5, 30, step=5, when={"fusion": ("graph",)}),
        "task": Choice(("fac", "fd", "fm", "fd+fm", "none")),
        "ssl_weight": FloatRange(0.01, 1.0, log=True, when={"task": ("fac", "fd", "fm", "fd+fm")}),
        "temperature": FloatRange(0.1, 2.0, log=True),
        "ssl_temperature": FloatRange(0.1, 1.0, log=True, when={"task": ("fac", "fd", "fm", "fd+fm")}),
        "dropout": FloatRange(0.1, 0.5, when={"task": ("fd", "fd+fm")}),
        "mask_duplicates": Choice((False, True)),
        "regularization": FloatRange(1e-5, 1e-1, log=True),
        "learning_rate": FloatRange(3e-4, 3e-2, log=True),
    }
    paper_setting: ClassVar[Mapping[str, Any]] = {"learning_rate": 1e-2}  # the authors' configuration

    def __init__(
        self,
        num_users: int,
        num_items: int,
        feature_dims: Mapping[str, int],
        *,
        embedding_dim: int = 64,
        num_layers: int = 3,
        fusion: str | Fusion = "concat",
        num_neighbors: int = 10,
        task: SelfSupervision = "fac",
        ssl_weight: float = 0.1,
        temperature: float = 0.2,
        ssl_temperature: float = 0.2,
        dropout: float = 0.3,
        mask_duplicates: bool = False,
        regularization: float = 1e-4,
    ) -> None:
        check_feature_dims("slmrec", feature_dims)
        super().__init__(num_users, num_items, feature_dims)
        for name, size in (("embedding_dim", embedding_dim), ("num_neighbors", num_neighbors)):
            check_positive_integer(name, size)
        check_layers("num_layers", num_layers, least=0)
        for name, value in (("temperature", temperature), ("ssl_temperature", ssl_temperature)):
            check_positive(name, value)
        for name, value in (("ssl_weight", ssl_weight), ("regularization", regularization)):
            check_not_negative(name, value)
        if task not in get_args(SelfSupervision):
            raise ArgumentError(f"'task' must be one of {', '.join(get_args(SelfSupervision))} (got {task!r})")
        check_share("dropout", dropout)
        self.task: SelfSupervision = task if ssl_weight else "none"
        self.embedding_dim = embedding_dim
        self.num_layers = num_layers
        self.fusion = fusion_name(fusion)
        self.num_neighbors = num_neighbors
        self.ssl_weight = ssl_weight
        self.temperature = temperature
        self.ssl_temperature = ssl_temperature
        self.dropout = dropout
        self.mask_duplicates = mask_duplicates
        self.regularization = regularization
        self.encoder = ModalityLightGCN(
            num_users,
            num_items,
            feature_dims,
            embedding_dim=embedding_dim,
            num_layers=num_layers,
            fusion=fusion,
            num_neighbors=num_neighbors,
        )
        self.chain = AlignmentChain(self.encoder.names, embedding_dim, ssl_temperature) if self.task == "fac" else None

    def reset_parameters(self) -> None:
        """Draw the tables and layers anew (Xavier)."""
        self.encoder.reset_parameters()
        if self.chain is not None:
            self.chain.reset_parameters()

    def forward(self, graph: BipartiteGraph, features: Features) -> Embeddings:
        """Fused vectors of all users and items."""
        users, items = self.encoder.propagate(graph, self.encoder.inputs(features))
        return Embeddings(self.encoder.fuse_users(users), self.encoder.fuse_items(items, features))

    def loss(self, graph: BipartiteGraph, features: Features, batch: Batch) -> dict[str, Tensor]:
        """InfoNCE between users and items, the task and the penalty; the batch's negatives are not used."""
        inputs = self.encoder.inputs(features)
        users, items = self._step(self.encoder.propagate(graph, inputs), batch)
        user, item = self._fuse(users, items, features, batch)
        terms = {"info_nce": self._contrast(user, item, batch.positives, self.temperature)}
        if self.chain is not None:
            terms["ssl"] = self.ssl_weight * self.chain(
                {name: self._chosen(rows, batch) for name, rows in items.vectors().items()},
                batch.positives if self.mask_duplicates else None,
            )
        elif self.task != "none":
            first, second = (
                self._fuse(*view, features, batch) for view in self._views(graph, inputs, (users, items), batch)
            )
            of_users = self._contrast(first.user, second.user, batch.users, self.ssl_temperature)
            of_items = self._contrast(first.item, second.item, batch.positives, self.ssl_temperature)
            terms["ssl"] = self.ssl_weight * (of_users + of_items)
        if self.regularization:
            terms["regularization"] = self.regularization * embedding_penalty(
                self.encoder.user_embedding.index_select(0, batch.users),
                self.encoder.item_embedding.index_select(0, batch.positives),
            )
        return terms

    def item_parts(self, graph: BipartiteGraph, features: Features) -> dict[str, Tensor] | None:
        """What comes of the log and of each modality; ``None`` where the fusion is no sum of its channels.

        With a linear fusion (concat, mean, graph), what the shared user table brings to a modality's channel counts as
        interactions; with another, a modality's term is that of its whole channel.
        """
        return self.encoder.item_parts(graph, features)

    def _views(
        self,
        graph: BipartiteGraph,
        inputs: Mapping[str, Tensor],
        plain: tuple[Channels, Channels],
        batch: Batch,
    ) -> list[tuple[Channels, Channels]]:
        """The step's users and items in two views."""
        masked: tuple[str | None, ...] = self._draw_masked() if "fm" in self.task else (None, None)
        views = []
        for name in masked:
            users, items = plain
            if "fd" in self.task:
                dropout = self.dropout if self.training else 0.0
                users, items = self._step(self.encoder.propagate(graph, inputs, dropout=dropout), batch)
            if name is not None:
                # Propagation keeps what starts at zero at zero, so a channel can as well be masked after it.
                users, items = users.replaced(name, None), items.replaced(name, None)
            views.append((users, items))
        return views

    def _draw_masked(self) -> tuple[str, str]:
        """Two different channels."""
        first, second = torch.randperm(len(self.encoder.names))[:2].tolist()
        return self.encoder.names[first], self.encoder.names[second]

    def _step(self, channels: tuple[Channels, Channels], batch: Batch) -> tuple[Channels, Channels]:
        """The rows of the batch's users and items, of all items where the fusion needs them."""
        users, items = channels
        return users.rows(batch.users), items.rows(self.encoder.rows_to_fuse(batch.positives))

    def _fuse(self, users: Channels, items: Channels, features: Features, batch: Batch) -> Embeddings:
        """Vectors of the batch's users and items. Shapes: (B, embedding_dim)."""
        item = self.encoder.fuse_items(items, features)
        return Embeddings(self.encoder.fuse_users(users), self._chosen(item, batch))

    def _chosen(self, items: Tensor, batch: Batch) -> Tensor:
        """The batch's rows of what :meth:`_step` took."""
        return (
            items if self.encoder.rows_to_fuse(batch.positives) is not None else items.index_select(0, batch.positives)
        )

    def _contrast(self, anchor: Tensor, positive: Tensor, ids: Tensor, temperature: float) -> Tensor:
        return info_nce(anchor, positive, temperature, positive_ids=ids if self.mask_duplicates else None)

    def extra_repr(self) -> str:
        """Sizes shown by ``repr``."""
        return f"{super().extra_repr()}, embedding_dim={self.embedding_dim}, task={self.task}"
