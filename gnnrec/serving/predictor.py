"""Recommendations by external ids."""

import operator
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Literal, SupportsIndex, get_args

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from gnnrec.data.id_map import ExternalId, IdMap, plain_id, plain_ids
from gnnrec.errors import ArgumentError, UnknownIdError
from gnnrec.evaluation import rank_items, tie_order
from gnnrec.evaluation.top_items import require_finite, rows_at_a_time, top_items
from gnnrec.models import EmbeddingScorer
from gnnrec.models.history_scorer import HistoryScorer, gather_histories
from gnnrec.serving.explainer import Explainer
from gnnrec.serving.explanation import Explanation
from gnnrec.serving.request import Request, RequestScorer
from gnnrec.serving.results import Recommendations, RecommendedItem, SimilarItems
from gnnrec.training.opened_run import open_run
from graphs import BipartiteGraph

__all__ = ["Predictor", "UnknownItems", "UnknownUsers", "load"]

UnknownUsers = Literal["popular", "error"]
UnknownItems = Literal["error", "ignore"]


class Predictor:
    """Answers for one trained model; make it with :func:`load`.

    Args:
        scorer: The model's scores.
        graph: The training graph, whose items are left out of the lists.
        users: External user ids.
        items: External item ids.
        titles: Titles by item position.
        description: The content of ``run.json``.
        held_out: What users took in validation and test, which is left out of their lists too.
    """

    def __init__(
        self,
        scorer: EmbeddingScorer | HistoryScorer,
        graph: BipartiteGraph,
        users: IdMap,
        items: IdMap,
        titles: Sequence[str | None],
        description: Mapping[str, Any],
        *,
        held_out: BipartiteGraph | None = None,
    ) -> None:
        self.scorer = scorer
        self.graph = graph
        self.users = users
        self.items = items
        self.titles = titles
        self.description = description
        self.held_out = held_out
        self._ties = tie_order(items).to(graph.device)

    def __repr__(self) -> str:
        name = self.description["model"]["name"]
        return f"Predictor({name}, num_users={len(self.users)}, num_items={len(self.items)})"

    def recommend(
        self,
        user_ids: Sequence[ExternalId],
        k: SupportsIndex = 10,
        *,
        unknown: UnknownUsers = "popular",
        unknown_items: UnknownItems = "error",
        histories: Mapping[ExternalId, Sequence[ExternalId]] | None = None,
        candidates: Sequence[ExternalId] | None = None,
        exclude: Sequence[ExternalId] | None = None,
        explain: bool = False,
        explain_items: int = 3,
    ) -> list[Recommendations]:
        """The best k unseen items of each user.

        Args:
            user_ids: External user ids: a list, or a column or array of pandas, numpy, Arrow or torch. Here and below,
                a whole number stands for itself also where it is a float.
            k: List length; lists are shorter where fewer unseen items exist.
            unknown: For users who were not in training and have no history here: ``"popular"`` gives the most-taken
                items, ``"error"`` refuses.
            unknown_items: For items of a history, of ``candidates`` or of ``exclude`` that do not exist: ``"error"``
                refuses, ``"ignore"`` goes by the rest.
            histories: External item ids taken by some of these users; they replace what training knew of them.
            candidates: External ids of the items that may be listed, such as those in stock; all by default.
            exclude: External ids of items that must not be listed.
            explain: Whether each item says why it is there: what the user took that is like it, and each modality's
                share of the score. Where the model or the user allows no such answer, a note says why.
            explain_items: History items of an explanation at most; there are fewer where fewer are alike.

        Returns:
            One list a user, in the order asked for.

        Raises:
            ArgumentError: If ``k`` or ``explain_items`` is not positive, a policy is not one of those above, an id is
                neither text nor whole number, or a history's user is not asked for.
            UnknownIdError: If an item does not exist (with ``unknown_items="error"``), or a user (with
                ``unknown="error"``).
            TrainingError: If a score is not finite.
        """
        k = _positive("k", k)
        explain_items = _positive("explain_items", explain_items)
        _check_policy("unknown", unknown, get_args(UnknownUsers))
        _check_policy("unknown_items", unknown_items, get_args(UnknownItems))
        user_ids = plain_ids("user_ids", user_ids)
        given = _histories(user_ids, {} if histories is None else histories)
        if unknown_items == "ignore":
            given = {name: self._existing(items) for name, items in given.items()}
        allowed = self._allowed(candidates, exclude, unknown_items)
        if len(user_ids) == 0:
            return []
        asked = [str(user_id) for user_id in user_ids]
        positions = self.users.positions(user_ids)
        if unknown == "error":
            for name, position in zip(asked, positions.tolist(), strict=True):
                if position < 0 and not given.get(name):
                    raise UnknownIdError("user", name, _texts(self.users))
        request = self._request(asked, positions, given)
        ranking = rank_items(
            RequestScorer(self.scorer, request),
            torch.arange(len(asked), device=self.graph.device),
            k,
            seen=self._left_out(request),
            cold=request.empty,
            cold_scores=self.graph.item_degree.to(torch.float32),
            candidates=allowed,
            ties=self._ties,
        )
        explained: list[list[Explanation]] | None = None
        if explain:
            explainer = Explainer(self.scorer, self.description, self.items, self.titles)
            explained = explainer.explain(request, ranking.items, explain_items)
        empty = request.empty.tolist()
        answers = []
        for row, (user_id, name) in enumerate(zip(user_ids, asked, strict=True)):
            source = "popular" if empty[row] else "history" if name in given else "model"
            listed = self._listed(ranking.items[row], ranking.scores[row], explained[row] if explained else None)
            answers.append(Recommendations(user_id, listed, source))
        return answers

    def similar_items(self, item_ids: Sequence[ExternalId], k: SupportsIndex = 10) -> list[SimilarItems]:
        """The k items most like each given one: cosine of item vectors, or the model's own item similarity.

        Args:
            item_ids: External item ids, in anything that :meth:`recommend` takes.
            k: List length.

        Raises:
            ArgumentError: If ``k`` is not positive, an id is neither text nor whole number, or the model knows no item
                similarity.
            UnknownIdError: If an item does not exist.
        """
        item_ids = plain_ids("item_ids", item_ids)
        length = min(_positive("k", k), len(self.items))
        items = self._known_items(item_ids)
        answers = []
        block = rows_at_a_time(len(self.items))
        for start in range(0, items.numel(), block):
            part = items[start : start + block]
            similarity = self._item_similarity(part).scatter_(1, part.unsqueeze(1), -torch.inf)
            values, places = top_items(similarity, length, self._ties)
            answers += [self._listed(places[row], values[row]) for row in range(part.numel())]
        return [SimilarItems(item_id, listed) for item_id, listed in zip(item_ids, answers, strict=True)]

    def _item_similarity(self, items: Tensor) -> Tensor:
        similarity = getattr(self.scorer, "item_similarity", None)
        if similarity is None:
            raise ArgumentError(f"'{self.description['model']['name']}' knows no similarity between items")
        rows: Tensor = require_finite(similarity(items), "similarity")
        if isinstance(self.scorer, EmbeddingScorer):
            return rows
        return rows.masked_fill_(rows == 0, -torch.inf)  # neighbour models keep the similar ones only

    def _request(
        self, asked: Sequence[str], positions: npt.NDArray[np.int64], given: Mapping[str, Sequence[ExternalId]]
    ) -> Request:
        """The request in positions: rows and items of everything that its users took, and how to score them."""
        device = self.graph.device
        trained = [row for row, name in enumerate(asked) if positions[row] >= 0 and name not in given]
        pointer, items = gather_histories(self.graph, torch.from_numpy(positions[trained]).to(device))
        rows = [torch.repeat_interleave(torch.tensor(trained, dtype=torch.int64, device=device), pointer.diff())]
        taken = [items]
        for row, name in enumerate(asked):
            if name in given:
                taken.append(self._known_items(given[name]))
                rows.append(torch.full_like(taken[-1], row))
        seen = BipartiteGraph(torch.stack([torch.cat(rows), torch.cat(taken)]), len(asked), len(self.items))
        by_history = torch.tensor([name in given for name in asked], device=device)
        known = torch.from_numpy(positions).to(device)
        return Request(seen, known, by_history | (known < 0))

    def _left_out(self, request: Request) -> BipartiteGraph:
        """What is not to be listed: all that is known of a user, or the history that was given instead."""
        if self.held_out is None or not self.held_out.num_edges:
            return request.seen
        rows = ((request.known >= 0) & ~request.by_history).nonzero().flatten()
        pointer, items = gather_histories(self.held_out, request.known[rows])
        owned = torch.stack([rows.repeat_interleave(pointer.diff()), items])
        edges = torch.cat([request.seen.edge_index, owned], dim=1)
        return BipartiteGraph(edges, request.seen.num_users, request.seen.num_items)

    def _known_items(self, item_ids: Sequence[ExternalId]) -> Tensor:
        positions = self.items.positions(item_ids)
        for item_id, position in zip(item_ids, positions.tolist(), strict=True):
            if position < 0:
                raise UnknownIdError("item", str(item_id), _texts(self.items))
        return torch.from_numpy(positions).to(self.graph.device)

    def _allowed(
        self, candidates: Sequence[ExternalId] | None, exclude: Sequence[ExternalId] | None, unknown_items: UnknownItems
    ) -> Tensor | None:
        """Which items may be listed; ``None`` for all. Shape: (num_items,), bool."""
        if candidates is None and exclude is None:
            return None
        allowed = torch.full((len(self.items),), candidates is None, device=self.graph.device)
        for name, ids, listed in (("candidates", candidates, True), ("exclude", exclude, False)):
            plain = [] if ids is None else plain_ids(name, ids)
            allowed[self._known_items(self._existing(plain) if unknown_items == "ignore" else plain)] = listed
        return allowed

    def _existing(self, item_ids: Sequence[ExternalId]) -> list[ExternalId]:
        known = (self.items.positions(item_ids) >= 0).tolist()
        return [item_id for item_id, exists in zip(item_ids, known, strict=True) if exists]

    def _listed(
        self, items: Tensor, scores: Tensor, explanations: Sequence[Explanation | None] | None = None
    ) -> list[RecommendedItem]:
        explanations = explanations or [None] * items.numel()
        values = zip(items.tolist(), scores.tolist(), explanations, strict=True)
        kept = [value for value in values if value[1] > -np.inf]
        ids = self.items.ids([item for item, _, _ in kept])
        return [
            RecommendedItem(item_id, score, self.titles[item], explanation)
            for item_id, (item, score, explanation) in zip(ids, kept, strict=True)
        ]


