"""A small data set on which one way of fusing must win."""

import torch
from torch import Tensor

from gnnrec.data import Dataset, IdMap, Interactions, ItemFeatures

__all__ = ["planted_fusion_dataset"]


def planted_fusion_dataset(
    seed: int = 0,
    *,
    num_users: int = 400,
    num_items: int = 500,
    num_tastes: int = 25,
    train_per_user: int = 5,
    held_out_per_user: int = 3,
    image_share: float = 0.5,
    cold_share: float = 0.5,
) -> Dataset:
    """Tastes that each item shows in one of two modalities, while the other shows a wrong one and says so.

    Every item has one taste and every user likes one; nine of ten interactions follow it. Of ``"image"`` and ``"text"``
    one shows the item's taste and the other a taste drawn at random from the rest; which one is right differs from item
    to item. The last column of both tells right from wrong by its sign.

    A sum of linear maps, one a modality (fusion ``"concat"``, or ``"graph"`` with one weight a modality), cannot turn
    that sign into a choice between the modalities, so it recommends each item for two tastes. Attention can. Items that
    only the held-out parts have keep a model from doing without content.

    Args:
        seed: Seed of the data.
        num_users: Number of users.
        num_items: Number of items.
        num_tastes: Number of tastes.
        train_per_user: Training interactions of each user.
        held_out_per_user: Validation interactions of each user, and as many test interactions.
        image_share: Share of the items, in [0, 1], whose image is right; the text is for the others.
        cold_share: Share of the items, in [0, 1], without training interactions.

    Returns:
        The data set.
    """
    generator = torch.Generator().manual_seed(seed)
    taste = torch.randperm(num_items, generator=generator) % num_tastes
    liked = torch.randint(num_tastes, (num_users,), generator=generator)
    image_is_right = torch.rand(num_items, generator=generator) < image_share
    warm = torch.rand(num_items, generator=generator) >= cold_share
    matches = taste == liked.unsqueeze(1)  # (num_users, num_items)
    weight = torch.where(matches, 0.9 / matches.sum(1, keepdim=True), 0.1 / num_items)
    train = torch.multinomial(weight * warm, train_per_user, generator=generator)
    held_out = torch.multinomial(weight.scatter(1, train, 0.0), 2 * held_out_per_user, generator=generator)

    def interactions(items: Tensor) -> Interactions:
        user = torch.arange(num_users).repeat_interleave(items.shape[1])
        return Interactions(user, items.flatten(), num_users, num_items)

    def view(right: Tensor) -> ItemFeatures:
        wrong = taste + torch.randint(1, num_tastes, (num_items,), generator=generator)
        shown = torch.where(right, taste, wrong % num_tastes)
        # The sign is kept small: features are scaled to length 1, and a large one would hide the tastes.
        sign = torch.where(right, 0.5, -0.5).unsqueeze(1)
        clean = torch.cat([torch.nn.functional.one_hot(shown, num_tastes), sign], dim=1)
        x = clean + 0.1 * torch.randn(clean.shape, generator=generator)
        return ItemFeatures(x, torch.ones(num_items, dtype=torch.bool))

    valid, test = torch.split(held_out, held_out_per_user, dim=1)
    return Dataset(
        train=interactions(train),
        valid=interactions(valid),
        test=interactions(test),
        users=IdMap.of_range(num_users, "user"),
        items=IdMap.of_range(num_items, "item"),
        features={"image": view(image_is_right), "text": view(~image_is_right)},
        name="planted-fusion",
    )
