"""Explanations of whole lists at once."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import torch
from torch import Tensor

from gnnrec.data.id_map import IdMap
from gnnrec.models import EmbeddingScorer, ItemBasedScorer, Recommender, model_class
from gnnrec.models.history_scorer import HistoryScorer, gather_histories
from gnnrec.serving.explanation import Explanation, HistoryItem
from gnnrec.serving.request import Request, RequestScorer

__all__ = ["Explainer"]

_CHUNK = 2**18
"""Pairs of a recommended item and a history item compared at a time: 64 MB of vectors with 64 columns."""


class Explainer:
    """Says what in a user's history and which modalities speak for recommended items.

    Args:
        scorer: The model's scores.
        description: The content of ``run.json``.
        items: External item ids.
        titles: Titles by item position.
    """

    def __init__(
        self,
        scorer: EmbeddingScorer | HistoryScorer,
        description: Mapping[str, Any],
        items: IdMap,
        titles: Sequence[str | None],
    ) -> None:
        self.scorer = scorer
        self.model = str(description["model"]["name"])
        # In the order in which the model saw them: those of files, then those that encoders made.
        self.modalities = [*description.get("features", {}), *description.get("encoders", {}).get("features", {})]
        self.items = items
        self.titles = titles

    @torch.no_grad()
    def explain(self, request: Request, lists: Tensor, num_history: int) -> list[list[Explanation]]:
        """Explain every item of every list.

        Args:
            request: The users.
            lists: Recommended items of each; -1 for places left empty, whose explanations mean nothing.
                Shape: (R, K).
            num_history: History items of an explanation at most.

        Returns:
            Explanations in the shape of ``lists``.
        """
        popular = Explanation(note="nothing is known of what this user took: these are the most-taken items")
        explained = [[popular] * lists.shape[1] for _ in range(lists.shape[0])]
        for rows in _chunks(request, lists.shape[1]):
            for row, explanations in zip(rows.tolist(), self._explain(request, rows, lists, num_history), strict=True):
                explained[row] = explanations
        return explained

    def _explain(self, request: Request, rows: Tensor, lists: Tensor, num_history: int) -> list[list[Explanation]]:
        """Explanations for some rows of the request, none of them empty."""
        recommended = lists[rows].clamp(min=0)  # (B, K)
        histories = self._nearest(request, rows, recommended, num_history)
        terms = self._terms(request, rows, recommended)
        return [
            [self._explanation(*of_item) for of_item in zip(*of_user, strict=True)]
            for of_user in zip(histories, terms, strict=True)
        ]

    def _nearest(
        self, request: Request, rows: Tensor, recommended: Tensor, num_history: int
    ) -> list[list[list[HistoryItem]]]:
        """The history items most like each recommended one, for each user and place of the list."""
        num_rows, length = recommended.shape
        if not isinstance(self.scorer, (EmbeddingScorer, ItemBasedScorer)):
            return [[[] for _ in range(length)] for _ in range(num_rows)]
        pointer, taken = gather_histories(request.seen, rows)
        num_history = min(num_history, int(pointer.diff().max()))
        row = torch.repeat_interleave(torch.arange(num_rows, device=rows.device), pointer.diff())
        similarity = self.scorer.pair_similarity(taken, recommended[row])  # (E, K)
        # Sorted by similarity first and then, stably, by user: each user's nearest come first among that user's.
        falling = similarity.T.argsort(dim=1, descending=True, stable=True)  # (K, E)
        order = falling.gather(1, row[falling].argsort(dim=1, stable=True))
        place = pointer[:-1].unsqueeze(1) + torch.arange(num_history, device=rows.device)  # (B, num_history)
        entry = order[:, place.clamp(max=taken.numel() - 1)].transpose(0, 1)  # (B, K, num_history)
        value = similarity.gather(0, entry.transpose(1, 2).reshape(-1, length)).view(num_rows, -1, length)
        value = value.transpose(1, 2).masked_fill((place >= pointer[1:].unsqueeze(1)).unsqueeze(1), 0)
        nearest = taken[entry].tolist()
        return [
            [self._history_items(*of_item) for of_item in zip(*of_user, strict=True)]
            for of_user in zip(nearest, value.tolist(), strict=True)
        ]

    def _history_items(self, positions: list[int], similarities: list[float]) -> list[HistoryItem]:
        kept = [(item, value) for item, value in zip(positions, similarities, strict=True) if value > 0]
        ids = self.items.ids([item for item, _ in kept])
        return [
            HistoryItem(item_id, value, self.titles[item]) for item_id, (item, value) in zip(ids, kept, strict=True)
        ]

    def _terms(self, request: Request, rows: Tensor, recommended: Tensor) -> list[list[dict[str, float] | None]]:
        """The terms of each score by name, for each user and place of the list; ``None`` without such a split."""
        parts = RequestScorer(self.scorer, request).score_parts(rows, recommended)
        if parts is None:
            return [[None] * recommended.shape[1]] * recommended.shape[0]
        named = parts if isinstance(parts, dict) else dict(zip(self.modalities, parts, strict=True))
        values = torch.stack(list(named.values()), dim=2).tolist()
        return [[dict(zip(named, of_item, strict=True)) for of_item in of_user] for of_user in values]

    def _explanation(self, history: list[HistoryItem], terms: dict[str, float] | None) -> Explanation:
        notes = [] if history else [self._no_history()]
        shares = None
        if terms is None:
            notes.append(self._no_split())
        elif any(terms.values()):
            total = sum(map(abs, terms.values()))
            shares = {name: abs(value) / total for name, value in terms.items()}
        else:
            notes.append("every term of the score is 0")
        return Explanation(history, terms, shares, "; ".join(notes) or None)

    def _no_history(self) -> str:
        if isinstance(self.scorer, (EmbeddingScorer, ItemBasedScorer)):
            return f"to {self.model}, nothing that the user took is like this item"
        return f"{self.model} knows no similarity between items"

    def _no_split(self) -> str:
        """Why there are no shares."""
        if not self.modalities:
            return f"{self.model} goes by interactions alone, so no modality has a share"
        kind = model_class(self.model)
        if issubclass(kind, Recommender) and kind.item_parts is not Recommender.item_parts:
            return (
                f"this run of {self.model} keeps no split by modality: it was trained with a fusion that has none, or "
                "before splits were kept"
            )
        return f"{self.model} scores do not split by modality"


def _chunks(request: Request, length: int) -> Iterator[Tensor]:
    """Rows of the request that are not empty, in chunks of bounded work."""
    rows = (~request.empty).nonzero().flatten()
    # 64 stands for the work on a list itself, whatever the length of the history.
    work = ((request.seen.user_degree[rows] + 64) * length).cumsum(0)
    start = 0
    while start < rows.numel():
        limit = _CHUNK + (int(work[start - 1]) if start else 0)
        stop = max(int(torch.searchsorted(work, limit, right=True)), start + 1)
        yield rows[start:stop]
        start = stop
