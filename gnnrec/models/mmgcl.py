"""MMGCL."""

import math
from collections.abc import Collection, Mapping
from typing import Any, ClassVar, NamedTuple

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
from gnnrec.nn.channels import Channels
from gnnrec.nn.contrastive import info_nce
from gnnrec.nn.fusion import Fusion, fusion_name
from gnnrec.nn.losses import bpr_loss, embedding_penalty
from gnnrec.nn.modality_lightgcn import ModalityLightGCN
from graphs import BipartiteGraph, edge_dropout, modality_masking

__all__ = ["MMGCL"]


class _View(NamedTuple):
    """What one view makes of a step. Shapes: (B, embedding_dim)."""

    user: Tensor
    item: Tensor
    challenging: Tensor | None
    """Challenging negatives, where there are any."""


@register_model("mmgcl")
class MMGCL(Recommender):
    r"""LightGCN of ids and of each modality with a contrast between two views and negatives that mix two items.

    From `Multi-modal Graph Contrastive Learning for Micro-video Recommendation
    <https://doi.org/10.1145/3477495.3532027>`_ (Yi et al., 2022). The vectors are those of
    :class:`gnnrec.nn.modality_lightgcn.ModalityLightGCN`. The first view (') propagates on a graph without a share of
    its edges; in the second ('') one modality, drawn at random, starts from noise (:func:`graphs.modality_masking`).
    A challenging negative :math:`\tilde i` has some channels of the item taken and the rest of the negative item: the
    last modality in the first view, all modalities in the second. With all vectors at length 1:

    .. math::
        \mathcal{L} = \mathcal{L}_{BPR} - \frac{\lambda}{B} \sum_b \ln
        \frac{e^{u'_b \cdot i''_b / \tau}}{\sum_n e^{u'_b \cdot i''_n / \tau} + \sum_n e^{u'_b \cdot \tilde i'_n / \tau}
        + \sum_n e^{u'_b \cdot \tilde i''_n / \tau}}
        - \frac{\lambda}{B} \sum_b \ln \frac{e^{i'_b \cdot u''_b / \tau}}{\sum_n e^{i'_b \cdot u''_n / \tau}}

    Args:
        num_users: Number of users.
        num_items: Number of items.
        feature_dims: Length of the features of each modality by name; at least one. Their order counts: the first
            view's challenging negatives have the last modality of another item.
        embedding_dim: Length of an embedding.
        num_layers: Layers of propagation.
        fusion: How the channels (``"interactions"``, which is the ids, and the modalities) are fused, by name or as a
            module; users get a fusion of their own.
        num_neighbors: Neighbours of each item in the item graphs of a fusion that convolves.
        ssl_weight: :math:`\lambda`.
        temperature: :math:`\tau`.
        edge_dropout: Share of the edges that the first view lacks, in [0, 1).
        mask_probabilities: Probability of each modality to be masked in the second view, summing to 1; equal by
            default.
        challenging_negatives: Whether there are :math:`\tilde i`.
        regularization: Weight of the L2 penalty on the step's layer-0 embeddings.

    Raises:
        ArgumentError: If no modality is given, an argument is out of range or the fusion does not fit; in training, if
            a fusion over graphs has no parts to mix.
        UnknownNameError: If the fusion does not exist.

    Shapes:
        - **forward:** user (num_users, embedding_dim), item (num_items, embedding_dim)

    Differs from the reference:
        The authors' code is not their paper: it computes one of the two contrasts twice and the other never, leaves
        the challenging negatives out of the loss, contrasts within a view, drops nodes instead of masking, and swaps
        modalities. Here two views, both anchors and the negatives count as the paper describes; the equation above is
        our reading, as the paper's is given only in words. Challenging negatives are items, so the user anchors
        alone meet them. Any modalities; the code's mask probabilities (.4, .4, .2) became equal ones. Adam's weight
        decay of 1e-4 became the penalty. An item without content has the modality's mean direction.
    """

    needs_features = True
    scores_new_items = True
    search_space: ClassVar[Mapping[str, Range]] = {
        "num_layers": IntegerRange(1, 4),
        "num_neighbors": IntegerRange(5, 30, step=5, when={"fusion": ("graph",)}),
        "ssl_weight": FloatRange(0.05, 1.0, log=True),
        "temperature": FloatRange(0.1, 1.0, log=True),
        "edge_dropout": FloatRange(0.0, 0.5),
        "challenging_negatives": Choice((False, True)),
        "regularization": FloatRange(1e-5, 0.3, log=True),
        "learning_rate": FloatRange(3e-4, 1e-2, log=True),
    }
    paper_setting: ClassVar[Mapping[str, Any]] = {"learning_rate": 1e-3}  # the authors' configuration for Tiktok

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
        ssl_weight: float = 0.4,
        temperature: float = 0.2,
        edge_dropout: float = 0.05,
        mask_probabilities: Mapping[str, float] | None = None,
        challenging_negatives: bool = True,
        regularization: float = 1e-4,
    ) -> None:
        check_feature_dims("mmgcl", feature_dims)
        super().__init__(num_users, num_items, feature_dims)
        for name, size in (("embedding_dim", embedding_dim), ("num_neighbors", num_neighbors)):
            check_positive_integer(name, size)
        check_layers("num_layers", num_layers, least=0)
        check_positive("temperature", temperature)
        check_not_negative("ssl_weight", ssl_weight)
        check_not_negative("regularization", regularization)
        check_share("edge_dropout", edge_dropout)
        self.embedding_dim = embedding_dim
        self.num_layers = num_layers
        self.fusion = fusion_name(fusion)
        self.num_neighbors = num_neighbors
        self.ssl_weight = ssl_weight
        self.temperature = temperature
        self.edge_dropout = edge_dropout
        self.mask_probabilities = _probabilities(feature_dims, mask_probabilities)
        self.challenging_negatives = challenging_negatives
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

    def reset_parameters(self) -> None:
        """Draw the tables and layers anew (Xavier)."""
        self.encoder.reset_parameters()

    def forward(self, graph: BipartiteGraph, features: Features) -> Embeddings:
        """Fused vectors of all users and items, of the graph as it is."""
        users, items = self.encoder.propagate(graph, self.encoder.inputs(features))
        return Embeddings(self.encoder.fuse_users(users), self.encoder.fuse_items(items, features))

    def loss(self, graph: BipartiteGraph, features: Features, batch: Batch) -> dict[str, Tensor]:
        """BPR, the contrast of the two views and the penalty."""
        inputs = self.encoder.inputs(features)
        users, items = self._step(self.encoder.propagate(graph, inputs), batch)
        user = self.encoder.fuse_users(users)
        positive, negative = self._chosen(self.encoder.fuse_items(items, features), batch)
        terms = {"bpr": bpr_loss((user * positive).sum(1), (user * negative).sum(1))}
        if self.ssl_weight:
            sparser = self.encoder.propagate(self._sparser_graph(graph), inputs)
            modalities = list(self.mask_probabilities)
            first = self._view(*self._step(sparser, batch), modalities[-1:], features, batch)
            second = self._view(*self._masked(graph, inputs, users, items, batch), modalities, features, batch)
            challenging = [view.challenging for view in (first, second) if view.challenging is not None]
            negatives = torch.cat(challenging) if challenging else None
            of_users = info_nce(first.user, second.item, self.temperature, extra_negatives=negatives)
            of_items = info_nce(first.item, second.user, self.temperature)
            terms["ssl"] = self.ssl_weight * (of_users + of_items)
        if self.regularization:
            taken = self.encoder.item_embedding.index_select(0, torch.cat([batch.positives, batch.negatives]))
            terms["regularization"] = self.regularization * embedding_penalty(
                self.encoder.user_embedding.index_select(0, batch.users), *taken.chunk(2)
            )
        return terms

    def item_parts(self, graph: BipartiteGraph, features: Features) -> dict[str, Tensor] | None:
        """What comes of the log and of each modality; ``None`` where the fusion is no sum of its channels.

        With a linear fusion (concat, mean, graph), what the shared user table brings to a modality's channel counts as
        interactions; with another, a modality's term is that of its whole channel.
        """
        return self.encoder.item_parts(graph, features)

    def _sparser_graph(self, graph: BipartiteGraph) -> BipartiteGraph:
        """The graph of the first view."""
        return edge_dropout(graph, self.edge_dropout)

    def _mask(self, inputs: Mapping[str, Tensor]) -> tuple[str, Tensor]:
        """The modality that the second view masks and what its items start with instead."""
        content = {name: inputs[name] for name in self.mask_probabilities}
        name, replaced = modality_masking(content, self.mask_probabilities)
        return name, replaced[name]

    def _masked(
        self, graph: BipartiteGraph, inputs: Mapping[str, Tensor], users: Channels, items: Channels, batch: Batch
    ) -> tuple[Channels, Channels]:
        """The second view: only the masked channel is propagated anew."""
        name, noise = self._mask(inputs)
        of_users, of_items = self.encoder.propagate_content(graph, noise)
        held = self.encoder.rows_to_fuse(torch.cat([batch.positives, batch.negatives]))
        return (
            users.replaced(name, of_users.index_select(0, batch.users)),
            items.replaced(name, of_items if held is None else of_items.index_select(0, held)),
        )

    def _view(
        self, users: Channels, items: Channels, swapped: Collection[str], features: Features, batch: Batch
    ) -> _View:
        """The batch's users, its positives, and challenging negatives with the channels ``swapped`` of negatives."""
        user = self.encoder.fuse_users(users)
        positive, _ = self._chosen(self.encoder.fuse_items(items, features), batch)
        return _View(
            user, positive, self._mixed(items, swapped, features, batch) if self.challenging_negatives else None
        )

    def _mixed(self, items: Channels, swapped: Collection[str], features: Features, batch: Batch) -> Tensor:
        if self.encoder.rows_to_fuse(batch.positives) is not None:
            rows = self._mix(items.vectors(), swapped, batch)
            mixed: Tensor = self.encoder.item_fusion(rows)
            return mixed
        # A fusion over item graphs can only be given true items, so the terms of its sum are mixed.
        terms = self.encoder.item_terms(items, features)
        if terms is None:
            raise ArgumentError("a 'fusion' over item graphs must have parts, of which challenging negatives are mixed")
        return torch.stack(list(self._mix(terms, swapped, batch).values())).sum(0)

    def _mix(self, vectors: Mapping[str, Tensor], swapped: Collection[str], batch: Batch) -> dict[str, Tensor]:
        """The negatives' rows of the channels ``swapped`` and the positives' of the others."""
        mixed = {}
        for name, rows in vectors.items():
            positive, negative = self._chosen(rows, batch)
            mixed[name] = negative if name in swapped else positive
        return mixed

    def _step(self, channels: tuple[Channels, Channels], batch: Batch) -> tuple[Channels, Channels]:
        """The rows of the batch's users, positives and negatives, of all items where the fusion needs them."""
        users, items = channels
        wanted = torch.cat([batch.positives, batch.negatives])
        return users.rows(batch.users), items.rows(self.encoder.rows_to_fuse(wanted))

    def _chosen(self, items: Tensor, batch: Batch) -> tuple[Tensor, Tensor]:
        """The positives' and the negatives' rows of what :meth:`_step` took."""
        if self.encoder.rows_to_fuse(batch.positives) is None:
            return items.index_select(0, batch.positives), items.index_select(0, batch.negatives)
        positive, negative = items.chunk(2)
        return positive, negative

    def extra_repr(self) -> str:
        """Sizes shown by ``repr``."""
        return f"{super().extra_repr()}, embedding_dim={self.embedding_dim}, ssl_weight={self.ssl_weight}"


def _probabilities(feature_dims: Mapping[str, int], given: Mapping[str, float] | None) -> dict[str, float]:
    """The probability of each modality in the order of ``feature_dims``."""
    if given is None:
        return dict.fromkeys(feature_dims, 1 / len(feature_dims))
    if set(given) != set(feature_dims):
        wanted, found = (", ".join(sorted(names)) or "none" for names in (feature_dims, given))
        raise ArgumentError(f"'mask_probabilities' must name the modalities {wanted} (got {found})")
    for name, value in given.items():
        check_not_negative(f"mask_probabilities[{name}]", value)
    if not math.isclose(sum(given.values()), 1.0, abs_tol=1e-6):
        raise ArgumentError(f"'mask_probabilities' must sum to 1 (got {sum(given.values())})")
    return {name: float(given[name]) for name in feature_dims}
