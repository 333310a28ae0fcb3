import sys
from itertools import combinations

import pytest
import torch

from gnnrec.data import Interactions, ItemFeatures
from gnnrec.errors import ArgumentError
from gnnrec.evaluation import beyond_accuracy as all_figures
from gnnrec.evaluation.beyond_accuracy import (
    catalog_coverage,
    gini_index,
    intra_list_diversity,
    novelty,
    popularity_bias,
    popularity_lift,
)
from graphs import BipartiteGraph

NUM_USERS, NUM_ITEMS, LENGTH = 40, 30, 8


@pytest.fixture
def items() -> torch.Tensor:
    """Lists of every length from 0 to LENGTH, each of different items."""
    generator = torch.Generator().manual_seed(1)
    lists = torch.stack([torch.randperm(NUM_ITEMS, generator=generator)[:LENGTH] for _ in range(NUM_USERS)])
    length = torch.arange(NUM_USERS) % (LENGTH + 1)
    return lists.masked_fill(torch.arange(LENGTH) >= length[:, None], -1)


@pytest.fixture
def train() -> Interactions:
    """A skewed log with repeated pairs, users without items and items without users."""
    generator = torch.Generator().manual_seed(2)
    user = torch.randint(0, NUM_USERS - 3, (300,), generator=generator)
    item = (torch.rand(300, generator=generator) ** 3 * (NUM_ITEMS - 4)).long()
    return Interactions(torch.cat([user, user[:20]]), torch.cat([item, item[:20]]), NUM_USERS, NUM_ITEMS)


def random_features(dim: int, covered: float, seed: int = 3) -> ItemFeatures:
    generator = torch.Generator().manual_seed(seed)
    mask = torch.rand(NUM_ITEMS, generator=generator) < covered
    x = torch.randn(NUM_ITEMS, dim, generator=generator) + 0.5
    x[~mask] = torch.nan  # what is outside the mask must not be read
    return ItemFeatures(x, mask)


def diversity_by_pairs(items: torch.Tensor, features: ItemFeatures) -> torch.Tensor:
    values = []
    for row in items.tolist():
        vectors = [features.x[item].double() for item in row if item >= 0 and features.mask[item]]
        distances = []
        for a, b in combinations(vectors, 2):
            scale = float(a.norm() * b.norm())
            distances.append(1 - (float(a @ b) / scale if scale else 0.0))
        values.append(sum(distances) / len(distances) if distances else float("nan"))
    return torch.tensor(values)


def test_coverage_counts_items_in_any_list() -> None:
    items = torch.tensor([[0, 3, -1], [3, 4, 0], [-1, -1, -1]])
    assert catalog_coverage(items, 12) == 3 / 12


def test_gini_is_mean_absolute_difference(items: torch.Tensor) -> None:
    counts = torch.bincount(items[items >= 0], minlength=NUM_ITEMS).double()
    definition = (counts[:, None] - counts).abs().sum() / (2 * NUM_ITEMS**2 * counts.mean())
    assert gini_index(items, NUM_ITEMS) == pytest.approx(float(definition), abs=1e-12)


def test_gini_bounds() -> None:
    assert gini_index(torch.arange(12).view(4, 3), 12) == 0
    assert gini_index(torch.full((9, 1), 5), 10) == pytest.approx(0.9)
    assert gini_index(torch.full((9, 1), -1), 10) != gini_index(torch.full((9, 1), -1), 10)  # NaN


def test_novelty_by_hand() -> None:
    counts = torch.tensor([8, 4, 1, 0])
    items = torch.tensor([[0, 1], [2, 3], [1, -1], [-1, -1]])
    # -log2 of 8/16, 4/16, 1/16 and, for the item nobody took, 1/16 again.
    torch.testing.assert_close(novelty(items, counts, 16), torch.tensor([1.5, 4.0, 2.0, torch.nan]), equal_nan=True)


@pytest.mark.parametrize("covered", [0.0, 0.5, 1.0])
def test_diversity_equals_explicit_pairs(items: torch.Tensor, covered: float) -> None:
    features = random_features(5, covered)
    expected = diversity_by_pairs(items, features)
    found = intra_list_diversity(items, features)
    torch.testing.assert_close(found, expected, equal_nan=True, atol=1e-5, rtol=0)
    assert found.isnan().all() == (covered == 0)


def test_diversity_in_blocks_equals_one_block(items: torch.Tensor, monkeypatch: pytest.MonkeyPatch) -> None:
    features = random_features(7, 0.8)
    whole = intra_list_diversity(items, features)
    monkeypatch.setattr(sys.modules[intra_list_diversity.__module__], "_BLOCK_VALUES", 7 * 3)
    torch.testing.assert_close(intra_list_diversity(items, features), whole, equal_nan=True)


