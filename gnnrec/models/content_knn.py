"""Recommendation from item content alone."""

from collections.abc import Mapping
from typing import ClassVar

import torch
from torch import Tensor
from torch.nn import functional

from gnnrec.data.item_features import ItemFeatures
from gnnrec.errors import ArgumentError, UnknownNameError
from gnnrec.models._arguments import check_not_negative
from gnnrec.models.base import Features
from gnnrec.models.item_based_scorer import ItemBasedScorer
from gnnrec.models.ranges import Choice, Range
from gnnrec.models.registry import register_model
from gnnrec.models.scorer import HistoryRows
from graphs import BipartiteGraph

__all__ = ["ContentKNN"]


@register_model("content-knn")
class ContentKNN(ItemBasedScorer):
    r"""Items whose content resembles that of what the user took.

    The nearest-neighbour content recommender of `Content-based Recommender Systems: State of the Art and
    Trends <https://doi.org/10.1007/978-0-387-85820-3_3>`_ (Lops et al., 2011), for several modalities:

    .. math:: \hat{y}_{uj} =
        \frac{\sum_{m \in M_u \cap M_j} w_m \, \bar{s}^m_{uj}}{\sum_{m \in M_u \cap M_j} w_m}, \qquad
        \bar{s}^m_{uj} = \frac{1}{|H^m_u|} \sum_{i \in H^m_u} \cos(x^m_i, x^m_j)

    where :math:`H^m_u` are the items taken that have modality :math:`m`, :math:`M_u` the modalities for which
    there are any and :math:`M_j` those of item j. Without a modality in common the score is zero. No
    interaction of the item is needed, so cold items are ranked like all others.

    Args:
        center: Whether each modality's mean vector is taken off before the cosine; features of one encoder
            tend to share a direction that says nothing.
        weights: Weight of each modality by its name, at least 0; those not named have 1.

    Shapes:
        - **score:** (B,) -> (B, num_items)

    Raises:
        ArgumentError: If a weight is negative, or, when fitting, if no item has features.
        UnknownNameError: When fitting, if a weight names no modality.

    Differs from the reference:
        All items taken are neighbours, so that scoring is one product with the user's mean vectors and no
        similarity of all pairs is ever formed.
    """

    needs_features: ClassVar[bool] = True
    search_space: ClassVar[Mapping[str, Range]] = {"center": Choice((False, True))}
    vectors: Tensor
    mask: Tensor
    dims: Tensor
    modality_weight: Tensor

    def __init__(self, *, center: bool = True, weights: Mapping[str, float] | None = None) -> None:
        super().__init__()
        self.center = center
        self.weights = dict(weights or {})
        for name, weight in self.weights.items():
            check_not_negative(f"weights[{name}]", weight)
        self.register_buffer("vectors", torch.empty(0, 0))  # (num_items, all dims), normalised per modality
        self.register_buffer("mask", torch.empty(0, 0))  # (num_items, modalities), float: it is multiplied with
        self.register_buffer("dims", torch.empty(0, dtype=torch.int64))
        self.register_buffer("modality_weight", torch.empty(0))

    def _fit(self, graph: BipartiteGraph, features: Features) -> None:
        if not any(bool(feature.mask.any()) for feature in features.values()):
            raise ArgumentError("content-knn recommends from item content, but no item has features")
        for name in self.weights:
            if name not in features:
                raise UnknownNameError("modality", name, features)
        weight = [self.weights.get(name, 1.0) for name in features]
        if not any(weight):
            raise ArgumentError("'weights' must leave at least one modality above 0")
        self.vectors = torch.cat([self._normalized(feature) for feature in features.values()], dim=1).to(graph.device)
        self.mask = torch.stack([feature.mask for feature in features.values()], dim=1).to(graph.device, torch.float32)
        self.dims = torch.tensor([feature.dim for feature in features.values()], device=graph.device)
        self.modality_weight = torch.tensor(weight, dtype=torch.float32, device=graph.device)

    def _normalized(self, feature: ItemFeatures) -> Tensor:
        """Rows of length 1; zero where the item lacks the modality. Shape: (num_items, d)."""
        mask = feature.mask.unsqueeze(1)
        x = feature.x.to(torch.float32).masked_fill(~mask, 0.0)
        if self.center:
            x = (x - x.sum(0) / mask.sum().clamp(min=1)).masked_fill_(~mask, 0.0)
        return functional.normalize(x, dim=1)

    def state_shapes(self, num_users: int, num_items: int) -> dict[str, tuple[int | None, ...]]:
        """Shapes of the buffers after fitting."""
        return {
            "vectors": (num_items, int(self.dims.clamp(min=1).sum())),
            "mask": (num_items, None),
            "dims": (self.mask.shape[1],),
            "modality_weight": (self.mask.shape[1],),
        }

    def score_histories(self, histories: HistoryRows) -> Tensor:
        """Mean similarity of each item to the items taken. Shape: (B, num_items)."""
        profile, weight = self._profiles(histories)
        shared = weight @ self.mask.T  # weights of the modalities that user and item both have
        return (profile @ self.vectors.T).div_(shared.masked_fill_(shared == 0, 1.0))

    @torch.no_grad()
    def score_parts(self, histories: HistoryRows, items: Tensor) -> list[Tensor]:
        """The equation's sum by modality. Shape of each: (B, K)."""
        profile, weight = self._profiles(histories)
        shared = torch.einsum("bm,bkm->bk", weight, self.mask[items])
        columns = zip(*(torch.split(rows, self.dims.tolist(), dim=1) for rows in (profile, self.vectors)), strict=True)
        return [
            torch.einsum("bd,bkd->bk", users, vectors[items]) / shared.masked_fill(shared == 0, 1.0)
            for users, vectors in columns
        ]

    def _profiles(self, histories: HistoryRows) -> tuple[Tensor, Tensor]:
        """Weighted mean vectors of the items taken, (B, all dims), and the users' weights, (B, modalities)."""
        pointer, items = histories
        total = functional.embedding_bag(items, self.vectors, pointer, mode="sum", include_last_offset=True)
        count = functional.embedding_bag(items, self.mask, pointer, mode="sum", include_last_offset=True)
        weight = (count > 0) * self.modality_weight
        share = weight / count.clamp(min=1)
        return total.mul_(share.repeat_interleave(self.dims, dim=1)), weight

    def extra_repr(self) -> str:
        """Hyper-parameters shown by ``repr``."""
        return f"center={self.center}, weights={self.weights}"
