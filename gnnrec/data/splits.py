"""Splitting a log into train, valid and test: seeded, without a loop over users or items."""

from collections.abc import Callable
from dataclasses import replace

import torch
from torch import Tensor

from gnnrec.data.dataset import Dataset
from gnnrec.data.interactions import Interactions
from gnnrec.errors import ArgumentError, DataError, UnknownNameError

__all__ = [
    "apply_split",
    "carve_validation",
    "check_split",
    "list_splits",
    "pool_parts",
    "split_cold_item",
    "split_global_time",
    "split_leave_one_out",
    "split_ratio",
]

Parts = tuple[Interactions, Interactions, Interactions]
_GIVEN = "given"


def split_ratio(log: Interactions, seed: int = 0, *, valid: float = 0.1, test: float = 0.1) -> Parts:
    """A random share of each user's interactions to valid and test, 8:1:1 by default.

    A user of n interactions has ``floor(test * n)`` of them in test, but one if that is none; the same for
    valid. One stays in train in any case, then test comes before valid: users of one interaction are in train
    only, of two in train and test.
    """
    _check_shares(valid, test)
    degree = log.user_degree
    test_size = _share(degree, test).minimum((degree - 1).clamp(min=0))
    valid_size = _share(degree, valid).minimum((degree - 1 - test_size).clamp(min=0))
    return _cut_by_rank(log, _rank_within_user(log, _shuffle(log, seed)), valid_size, test_size)


def split_leave_one_out(log: Interactions, seed: int = 0) -> Parts:
    """Each user's last interaction to test and the one before it to valid.

    The order is that of the timestamps (ties in random order), or random without timestamps. Users of one
    interaction are in train only, of two in train and test.
    """
    order = _shuffle(log, seed)
    if log.timestamp is not None:
        order = order[torch.argsort(log.timestamp[order], descending=True, stable=True)]
    degree = log.user_degree
    return _cut_by_rank(log, _rank_within_user(log, order), (degree >= 3).long(), (degree >= 2).long())


def split_global_time(log: Interactions, seed: int = 0, *, valid: float = 0.1, test: float = 0.1) -> Parts:
    """Everything before one moment to train, then valid, then test, for all users alike.

    The moments are those after which the given shares of interactions lie; one moment's interactions stay
    together. ``seed`` has no effect.

    Raises:
        DataError: If there are no timestamps or nothing comes before the first moment.
    """
    _check_shares(valid, test)
    if log.timestamp is None:
        raise DataError("split 'global-time' needs timestamps, which this log lacks")
    time = log.timestamp.sort().values
    begin_valid = time[min(round((1 - valid - test) * len(log)), len(log) - 1)]
    begin_test = time[min(round((1 - test) * len(log)), len(log) - 1)]
    in_test = log.timestamp >= begin_test
    in_valid = (log.timestamp >= begin_valid) & ~in_test
    if bool((in_test | in_valid).all()):
        raise DataError("split 'global-time' leaves no train interactions: too many have the first timestamp")
    return _cut(log, in_valid, in_test)


def split_cold_item(log: Interactions, seed: int = 0, *, valid: float = 0.1, test: float = 0.1) -> Parts:
    """All interactions of a random share of the items to valid and of another to test; train never has them.

    Shares count the items that have interactions; valid and test have at least one each.

    Raises:
        DataError: If fewer than three items have interactions.
    """
    _check_shares(valid, test)
    items = torch.unique(log.item)
    if items.numel() < 3:
        raise DataError(f"split 'cold-item' needs at least 3 items with interactions (got {items.numel()})")
    items = items[torch.randperm(items.numel(), generator=torch.Generator().manual_seed(seed))]
    test_size = max(1, int(test * items.numel()))
    valid_size = max(1, int(valid * items.numel()))
    part = torch.zeros(log.num_items, dtype=torch.int8)
    part[items[:test_size]] = 2
    part[items[test_size : test_size + valid_size]] = 1
    return _cut(log, part[log.item] == 1, part[log.item] == 2)


def carve_validation(train: Interactions, ratio: float = 0.1, seed: int = 0) -> tuple[Interactions, Interactions]:
    """Take a validation part out of train, for data sets without one.

    Every user gives ``ratio`` of their interactions, rounded up or down at random with the fraction as
    chance, so that the whole share is right even where users have few; one stays in train in any case. At
    least one interaction is taken if any user has two.

    Args:
        train: The train part.
        ratio: Share to take, in (0, 1).
        seed: Seed of the choice.

    Returns:
        The smaller train part and the validation part.

    Raises:
        ArgumentError: If ``ratio`` is out of range.
    """
    if not 0 < ratio < 1:
        raise ArgumentError(f"'ratio' must be in (0, 1) (got {ratio})")
    degree = train.user_degree
    generator = torch.Generator().manual_seed(seed)
    size = (ratio * degree + torch.rand(degree.shape, generator=generator)).long().minimum((degree - 1).clamp(min=0))
    if len(train) and not bool(size.any()) and int(degree.max()) >= 2:
        size[degree.argmax()] = 1
    in_valid = _rank_within_user(train, _shuffle(train, seed)) < size[train.user]
    return train.select(~in_valid), train.select(in_valid)