def test_diversity_of_known_directions() -> None:
    x = torch.tensor([[1.0, 0.0], [3.0, 0.0], [-2.0, 0.0], [0.0, 5.0], [0.0, 0.0]])
    features = ItemFeatures(x, torch.ones(5, dtype=torch.bool))
    items = torch.tensor([[0, 1], [0, 2], [0, 3], [0, 4], [4, 4]])
    expected = torch.tensor([0.0, 2.0, 1.0, 1.0, 1.0])  # zeros are orthogonal to all
    torch.testing.assert_close(intra_list_diversity(items, features), expected)


def test_popularity_bias_by_loop(items: torch.Tensor, train: Interactions) -> None:
    pairs = set(zip(train.user.tolist(), train.item.tolist(), strict=True))
    count = [sum(item == other for _, other in pairs) for item in range(NUM_ITEMS)]
    users = torch.tensor([5, 0, 39, 7])
    recommended, profile = popularity_bias(items[users], BipartiteGraph.from_interactions(train), users)
    for row, user in enumerate(users.tolist()):
        listed = [count[item] for item in items[user].tolist() if item >= 0]
        taken = [count[item] for other, item in pairs if other == user]
        for found, values in ((recommended[row], listed), (profile[row], taken)):
            expected = sum(values) / len(values) if values else float("nan")
            assert float(found) == pytest.approx(expected, nan_ok=True)
    assert profile[2].isnan()  # user 39 took nothing


def test_popularity_lift_is_a_ratio_of_means_over_users_with_both() -> None:
    recommended = torch.tensor([10.0, 20.0, torch.nan, 100.0])
    profile = torch.tensor([5.0, 5.0, 7.0, torch.nan])
    assert popularity_lift(recommended, profile) == pytest.approx(15 / 5 - 1)


def test_all_figures_together(items: torch.Tensor, train: Interactions) -> None:
    features = {"image": random_features(5, 0.6), "text": random_features(9, 0.9, seed=4)}
    overall, each = all_figures(items, train, features, k=5)
    short = items[:, :5]
    assert set(overall) == {
        f"{name}@5" for name in ("coverage", "gini", "novelty", "diversity", "arp", "popularity_lift")
    }
    assert set(each) == {f"{name}@5" for name in ("novelty", "diversity", "arp", "popularity_lift")}
    assert all(value.shape == (NUM_USERS,) for value in each.values())
    assert overall["coverage@5"] == catalog_coverage(short, NUM_ITEMS)
    assert overall["gini@5"] == gini_index(short, NUM_ITEMS)
    assert overall["arp@5"] == pytest.approx(float(each["arp@5"].nanmean()))
    both = torch.stack([diversity_by_pairs(short, modality) for modality in features.values()]).nanmean(0)
    torch.testing.assert_close(each["diversity@5"], both, equal_nan=True, atol=1e-5, rtol=0)


def test_repeated_pairs_do_not_raise_popularity(items: torch.Tensor, train: Interactions) -> None:
    graph = BipartiteGraph.from_interactions(train)
    assert len(train) > graph.num_edges
    assert all_figures(items, train, None, 4)[0] == all_figures(items, graph, None, 4)[0]


def test_subset_of_users_and_undefined_figures(items: torch.Tensor, train: Interactions) -> None:
    users = torch.tensor([39, 38])  # neither took anything
    overall, each = all_figures(items[users], train, {"image": random_features(3, 1.0)}, 1, users=users)
    assert set(overall) == {"coverage@1", "gini@1", "novelty@1", "arp@1"}
    assert each["diversity@1"].isnan().all()
    assert each["popularity_lift@1"].isnan().all()


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"k": 0}, r"'k' must be a positive integer \(got 0\)"),
        ({"items": torch.full((NUM_USERS, LENGTH), NUM_ITEMS)}, r"'items' must lie in \[0, 30\)"),
        ({"items": torch.full((NUM_USERS, LENGTH), -2)}, r"or be -1 for none \(got -2"),
        ({"items": torch.zeros(NUM_USERS, LENGTH)}, "'items' must be int64"),
        ({"users": torch.tensor([1])}, "'users' must name the user of each of the 40 lists"),
    ],
)
def test_wrong_arguments(items: torch.Tensor, train: Interactions, change: dict, message: str) -> None:
    arguments = {"items": items, "train": train, "features": None, "k": 5, **change}
    with pytest.raises(ArgumentError, match=message):
        all_figures(**arguments)
