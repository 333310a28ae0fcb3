"""A seeded synthetic log of a given shape, with item features that its tastes are tied to."""

import numpy as np
import torch

from gnnrec.data import Dataset, IdMap, Interactions, ItemFeatures
from graphs import BipartiteGraph

__all__ = ["BABY", "everyone", "synthetic_dataset"]

BABY = {"num_users": 19_445, "num_items": 7_050, "num_interactions": 160_792}
"""Amazon Baby, 5-core: the shape that published timings use."""


def synthetic_dataset(
    *,
    num_users: int,
    num_items: int,
    num_interactions: int,
    feature_dims: dict[str, int],
    num_tastes: int = 32,
    seed: int = 0,
) -> Dataset:
    """Power-law activity and popularity; users take items of their tastes, features are noisy views of the same tastes.

    Every user and item belongs to one main taste and one second taste. An interaction picks a user by activity, one of
    that user's tastes, and an item of it by popularity; one in five ignores taste. The split is 8:1:1 at random within
    the log, with at least one training item for each user.

    Args:
        num_users: Number of users.
        num_items: Number of items.
        num_interactions: Different user-item pairs.
        feature_dims: Width of each modality by name.
        num_tastes: Number of tastes.
        seed: Seed; the same seed gives the same log.

    Returns:
        The dataset.
    """
    random = np.random.default_rng(seed)
    activity = _power_law(random, num_users, exponent=0.6)
    popularity = _power_law(random, num_items, exponent=0.7)
    user_taste = random.integers(num_tastes, size=(num_users, 2))
    item_taste = random.integers(num_tastes, size=(num_items, 2))
    keys = _draw_pairs(random, activity, popularity, user_taste, item_taste[:, 0], num_tastes, num_interactions)
    user, item = np.divmod(keys, num_items)
    part = _split(random, user)

    def interactions(which: int) -> Interactions:
        chosen = part == which
        return Interactions(torch.from_numpy(user[chosen]), torch.from_numpy(item[chosen]), num_users, num_items)

    views = np.zeros((num_items, num_tastes), dtype=np.float32)
    views[np.arange(num_items), item_taste[:, 1]] = 0.5
    views[np.arange(num_items), item_taste[:, 0]] = 1.0
    features = {}
    for name, dim in feature_dims.items():
        loading = random.standard_normal((num_tastes, dim), dtype=np.float32)
        x = views @ loading + 0.5 * random.standard_normal((num_items, dim), dtype=np.float32)
        features[name] = ItemFeatures(torch.from_numpy(x), torch.ones(num_items, dtype=torch.bool))
    return Dataset(
        train=interactions(0),
        valid=interactions(1),
        test=interactions(2),
        users=IdMap.of_range(num_users, "user"),
        items=IdMap.of_range(num_items, "item"),
        features=features,
        name="synthetic",
        split="8:1:1",
    )


def everyone(dataset: Dataset) -> BipartiteGraph:
    """Test pairs for a ranking of every user: those without any get their first training item, which is left out."""
    train = BipartiteGraph.from_interactions(dataset.train)
    first = train.edge_index[:, train.user_pointer[:-1][train.user_degree > 0]]
    return BipartiteGraph(torch.cat([dataset.test.edge_index, first], dim=1), train.num_users, train.num_items)


def _power_law(random: np.random.Generator, size: int, exponent: float) -> np.ndarray:
    weight = np.arange(1, size + 1, dtype=np.float64) ** -exponent
    random.shuffle(weight)
    return weight / weight.sum()


def _draw_pairs(random, activity, popularity, user_taste, item_taste, num_tastes, wanted):
    """Different pairs as sorted ``user * num_items + item``, one of each user at least."""
    num_users, num_items = activity.size, popularity.size
    by_taste = np.argsort(item_taste, kind="stable")
    pointer = np.searchsorted(item_taste[by_taste], np.arange(num_tastes + 1))
    cumulative = np.cumsum(popularity[by_taste])
    low = np.concatenate([[0.0], cumulative])[pointer]

    def draw(users):
        taste = user_taste[users, (random.random(users.size) < 0.3).astype(int)]
        place = low[taste] + random.random(users.size) * (low[taste + 1] - low[taste])
        free = random.random(users.size) < 0.2
        place = np.where(free, random.random(users.size) * cumulative[-1], place)
        items = by_taste[np.searchsorted(cumulative, place, side="right").clip(max=num_items - 1)]
        return users * num_items + items

    keys = np.unique(draw(np.arange(num_users)))
    edges = np.cumsum(activity)
    while keys.size < wanted:
        users = np.searchsorted(edges, random.random((wanted - keys.size) * 3 // 2 + 1000)).clip(max=num_users - 1)
        new = np.setdiff1d(draw(users), keys)
        keys = np.union1d(keys, random.permutation(new)[: wanted - keys.size])
    return keys


def _split(random: np.random.Generator, user: np.ndarray) -> np.ndarray:
    """0, 1 or 2 for train, valid and test; the first pair of every user stays in train."""
    part = random.choice(3, size=user.size, p=[0.8, 0.1, 0.1])
    part[np.flatnonzero(np.diff(user, prepend=-1))] = 0
    return part
