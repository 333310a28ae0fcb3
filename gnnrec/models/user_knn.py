"""User neighbourhoods by cosine."""

import torch
from torch import Tensor

from gnnrec.models._arguments import check_not_negative, check_positive_integer
from gnnrec.models._neighbours import SparseRows, add_product, history_rows, top_k_rows
from gnnrec.models.base import Features
from gnnrec.models.history_scorer import HistoryScorer, gather_histories
from gnnrec.models.registry import register_model
from gnnrec.models.scorer import HistoryRows
from graphs import BipartiteGraph

__all__ = ["UserKNN"]


@register_model("user-knn")
class UserKNN(HistoryScorer):
    r"""What the users with the most similar histories took.

    From `An Algorithmic Framework for Performing Collaborative Filtering
    <https://doi.org/10.1145/312624.312682>`_ (Herlocker et al., 1999), for binary data:

    .. math:: \hat{y}_{uj} = \sum_{v \in N_k(u)} s_{uv} R_{vj}, \qquad
        s_{uv} = \frac{|H_u \cap H_v|}{\sqrt{|H_u| \, |H_v|} + h}

    where :math:`H_u` is what a user took and :math:`N_k(u)` the k users with the largest :math:`s_{uv}`.
    Neighbours are found when a block of users is scored, in the training graph, which is all that the model
    knows: it has no state of its own. It defines no similarity of items.

    Args:
        k: Neighbours of a user.
        shrinkage: :math:`h`; pulls down similarities that rest on few items.

    Shapes:
        - **score:** (B,) -> (B, num_items)

    Raises:
        ArgumentError: If an argument is out of range.

    Differs from the reference:
        Cosine instead of Pearson correlation and a sum instead of a weighted mean, since there are no
        ratings.
    """

    def __init__(self, *, k: int = 100, shrinkage: float = 0.0) -> None:
        super().__init__()
        check_positive_integer("k", k)
        check_not_negative("shrinkage", shrinkage)
        self.k = k
        self.shrinkage = shrinkage

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
        """Similarity of each history to every user of the graph. Shape: (B, num_users)."""
        graph = self._attached_graph()
        lengths = histories[0].diff().clamp(min=1).to(torch.float32)
        degree = graph.user_degree.clamp(min=1).to(torch.float32)
        common = torch.zeros(lengths.numel(), graph.num_users, device=graph.device)
        add_product(
            common, history_rows(histories), SparseRows.from_csr(graph.user_item_matrix().transposed.csr)
        )
        return common.div_(torch.outer(lengths.sqrt(), degree.sqrt()).add_(self.shrinkage))

    def _score(self, similarity: Tensor) -> Tensor:
        graph = self._attached_graph()
        scores = torch.zeros(similarity.shape[0], graph.num_items, device=graph.device)
        return add_product(
            scores, top_k_rows([similarity], self.k), SparseRows.from_csr(graph.user_item_matrix().csr)
        )

    def extra_repr(self) -> str:
        """Hyper-parameters shown by ``repr``."""
        return f"k={self.k}, shrinkage={self.shrinkage}"
