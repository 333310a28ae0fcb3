"""Ranking among items that nobody took in training."""

import pytest
import torch

from gnnrec.data import Interactions
from gnnrec.errors import ArgumentError, DataError
from gnnrec.evaluation import EvalOptions, evaluate
from gnnrec.models import Embeddings, EmbeddingScorer
from graphs import BipartiteGraph

# Items 0 to 3 were taken in training, 4 to 6 are new; user 2 took nothing.
TRAIN = BipartiteGraph(torch.tensor([[0, 0, 1, 1], [0, 1, 2, 3]]), 3, 7)
SCORES = torch.tensor([[9, 8, 9, 8, 1, 3, 2], [9, 8, 9, 8, 3, 2, 1], [0, 0, 0, 0, 5, 0, 0]]).float()
SCORER = EmbeddingScorer(Embeddings(torch.eye(3), SCORES.T.contiguous()))


def held_out(users: list[int], items: list[int]) -> Interactions:
    return Interactions(torch.tensor(users), torch.tensor(items), 3, 7)


def test_known_items_are_no_candidates_and_users_without_history_are_left_out() -> None:
    part = held_out([0, 1, 2], [5, 6, 4])
    every = evaluate(SCORER, TRAIN, part, EvalOptions(ks=(1, 3), beyond_accuracy=False))
    new = evaluate(SCORER, TRAIN, part, EvalOptions(ks=(1, 3), beyond_accuracy=False, candidates="new"))
    assert every.users.tolist() == [0, 1, 2] and new.users.tolist() == [0, 1]
    assert new.metrics["recall@1"] == pytest.approx(0.5)  # user 0 finds 5 first, user 1 finds 6 last of three
    assert new.metrics["recall@3"] == 1.0
    assert every.metrics["recall@1"] == 0.0  # known items of other users come first


def test_a_part_without_users_that_are_known_is_refused() -> None:
    with pytest.raises(DataError, match="'candidates' cannot be 'new'"):
        evaluate(SCORER, TRAIN, held_out([2], [4]), EvalOptions(candidates="new"))
    with pytest.raises(ArgumentError, match=r"'candidates' must be all or new \(got 'cold'\)"):
        EvalOptions(candidates="cold")  # type: ignore[arg-type]
