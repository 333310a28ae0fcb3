"""Base of the models without training epochs."""

from abc import ABC, abstractmethod
from collections.abc import Mapping
from typing import Any, ClassVar

import torch
from torch import Tensor, nn
from typing_extensions import Self

from gnnrec.models.base import Features
from gnnrec.models.given import Given, as_graph
from gnnrec.models.ranges import Range
from gnnrec.models.scorer import HistoryRows
from graphs import BipartiteGraph

__all__ = ["HistoryScorer", "gather_histories"]


def gather_histories(graph: BipartiteGraph, users: Tensor) -> HistoryRows:
    """Training items of the given users in compressed form.

    Args:
        graph: The training graph.
        users: Positions. Shape: (B,), int64.

    Returns:
        Pointer (B + 1,) and items.
    """
    start = graph.user_pointer
    lengths = start[users + 1] - start[users]
    pointer = torch.zeros(users.numel() + 1, dtype=torch.int64, device=users.device)
    pointer[1:] = lengths.cumsum(0)
    offset = torch.repeat_interleave(start[users] - pointer[:-1], lengths)
    return pointer, graph.edge_index[1][torch.arange(offset.numel(), device=users.device) + offset]


class HistoryScorer(nn.Module, ABC):
    """A model that is computed once from the training graph and scores a user by the items taken.

    What a subclass learns in :meth:`_fit` it stores as buffers (registered empty in the constructor); they
    are what a run folder keeps. The graph itself is not part of the state: :meth:`attach` gives it back after
    loading.
    """

    needs_features: ClassVar[bool] = False
    """Whether the model cannot do without item features."""
    search_space: ClassVar[Mapping[str, Range]] = {}
    """What a search may try, by constructor argument."""
    paper_setting: ClassVar[Mapping[str, Any]] = {}
    """The paper's values where they differ from the defaults, by the same names; a search tries them first."""

    def __init__(self) -> None:
        super().__init__()
        self.graph: BipartiteGraph | None = None

    def fit(self, graph: BipartiteGraph, features: Features | None = None) -> Self:
        """Learn from the training graph and item features.

        Args:
            graph: The training graph; no plain ``edge_index``, which does not tell how many users and items there are.
            features: Item features by name, or tensors where every item has content. Shape: (num_items, d).

        Returns:
            The model itself.

        Raises:
            ArgumentError: If the graph is none, or the features are none or of another number of items.
        """
        self.attach(graph)
        given = Given(graph.num_users, graph.num_items).features(features)
        with torch.no_grad():
            self._fit(graph, given)
        return self

    def attach(self, graph: BipartiteGraph) -> Self:
        """Set the graph whose users :meth:`score` knows, on the buffers' device, without learning anew."""
        self.graph = as_graph(graph)
        return self

    @abstractmethod
    def _fit(self, graph: BipartiteGraph, features: Features) -> None:
        """Fill the buffers."""

    def state_shapes(self, num_users: int, num_items: int) -> dict[str, tuple[int | None, ...]]:
        """Shapes of the buffers after fitting on so many users and items, to check stored ones; None is any size."""
        return {}

    @abstractmethod
    def score_histories(self, histories: HistoryRows) -> Tensor:
        """Scores for users given by what they took, known or not. Shape: (B, num_items), fresh."""

    def score_parts(self, histories: HistoryRows, items: Tensor) -> list[Tensor] | None:
        """How the scores of some items split by modality, for explanations.

        Args:
            histories: What B users took, none of them nothing.
            items: Items of each user. Shape: (B, K), int64.

        Returns:
            A term for each modality in the order of the features at fitting; they add up to
            :meth:`score_histories`. Shape of each: (B, K). ``None`` here: the method knows no such split.
        """
        return None

    @torch.no_grad()
    def score(self, users: Tensor) -> Tensor:
        """Scores of all items for users of the training graph. Shapes: (B,) -> (B, num_items), fresh."""
        return self.score_histories(gather_histories(self._attached_graph(), users))

    def _attached_graph(self) -> BipartiteGraph:
        if self.graph is None:
            raise RuntimeError(f"{type(self).__name__} must be fitted before it can score; call fit(graph, features)")
        return self.graph

    def _load_from_state_dict(self, state_dict: Mapping[str, Any], prefix: str, *rest: Any) -> None:
        # Buffers have the size that fitting gives them, so the stored size is taken over before the strict
        # copy.
        for name, buffer in self._buffers.items():
            stored = state_dict.get(prefix + name)
            if buffer is not None and isinstance(stored, Tensor):
                self._buffers[name] = torch.empty_like(stored, device=buffer.device)
        super()._load_from_state_dict(state_dict, prefix, *rest)
