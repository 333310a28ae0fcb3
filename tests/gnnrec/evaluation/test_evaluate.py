import pytest
import torch
from torch import Tensor

from gnnrec.data import Interactions, ItemFeatures
from gnnrec.errors import ArgumentError, DataError, TrainingError
from gnnrec.evaluation import EvalOptions, evaluate, rank_items, tie_order
from graphs import BipartiteGraph

NUM_USERS, NUM_ITEMS = 30, 40


class Table:
    """Scores from a fixed matrix."""

    def __init__(self, scores: Tensor) -> None:
        self.scores = scores

    def score(self, users: Tensor) -> Tensor:
        return self.scores[users].clone()


def random_case(seed: int = 0) -> tuple[Table, BipartiteGraph, BipartiteGraph]:
    generator = torch.Generator().manual_seed(seed)
    draw = torch.rand(NUM_USERS, NUM_ITEMS, generator=generator)
    train, test = draw < 0.2, (draw >= 0.2) & (draw < 0.3)
    train[3] = False  # a cold user
    train[:, 5] = False  # a cold item
    test[7] = False  # a user without positives
    test[3, 5] = test[4, 5] = True
    graphs = [BipartiteGraph(part.nonzero().T.contiguous(), NUM_USERS, NUM_ITEMS) for part in (train, test)]
    return Table(torch.rand(NUM_USERS, NUM_ITEMS, generator=generator)), graphs[0], graphs[1]


def naive_recall(table: Table, train: BipartiteGraph, test: BipartiteGraph, k: int, warm: bool = False) -> float:
    taken = [set(train.edge_index[1][train.edge_index[0] == user].tolist()) for user in range(NUM_USERS)]
    counts = torch.bincount(train.edge_index[1], minlength=NUM_ITEMS)
    ties = tie_order(NUM_ITEMS).tolist()
    values = []
    for user in range(NUM_USERS):
        positives = set(test.edge_index[1][test.edge_index[0] == user].tolist())
        if warm:
            positives = {item for item in positives if counts[item] > 0}
        if not positives or (warm and not taken[user]):
            continue
        scores = table.scores[user] if taken[user] else counts.float()
        order = sorted(set(range(NUM_ITEMS)) - taken[user], key=lambda item: (-scores[item].item(), ties[item]))
        values.append(len(positives & set(order[:k])) / len(positives))
    return sum(values) / len(values)


@pytest.mark.parametrize("seed", range(3))
def test_recall_equals_a_plain_loop(seed: int) -> None:
    table, train, test = random_case(seed)
    report = evaluate(table, train, test, EvalOptions(ks=(5, 10)))
    for k in (5, 10):
        assert report.metrics[f"recall@{k}"] == pytest.approx(naive_recall(table, train, test, k), abs=1e-6)
        assert report.warm[f"recall@{k}"] == pytest.approx(naive_recall(table, train, test, k, warm=True), abs=1e-6)


def test_cold_users_and_items_stay_in_and_are_counted() -> None:
    table, train, test = random_case()
    report = evaluate(table, train, test, EvalOptions(ks=(5,)))
    assert 3 in report.users.tolist() and 7 not in report.users.tolist()
    assert report.counts["cold_users"] == 1
    assert report.counts["cold_positives"] == int((test.edge_index[1] == 5).sum())
    cold = report.by_item_count[0]
    assert (cold["from"], cold["to"], cold["positives"]) == (0, 0, report.counts["cold_positives"])
    assert sum(row["positives"] for row in report.by_item_count) == test.num_edges


def test_share_found_by_item_count_adds_up_to_all_hits() -> None:
    table, train, test = random_case(1)
    ranking = rank_items(
        table,
        torch.arange(NUM_USERS),
        10,
        seen=train,
        positives=test,
        cold=train.user_degree == 0,
        cold_scores=train.item_degree.float(),
    )
    rows = evaluate(table, train, test, EvalOptions(ks=(10,))).by_item_count
    found = sum(row["recall@10"] * row["positives"] for row in rows if row["positives"])
    assert found == pytest.approx(int(ranking.hits.sum()), abs=1e-3)


