"""User neighbourhoods by cosine."""

from collections.abc import Mapping
from typing import ClassVar

import torch
from torch import Tensor

from gnnrec.models._arguments import check_not_negative, check_positive, check_positive_integer
from gnnrec.models._neighbours import SparseRows, add_product, top_k_rows
from gnnrec.models.base import Features
from gnnrec.models.history_scorer import HistoryScorer, gather_histories
from gnnrec.models.ranges import FloatRange, IntegerRange, Range
from gnnrec.models.registry import register_model
from gnnrec.models.scorer import HistoryRows
from graphs import BipartiteGraph

__all__ = ["UserKNN"]


@register_model("user-knn")
class UserKNN(HistoryScorer):
    r"""What the users with the most similar histories took.

    From `Empirical Analysis of Predictive Algorithms for Collaborative Filtering
    <https://arxiv.org/abs/1301.7363>`_ (Breese et al., 1998), vector similarity with inverse user frequency
    and case amplification:

    .. math:: \hat{y}_{uj} = \sum_{v \in N_k(u)} s_{uv}^{\rho} R_{vj}, \qquad
        s_{uv} = \frac{\sum_{i \in H_u \cap H_v} n_i^{-\gamma}}{\sqrt{|H_u| \, |H_v|}}

    where :math:`H_u` is what a user took, :math:`n_i` the number of users of an item and :math:`N_k(u)` the k
    users with the largest :math:`s_{uv}`. With :math:`\gamma = 0` the similarity is the cosine. Neighbours
    are found when a block of users is scored, in the training graph, which is all that the model knows: it
    has no state of its own. It defines no similarity of items.

    Args:
        k: Neighbours of a user.
        item_damping: :math:`\gamma`; how much less a popular item says about a shared taste.
        amplification: :math:`\rho`; above 1, the nearest of the neighbours count more.

    Shapes:
        - **score:** (B,) -> (B, num_items)

    Raises:
        ArgumentError: If an argument is out of range.

    Differs from the reference:
        A sum over the k nearest neighbours instead of a weighted mean over all users, since there are no
        ratings; a power of the item's frequency instead of its logarithm.
    """

    search_space: ClassVar[Mapping[str, Range]] = {
        "k": IntegerRange(20, 800, log=True),
        "item_damping": FloatRange(0.0, 1.0),
        "amplification": FloatRange(1.0, 4.0),
    }

    def __init__(self, *, k: int = 400, item_damping: float = 0.5, amplification: float = 2.0) -> None:
        super().__init__()
        check_positive_integer("k", k)
        check_not_negative("item_damping", item_damping)
        check_positive("amplification", amplification)
        self.k = k
        self.item_damping = item_damping
        self.amplification = amplification

    def _fit(self, graph: BipartiteGraph, features: Features) -> None:
        graph.user_item_matrix()  # cached by the graph: the first block of users takes no longer than others

    @torch.no_grad()
    def score(self, users: Tensor) -> Tensor:
        """Scores for users of the training graph, who are not their own neighbours.

        Shapes: (B,) -> (B, num_items), fresh.
        """
        histories = gather_histories(self._attached_graph(), users)
        similarity = self._similarity(histories)
        similarity[torch.arange(users.numel(), device=users.device), users] = 0
        return self._score(similarity)

    def score_histories(self, histories: HistoryRows) -> Tensor:
        """Scores for users who are not in the training graph. Shape: (B, num_items)."""
        return self._score(self._similarity(histories))

    def _similarity(self, histories: HistoryRows) -> Tensor:
        """Amplified similarity of each history to every user of the graph. Shape: (B, num_users)."""
        graph = self._attached_graph()
        pointer, items = histories
        weight = graph.item_degree.clamp(min=1).to(torch.float32) ** -self.item_damping
        by_item = SparseRows.from_csr(graph.user_item_matrix().transposed.csr)
        similarity = torch.zeros(pointer.numel() - 1, graph.num_users, device=graph.device)
        add_product(similarity, SparseRows(pointer, items, weight[items]), by_item)
        norm = torch.outer(pointer.diff().clamp(min=1).rsqrt(), graph.user_degree.clamp(min=1).rsqrt())
        return similarity.mul_(norm).pow_(self.amplification)

    def _score(self, similarity: Tensor) -> Tensor:
        graph = self._attached_graph()
        scores = torch.zeros(similarity.shape[0], graph.num_items, device=graph.device)
        return add_product(scores, top_k_rows([similarity], self.k), SparseRows.from_csr(graph.user_item_matrix().csr))

    def extra_repr(self) -> str:
        """Hyper-parameters shown by ``repr``."""
        return f"k={self.k}, item_damping={self.item_damping}, amplification={self.amplification}"
