"""Equal scores: one order everywhere, which is neither the file's nor popularity's; scores that cannot be ranked."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest
import torch
from torch import Tensor

import gnnrec
from gnnrec.data import Dataset, IdMap, Interactions, ItemFeatures
from gnnrec.errors import TrainingError
from gnnrec.evaluation import EvalOptions, evaluate, rank_items, tie_order
from gnnrec.evaluation.top_items import top_items
from gnnrec.training.experiment import run_experiment
from graphs import BipartiteGraph

NUM_USERS, NUM_ITEMS = 40, 60


@dataclass
class Table:
    scores: Tensor

    def score(self, users: Tensor) -> Tensor:
        return self.scores[users].clone()


def coarse_scores() -> Tensor:
    """Five different values, so that every list cuts through ties."""
    return torch.randint(5, (NUM_USERS, NUM_ITEMS), generator=torch.Generator().manual_seed(0)).float()


def some_graph(seed: int, share: float) -> BipartiteGraph:
    taken = torch.rand(NUM_USERS, NUM_ITEMS, generator=torch.Generator().manual_seed(seed)) < share
    return BipartiteGraph(taken.nonzero().T.contiguous(), NUM_USERS, NUM_ITEMS)


def test_lists_are_sorted_by_score_then_rank() -> None:
    ties = tie_order(NUM_ITEMS)
    scores = coarse_scores()
    values, items = top_items(scores, 7, ties)
    for row in range(NUM_USERS):
        order = sorted(range(NUM_ITEMS), key=lambda item: (-float(scores[row, item]), int(ties[item])))
        assert items[row].tolist() == order[:7]
        assert values[row].tolist() == scores[row, order[:7]].tolist()


def test_a_tie_that_only_the_end_of_the_list_cuts_leaves_the_better_items_in_order() -> None:
    generator = torch.Generator().manual_seed(0)
    ties = tie_order(NUM_ITEMS)
    for row in range(NUM_USERS):
        ranks = torch.randperm(NUM_ITEMS, generator=generator)
        scores = (-ranks).clamp(min=-7).float().unsqueeze(0)  # 0 to -6 once each, then all the same
        values, items = top_items(scores, 8, ties)
        first = min((item for item in range(NUM_ITEMS) if scores[0, item] == -7), key=lambda item: int(ties[item]))
        assert items[0].tolist() == [*(int((ranks == place).nonzero()) for place in range(7)), first]
        assert values[0].tolist() == scores[0, items[0]].tolist() == [0, -1, -2, -3, -4, -5, -6, -7], row


def test_a_list_is_the_head_of_every_longer_one_in_blocks_of_any_size() -> None:
    seen, users = some_graph(1, 0.1), torch.arange(NUM_USERS)
    longest = rank_items(Table(coarse_scores()), users, NUM_ITEMS, seen=seen)
    for k, block in ((1, 1), (5, 7), (20, 100), (NUM_ITEMS - 1, 3)):
        shorter = rank_items(Table(coarse_scores()), users, k, seen=seen, block_size=block)
        assert torch.equal(shorter.items, longest.items[:, :k])


def test_figures_do_not_depend_on_the_other_list_lengths() -> None:
    train, held = some_graph(1, 0.1), some_graph(2, 0.1)
    found = [evaluate(Table(coarse_scores()), train, held, EvalOptions(ks=ks)).metrics for ks in ((20,), (5, 20, 50))]
    assert all(found[0][name] == found[1][name] for name in found[0])


def test_ranks_go_with_the_id_and_not_with_its_place_kind_or_frequency() -> None:
    names = [f"item {number}" for number in range(NUM_ITEMS)]
    shuffled = np.random.default_rng(0).permutation(NUM_ITEMS)
    one, other = tie_order(IdMap(names)), tie_order(IdMap([names[place] for place in shuffled]))
    assert sorted(one.tolist()) == list(range(NUM_ITEMS))
    assert torch.equal(one[torch.from_numpy(shuffled)], other)
    assert torch.equal(tie_order(IdMap(range(NUM_ITEMS))), tie_order(IdMap([str(item) for item in range(NUM_ITEMS)])))
    assert torch.equal(tie_order(IdMap(range(NUM_ITEMS))), tie_order(NUM_ITEMS))
    assert abs(np.corrcoef(tie_order(2_000).numpy(), np.arange(2_000))[0, 1]) < 0.1


@pytest.mark.parametrize("model", ["popularity", "content-knn"])
def test_the_order_of_the_items_changes_neither_figures_nor_lists(model: str, tmp_path: Path) -> None:
    rows = some_graph(3, 0.2).edge_index
    names = np.array([f"i{item}" for item in range(NUM_ITEMS)])
    answers = []
    for turn, order in enumerate((np.arange(NUM_ITEMS), np.random.default_rng(1).permutation(NUM_ITEMS))):
        place = torch.from_numpy(np.argsort(order))
        part = torch.arange(rows.shape[1]) % 5 == 0
        parts = [Interactions(rows[0, kept], place[rows[1, kept]], NUM_USERS, NUM_ITEMS) for kept in (~part, part)]
        empty = Interactions(rows[0, :0], rows[1, :0], NUM_USERS, NUM_ITEMS)
        same = ItemFeatures(torch.ones(NUM_ITEMS, 4), torch.ones(NUM_ITEMS, dtype=torch.bool))
        users = IdMap([f"u{user}" for user in range(NUM_USERS)])
        dataset = Dataset(parts[0], empty, parts[1], users, IdMap(names[order]), features={"image": same})
        result = run_experiment(model, dataset, tmp_path / f"{turn}")
        assert result.test is not None
        predictor = gnnrec.load(tmp_path / f"{turn}")
        lists = predictor.recommend(["u1", "u2", "stranger"], k=5)
        longer = predictor.recommend(["u1", "u2", "stranger"], k=50)
        taken = [[item.item_id for item in answer.items] for answer in lists]
        assert taken == [[item.item_id for item in answer.items][:5] for answer in longer]
        answers.append((result.test.metrics["recall@20"], result.test.metrics["ndcg@10"], taken))
    assert answers[0] == answers[1]


@pytest.mark.parametrize("broken", [torch.inf, -torch.inf, torch.nan])
def test_scores_that_are_not_finite_are_refused_wherever_they_stand(broken: float) -> None:
    scores = coarse_scores()
    scores[17, 3] = broken
    with pytest.raises(TrainingError, match=r"every score must be finite \(got (-?inf|nan) for item 3, 1 of"):
        evaluate(Table(scores), some_graph(1, 0.1), some_graph(2, 0.1))


def test_a_scorer_that_pins_items_to_infinity_finds_nothing_by_it() -> None:
    scores = torch.zeros(NUM_USERS, NUM_ITEMS)
    scores[:, :30] = torch.inf
    with pytest.raises(TrainingError, match="must be finite"):
        evaluate(Table(scores), some_graph(1, 0.1), some_graph(2, 0.1))
    scores[:, :30] = 1e30
    assert max(evaluate(Table(scores), some_graph(1, 0.1), some_graph(2, 0.1)).per_user["recall@20"]) <= 1.0
