"""Graph filtering without training."""

from collections.abc import Mapping
from typing import ClassVar

import torch
from torch import Tensor
from torch.nn import functional

from gnnrec.models._arguments import check_not_negative, check_positive_integer
from gnnrec.models._singular_vectors import right_singular_vectors
from gnnrec.models.base import Features
from gnnrec.models.item_based_scorer import ItemBasedScorer
from gnnrec.models.ranges import FloatRange, IntegerRange, Range
from gnnrec.models.registry import register_model
from gnnrec.models.scorer import HistoryRows
from graphs import BipartiteGraph

__all__ = ["GFCF"]


@register_model("gf-cf")
class GFCF(ItemBasedScorer):
    r"""A linear and an ideal low-pass filter on the item graph.

    From `How Powerful is Graph Convolution for Recommendation? <https://arxiv.org/abs/2108.07567>`_ (Shen et
    al., 2021): with the symmetrically normalised matrix :math:`N = D_U^{-1/2} R D_I^{-1/2}` and
    its leading right singular vectors :math:`V`, a user's row :math:`r` is filtered to

    .. math:: \hat{y} = r \left( N^\top N + \alpha \, D_I^{-1/2} V V^\top D_I^{1/2} \right).

    The singular vectors are the model's state; the linear part is read from the training graph.

    Args:
        alpha: Weight of the ideal low-pass filter.
        rank: Number of singular vectors, at most as many as there are singular values above zero.

    Shapes:
        - **score:** (B,) -> (B, num_items)

    Raises:
        ArgumentError: If an argument is out of range.

    Differs from the reference:
        Nothing.
    """

    search_space: ClassVar[Mapping[str, Range]] = {
        "alpha": FloatRange(0.05, 2.0, log=True),
        "rank": IntegerRange(16, 512, log=True),
    }
    singular_vectors: Tensor

    def __init__(self, *, alpha: float = 0.3, rank: int = 256) -> None:
        super().__init__()
        check_not_negative("alpha", alpha)
        check_positive_integer("rank", rank)
        self.alpha = alpha
        self.rank = rank
        self.register_buffer("singular_vectors", torch.empty(0, 0))

    def _fit(self, graph: BipartiteGraph, features: Features) -> None:
        self.singular_vectors = right_singular_vectors(graph, self.rank)

    def state_shapes(self, num_users: int, num_items: int) -> dict[str, tuple[int | None, ...]]:
        """Shapes of the buffers after fitting."""
        return {"singular_vectors": (num_items, None)}

    def score_histories(self, histories: HistoryRows) -> Tensor:
        """Filtered rows. Shape: (B, num_items)."""
        graph = self._attached_graph()
        pointer, items = histories
        num_rows = pointer.numel() - 1
        row = torch.repeat_interleave(torch.arange(num_rows, device=items.device), pointer.diff())
        degree = graph.item_degree.to(torch.float32)
        scale = degree.clamp(min=1).rsqrt()
        matrix = graph.user_item_matrix()
        # Items are rows here: a sparse matrix times a dense one is fast only with the block's users as
        # columns.
        taken = torch.zeros(graph.num_items, num_rows, device=items.device)
        taken.index_put_((items, row), scale[items], accumulate=True)
        users = torch.empty(graph.num_users, num_rows, device=items.device)
        matrix.matmul_into(taken, users).div_(graph.user_degree.clamp(min=1).unsqueeze(1))
        scores = matrix.transposed.matmul_into(users, taken).mul_(scale.unsqueeze(1))
        profile = functional.embedding_bag(
            items,
            self.singular_vectors,
            pointer,
            mode="sum",
            include_last_offset=True,
            per_sample_weights=scale[items],
        )
        scores.addmm_(self.singular_vectors * degree.sqrt().unsqueeze(1), profile.T, alpha=self.alpha)
        return scores.T.contiguous()

    def extra_repr(self) -> str:
        """Hyper-parameters shown by ``repr``."""
        return f"alpha={self.alpha}, rank={self.rank}"
