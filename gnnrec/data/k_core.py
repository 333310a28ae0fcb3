"""k-core filtering: users and items with at least k interactions among those kept."""

from dataclasses import replace

import torch
from torch import Tensor

from gnnrec.data.dataset import Dataset
from gnnrec.data.id_map import IdMap
from gnnrec.data.interactions import Interactions
from gnnrec.data.item_features import ItemFeatures
from gnnrec.errors import ArgumentError, DataError

__all__ = ["filter_k_core", "k_core_mask"]


def k_core_mask(user: Tensor, item: Tensor, k: int) -> Tensor:
    """Which interactions belong to the k-core, found by dropping low degrees until none is left.

    Args:
        user: Users. Shape: (E,), int64.
        item: Items. Shape: (E,), int64.
        k: Least degree of every kept user and item.

    Returns:
        Whether each interaction is kept. Shape: (E,), bool.

    Raises:
        ArgumentError: If ``k`` is negative.

    Example:
        >>> k_core_mask(torch.tensor([0, 0, 1, 1, 2]), torch.tensor([0, 1, 0, 1, 1]), 2).tolist()
        [True, True, True, True, False]
    """
    if k < 0:
        raise ArgumentError(f"'k' must be an integer of at least 0 (got {k})")
    kept = torch.arange(user.numel(), device=user.device)
    while kept.numel():
        users, items = user[kept], item[kept]
        stays = (torch.bincount(users)[users] >= k) & (torch.bincount(items)[items] >= k)
        if bool(stays.all()):
            break
        kept = kept[stays]
    mask = torch.zeros(user.numel(), dtype=torch.bool, device=user.device)
    mask[kept] = True
    return mask


def filter_k_core(dataset: Dataset, k: int) -> Dataset:
    """The data set's k-core over all parts, with users and items numbered anew in their old order.

    A pair in two parts counts once.

    Raises:
        ArgumentError: If ``k`` is negative.
        DataError: If nothing is left, or nothing in train.
    """
    parts = dataset.parts()
    keys = torch.unique(torch.cat([part.keys() for part in parts.values()]))
    user, item = keys // dataset.num_items, keys % dataset.num_items
    mask = k_core_mask(user, item, k)
    if not bool(mask.any()):
        raise DataError(
            f"{dataset.name}: 'k_core' of {k} leaves no interactions (of {keys.numel()}); take a smaller one"
        )
    users, items = torch.unique(user[mask]), torch.unique(item[mask])
    core = keys[mask]
    train, valid, test = (_renumber(part, core, users, items) for part in parts.values())
    return replace(
        dataset,
        train=train,
        valid=valid,
        test=test,
        users=IdMap(dataset.users.array[users.numpy()], kind="user"),
        items=IdMap(dataset.items.array[items.numpy()], kind="item"),
        features={name: ItemFeatures(values.x[items], values.mask[items]) for name, values in dataset.features.items()},
        catalog=None if dataset.catalog is None else dataset.catalog.iloc[items.numpy()].reset_index(drop=True),
        notes=[
            *dataset.notes,
            f"{k}-core: kept {users.numel()} of {dataset.num_users} users, "
            f"{items.numel()} of {dataset.num_items} items, {core.numel()} of {keys.numel()} interactions",
        ],
    )


def _renumber(part: Interactions, core: Tensor, users: Tensor, items: Tensor) -> Interactions:
    kept = part.select(torch.isin(part.keys(), core))
    return replace(
        kept,
        user=torch.searchsorted(users, kept.user),
        item=torch.searchsorted(items, kept.item),
        num_users=users.numel(),
        num_items=items.numel(),
    )
