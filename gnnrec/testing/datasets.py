"""Small data sets whose right answer is known."""

from collections.abc import Mapping
from dataclasses import replace

import torch

from gnnrec.data import Dataset, IdMap, Interactions, ItemFeatures

__all__ = ["checkerboard_dataset", "missing_features", "planted_dataset", "shuffled_features"]


def checkerboard_dataset(size: int = 40, *, empty_users: int = 0) -> Dataset:
    """Even users take even items and odd users odd ones, all but the item of their own number.

    For user u the only right first recommendation is item u. Features tell even items from odd ones. The idea is that
    of the test suite of the implicit library.

    Args:
        size: Number of items, and of users with interactions.
        empty_users: Further users without any training interaction.

    Returns:
        Train as above; valid and test both hold the withheld pairs.
    """
    user, item = torch.cartesian_prod(torch.arange(size), torch.arange(size)).unbind(1)
    taken = ((user + item) % 2 == 0) & (user != item)
    num_users = size + empty_users
    withheld = Interactions(torch.arange(size), torch.arange(size), num_users, size)
    parity = torch.nn.functional.one_hot(torch.arange(size) % 2, 2).to(torch.float32)
    return Dataset(
        train=Interactions(user[taken], item[taken], num_users, size),
        valid=withheld,
        test=withheld,
        users=IdMap([f"user-{number}" for number in range(num_users)], kind="user"),
        items=IdMap([f"item-{number}" for number in range(size)], kind="item"),
        features={"parity": ItemFeatures(parity, torch.ones(size, dtype=torch.bool))},
        name="checkerboard",
    )


def planted_dataset(
    *,
    num_users: int = 400,
    num_items: int = 600,
    num_tastes: int = 12,
    train_per_user: int = 6,
    held_out_per_user: int = 3,
    seed: int = 0,
) -> Dataset:
    """Tastes that one modality shows clearly and the sparse log only faintly.

    Every item has one taste and every user likes two; nine of ten interactions follow them. The features ``"planted"``
    are a noisy view of an item's taste, the features ``"noise"`` tell nothing.

    Args:
        num_users: Number of users.
        num_items: Number of items.
        num_tastes: Number of tastes.
        train_per_user: Training interactions of each user.
        held_out_per_user: Validation interactions of each user, and as many test interactions.
        seed: Seed of the data.

    Returns:
        The data set.
    """
    generator = torch.Generator().manual_seed(seed)
    taste = torch.randint(num_tastes, (num_items,), generator=generator)
    liked = torch.rand(num_users, num_tastes, generator=generator).topk(2, dim=1).indices
    matches = (taste.unsqueeze(0).unsqueeze(2) == liked.unsqueeze(1)).any(2)  # (num_users, num_items)
    weight = torch.where(matches, 0.9 / matches.sum(1, keepdim=True), 0.1 / num_items)
    drawn = torch.multinomial(weight, train_per_user + 2 * held_out_per_user, generator=generator)
    parts = torch.split(drawn, [train_per_user, held_out_per_user, held_out_per_user], dim=1)

    def interactions(items: torch.Tensor) -> Interactions:
        user = torch.arange(num_users).repeat_interleave(items.shape[1])
        return Interactions(user, items.flatten(), num_users, num_items)

    view = torch.nn.functional.one_hot(taste, num_tastes) + 0.2 * torch.randn(
        num_items, num_tastes, generator=generator
    )
    noise = torch.randn(num_items, num_tastes, generator=generator)
    everywhere = torch.ones(num_items, dtype=torch.bool)
    train, valid, test = map(interactions, parts)
    return Dataset(
        train=train,
        valid=valid,
        test=test,
        users=IdMap.of_range(num_users, "user"),
        items=IdMap.of_range(num_items, "item"),
        features={"planted": ItemFeatures(view, everywhere), "noise": ItemFeatures(noise, everywhere)},
        name="planted",
    )


def shuffled_features(dataset: Dataset, seed: int = 0) -> Dataset:
    """The same data with the rows of every modality given to other items."""
    generator = torch.Generator().manual_seed(seed)
    shuffled: Mapping[str, ItemFeatures] = {
        name: ItemFeatures(features.x[order], features.mask[order])
        for name, features in dataset.features.items()
        for order in [torch.randperm(dataset.num_items, generator=generator)]
    }
    return replace(dataset, features=shuffled)


def missing_features(dataset: Dataset, share: float, seed: int = 0) -> Dataset:
    """The same data with a share of the items, in [0, 1], lacking content in every modality."""
    generator = torch.Generator().manual_seed(seed)
    kept = torch.rand(dataset.num_items, generator=generator) >= share
    masked = {name: ItemFeatures(features.x, features.mask & kept) for name, features in dataset.features.items()}
    if bool(kept.any()):
        return replace(dataset, features=masked)
    # A data set refuses features that cover nothing, as a user's mistake; here they are meant.
    empty = replace(dataset, features={})
    empty.features = masked
    return empty
