"""The most-taken items for everybody."""

import torch
from torch import Tensor

from gnnrec.models.base import Features
from gnnrec.models.history_scorer import HistoryScorer
from gnnrec.models.registry import register_model
from gnnrec.models.scorer import HistoryRows
from graphs import BipartiteGraph

__all__ = ["Popularity"]


@register_model("popularity")
class Popularity(HistoryScorer):
    """Scores an item by the number of users who took it.

    Shapes:
        - **score:** (B,) -> (B, num_items)
    """

    counts: Tensor

    def __init__(self) -> None:
        super().__init__()
        self.register_buffer("counts", torch.empty(0))

    def _fit(self, graph: BipartiteGraph, features: Features) -> None:
        self.counts = graph.item_degree.to(torch.float32)

    def state_shapes(self, num_users: int, num_items: int) -> dict[str, tuple[int | None, ...]]:
        """Shapes of the buffers after fitting."""
        return {"counts": (num_items,)}

    def score_histories(self, histories: HistoryRows) -> Tensor:
        """The same counts for every user. Shape: (B, num_items)."""
        return self.counts.repeat(histories[0].numel() - 1, 1)