def _texts(ids: IdMap) -> list[str]:
    return [str(value) for value in ids.array.tolist()]


def _check_policy(name: str, value: str, policies: tuple[str, ...]) -> None:
    if value not in policies:
        raise ArgumentError(f"'{name}' must be one of {', '.join(policies)} (got {value!r})")


def _histories(
    user_ids: Sequence[ExternalId], histories: Mapping[ExternalId, Sequence[ExternalId]]
) -> dict[str, list[ExternalId]]:
    """The histories by the text of the user's id; what cannot be meant is refused."""
    if not isinstance(histories, Mapping):
        raise ArgumentError(f"'histories' must map user ids to lists of item ids (got {type(histories).__name__})")
    asked = {str(user_id) for user_id in user_ids}
    given = {}
    for user_id, items in histories.items():
        name = str(plain_id(user_id))
        if name not in asked:
            raise ArgumentError(f"'histories' has one for user '{user_id}', who is not among 'user_ids'")
        given[name] = plain_ids(f"histories[{user_id!r}]", items)
    return given


def _positive(name: str, value: SupportsIndex) -> int:
    """A positive integer of any kind, numpy's too."""
    try:
        number = 0 if isinstance(value, bool) else operator.index(value)
    except TypeError:
        number = 0
    if number < 1:
        raise ArgumentError(f"'{name}' must be a positive integer (got {value!r})")
    return number


def load(run: Path | str, *, device: str = "cpu", added: bool = True) -> Predictor:
    """Load a run folder for recommending; the dataset is not needed.

    Args:
        run: The run folder.
        device: Where to compute.
        added: Whether items that were added after training count, see :func:`gnnrec.serving.add_items.add_items`.

    Raises:
        RunError: If the folder is no finished run or a file is damaged.
    """
    opened = open_run(run, device=device, added=added)
    return Predictor(
        opened.scorer,
        opened.graph,
        opened.users,
        opened.items,
        opened.titles,
        opened.description,
        held_out=opened.held_out,
    )