_SPLITTERS: dict[str, Callable[[Interactions, int], Parts]] = {
    "ratio": split_ratio,
    "leave-one-out": split_leave_one_out,
    "global-time": split_global_time,
    "cold-item": split_cold_item,
}


def list_splits() -> list[str]:
    """Names that ``split`` takes: ``"given"`` and the splitters."""
    return [_GIVEN, *_SPLITTERS]


def check_split(name: str) -> str:
    """The splitter's name as listed; underscores are taken for dashes.

    Raises:
        UnknownNameError: If there is no such splitter.
    """
    dashed = name.replace("_", "-")
    if dashed not in list_splits():
        raise UnknownNameError("split", name, list_splits())
    return dashed


def apply_split(dataset: Dataset, name: str, seed: int = 0) -> Dataset:
    """Split a data set anew: all parts are pooled (a pair in two parts counts once), then cut.

    Args:
        dataset: Its interactions in any parts.
        name: One of :func:`list_splits`; ``"given"`` returns the data set as it is.
        seed: Seed of the splitter.

    Raises:
        UnknownNameError: If there is no such splitter.
        DataError: If the splitter cannot work on these data.
    """
    name = check_split(name)
    if name == _GIVEN:
        return dataset
    try:
        train, valid, test = _SPLITTERS[name](pool_parts(dataset), seed)
    except DataError as error:
        raise DataError([f"{dataset.name}: {problem}" for problem in error.problems]) from None
    return replace(dataset, train=train, valid=valid, test=test, split=f"{name} (seed {seed})")


def pool_parts(dataset: Dataset) -> Interactions:
    """All interactions by user and item, so that a split does not depend on the order of a file; each pair once."""
    parts = [part for part in dataset.parts().values() if len(part)]
    pooled = replace(
        parts[0],
        user=torch.cat([part.user for part in parts]),
        item=torch.cat([part.item for part in parts]),
        timestamp=_join([part.timestamp for part in parts]),
        weight=_join([part.weight for part in parts]),
    )
    order = torch.argsort(pooled.keys(), stable=True)
    keys = pooled.keys()[order]
    return pooled.select(order[torch.cat([keys.new_ones(1).bool(), keys[1:] != keys[:-1]])])


def _join(columns: list[Tensor | None]) -> Tensor | None:
    present = [column for column in columns if column is not None]
    return torch.cat(present) if len(present) == len(columns) else None


def _share(degree: Tensor, share: float) -> Tensor:
    """``floor(share * degree)`` but at least one, or none at all for a share of zero."""
    return torch.zeros_like(degree) if share == 0 else (share * degree + 1e-9).long().clamp(min=1)


def _shuffle(log: Interactions, seed: int) -> Tensor:
    return torch.randperm(len(log), generator=torch.Generator().manual_seed(seed))


def _rank_within_user(log: Interactions, order: Tensor) -> Tensor:
    """Place of each interaction among those of its user when taken in ``order``. Shape: (E,)."""
    order = order[torch.argsort(log.user[order], stable=True)]
    degree = log.user_degree
    start = degree.cumsum(0) - degree
    rank = torch.empty(len(log), dtype=torch.int64)
    rank[order] = torch.arange(len(log)) - start[log.user[order]]
    return rank


def _cut_by_rank(log: Interactions, rank: Tensor, valid_size: Tensor, test_size: Tensor) -> Parts:
    """The first ``test_size`` of each user to test, the next ``valid_size`` to valid."""
    in_test = rank < test_size[log.user]
    in_valid = (rank < (test_size + valid_size)[log.user]) & ~in_test
    return _cut(log, in_valid, in_test)


def _cut(log: Interactions, in_valid: Tensor, in_test: Tensor) -> Parts:
    return log.select(~(in_valid | in_test)), log.select(in_valid), log.select(in_test)


def _check_shares(valid: float, test: float) -> None:
    if valid < 0 or test < 0 or valid + test >= 1:
        raise ArgumentError(f"'valid' and 'test' must be at least 0 and sum to less than 1 (got {valid} and {test})")