def test_blocks_do_not_change_the_lists() -> None:
    table, train, test = random_case(2)
    users = torch.arange(NUM_USERS)
    whole = rank_items(table, users, 10, seen=train, positives=test)
    blocks = rank_items(table, users, 10, seen=train, positives=test, block_size=7)
    assert torch.equal(whole.items, blocks.items) and torch.equal(whole.hits, blocks.hits)


def test_seen_items_are_never_listed_and_short_lists_are_padded() -> None:
    table, train, _ = random_case()
    ranking = rank_items(table, torch.arange(NUM_USERS), NUM_ITEMS + 5, seen=train)
    for user in range(NUM_USERS):
        listed = ranking.items[user][ranking.items[user] >= 0]
        assert listed.numel() == NUM_ITEMS - int(train.user_degree[user])
        assert not bool(train.has_edges(torch.full_like(listed, user), listed).any())
    assert ranking.items.shape == (NUM_USERS, NUM_ITEMS)


def test_lists_longer_than_the_catalog_cost_no_memory() -> None:
    table, train, test = random_case()
    report = evaluate(table, train, test, EvalOptions(ks=(NUM_ITEMS, 10**9)))
    assert report.metrics["recall@1000000000"] == report.metrics[f"recall@{NUM_ITEMS}"] > 0.9
    assert report.metrics["precision@1000000000"] < 1e-7


def test_masked_validation_items_leave_the_test_lists() -> None:
    table, train, test = random_case()
    valid = BipartiteGraph(torch.stack([torch.arange(NUM_USERS), table.scores.argmax(1)]), NUM_USERS, NUM_ITEMS)
    plain = evaluate(table, train, test, EvalOptions(ks=(1,)))
    masked = evaluate(table, train, test, EvalOptions(ks=(1,)), masked=valid)
    assert plain.metrics["recall@1"] != masked.metrics["recall@1"]


def test_a_user_with_validation_items_only_is_still_cold() -> None:
    table, train, _ = random_case()
    valid = BipartiteGraph(torch.tensor([[3], [0]]), NUM_USERS, NUM_ITEMS)
    popular_first = train.item_degree.float()
    popular_first[0] = -1  # masked
    best = int(popular_first.argmax())
    positive = BipartiteGraph(torch.tensor([[3], [best]]), NUM_USERS, NUM_ITEMS)
    report = evaluate(table, train, positive, EvalOptions(ks=(1,), beyond_accuracy=False), masked=valid)
    assert report.counts["cold_users"] == 1 and report.metrics["recall@1"] == 1.0


def test_scores_that_are_not_numbers_are_refused() -> None:
    table, train, test = random_case()
    table.scores[4, 7] = float("nan")
    with pytest.raises(TrainingError, match="must be finite"):
        evaluate(table, train, test)


def test_users_without_positives_can_count_as_zero() -> None:
    table, train, test = random_case()
    skipped = evaluate(table, train, test, EvalOptions(ks=(10,)))
    counted = evaluate(table, train, test, EvalOptions(ks=(10,), users_without_positives="zero"))
    assert counted.users.numel() == skipped.users.numel() + 1
    ratio = skipped.users.numel() / counted.users.numel()
    assert counted.metrics["recall@10"] == pytest.approx(skipped.metrics["recall@10"] * ratio, rel=1e-5)


def test_beyond_accuracy_needs_features_for_diversity_only() -> None:
    table, train, test = random_case()
    features = {"image": ItemFeatures(torch.randn(NUM_ITEMS, 4), torch.ones(NUM_ITEMS, dtype=torch.bool))}
    without = evaluate(table, train, test, EvalOptions(ks=(10,))).metrics
    with_features = evaluate(table, train, test, EvalOptions(ks=(10,)), features=features).metrics
    assert set(with_features) - set(without) == {"diversity@10"}
    assert 0 < without["coverage@10"] <= 1


def test_empty_part_and_bad_options_are_refused() -> None:
    table, train, _ = random_case()
    nothing = torch.empty(0, dtype=torch.int64)
    with pytest.raises(DataError, match="no interactions"):
        evaluate(table, train, Interactions(nothing, nothing, NUM_USERS, NUM_ITEMS))
    with pytest.raises(ArgumentError, match="'ks' must hold positive"):
        EvalOptions(ks=(0,))
    with pytest.raises(ArgumentError, match="'users_without_positives'"):
        EvalOptions(users_without_positives="drop")  # type: ignore[arg-type]
