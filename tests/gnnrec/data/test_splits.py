"""What each split promises, on random logs."""

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from gnnrec.data import Dataset, IdMap, Interactions
from gnnrec.data.splits import (
    apply_split,
    carve_validation,
    check_split,
    list_splits,
    split_cold_item,
    split_global_time,
    split_leave_one_out,
    split_ratio,
)
from gnnrec.errors import ArgumentError, DataError, UnknownNameError


def random_log(num_users=40, num_items=60, share=0.3, seed=0, with_time=True) -> Interactions:
    generator = torch.Generator().manual_seed(seed)
    taken = torch.rand(num_users, num_items, generator=generator) < share
    user, item = taken.nonzero(as_tuple=True)
    order = torch.randperm(user.numel(), generator=generator)
    time = torch.randint(0, 10_000, user.shape, generator=generator)
    return Interactions(user[order], item[order], num_users, num_items, timestamp=time if with_time else None)


def log_of_degrees(*degrees: int) -> Interactions:
    user = torch.repeat_interleave(torch.arange(len(degrees)), torch.tensor(degrees))
    item = torch.cat([torch.arange(degree) for degree in degrees])
    return Interactions(user, item, len(degrees), max(degrees))


def assert_partition(log, parts):
    keys = torch.cat([part.keys() for part in parts])
    assert torch.equal(keys.sort().values, log.keys().sort().values)


SPLITTERS = [split_ratio, split_leave_one_out, split_global_time, split_cold_item]


@pytest.mark.parametrize("splitter", SPLITTERS)
@settings(max_examples=20, deadline=None)
@given(seed=st.integers(0, 1000), share=st.floats(0.02, 0.6))
def test_parts_make_up_the_log_and_depend_on_the_seed_only(splitter, seed, share):
    log = random_log(share=share, seed=seed)
    parts = splitter(log, seed)
    assert_partition(log, parts)
    for part, again in zip(parts, splitter(log, seed), strict=True):
        assert torch.equal(part.edge_index, again.edge_index)
        assert (part.num_users, part.num_items) == (log.num_users, log.num_items)
        assert part.timestamp.shape == part.user.shape


@pytest.mark.parametrize("splitter", [split_ratio, split_leave_one_out, split_cold_item])
def test_another_seed_gives_another_split(splitter):
    log = random_log(with_time=False)
    assert not torch.equal(splitter(log, 0)[2].keys(), splitter(log, 1)[2].keys())


def test_ratio_sizes():
    train, valid, test = split_ratio(log_of_degrees(1, 2, 3, 9, 10, 30, 100))
    assert test.user_degree.tolist() == [0, 1, 1, 1, 1, 3, 10]
    assert valid.user_degree.tolist() == [0, 0, 1, 1, 1, 3, 10]
    assert train.user_degree.tolist() == [1, 1, 1, 7, 8, 24, 80]


def test_ratio_takes_every_interaction_with_equal_chance():
    log = log_of_degrees(10)
    counts = sum(split_ratio(log, seed)[2].item_degree for seed in range(2000))
    assert counts.sum() == 2000
    assert counts.min() > 140
    assert counts.max() < 260


def test_ratio_shares():
    train, valid, test = split_ratio(log_of_degrees(100), valid=0.0, test=0.25)
    assert (len(train), len(valid), len(test)) == (75, 0, 25)
    with pytest.raises(ArgumentError, match="sum to less than 1"):
        split_ratio(log_of_degrees(10), valid=0.5, test=0.5)


def test_leave_one_out_takes_the_last():
    log = random_log()
    train, valid, test = split_leave_one_out(log)
    for user in range(log.num_users):
        times = log.timestamp[log.user == user].sort().values
        assert test.timestamp[test.user == user].tolist() == times[-1:].tolist()
        assert valid.timestamp[valid.user == user].tolist() == times[-2:-1].tolist()
        assert train.timestamp[train.user == user].sort().values.tolist() == times[:-2].tolist()


def test_leave_one_out_of_short_histories():
    parts = split_leave_one_out(log_of_degrees(1, 2, 3, 7))
    assert [part.user_degree.tolist() for part in parts] == [[1, 1, 1, 5], [0, 0, 1, 1], [0, 1, 1, 1]]


def test_global_time_orders_the_parts():
    train, valid, test = split_global_time(random_log())
    assert train.timestamp.max() < valid.timestamp.min()
    assert valid.timestamp.max() < test.timestamp.min()
    total = len(train) + len(valid) + len(test)
    assert len(test) == pytest.approx(0.1 * total, abs=3)
    assert len(valid) == pytest.approx(0.1 * total, abs=3)


def test_global_time_needs_times():
    with pytest.raises(DataError, match="needs timestamps"):
        split_global_time(random_log(with_time=False))
    same = Interactions(*log_of_degrees(5).edge_index, 1, 5, timestamp=torch.ones(5))
    with pytest.raises(DataError, match="leaves no train interactions"):
        split_global_time(same)


def test_cold_items_are_never_in_train():
    log = random_log()
    train, valid, test = split_cold_item(log, 5)
    items = [set(part.item.tolist()) for part in (train, valid, test)]
    assert items[0].isdisjoint(items[1] | items[2])
    assert items[1].isdisjoint(items[2])
    assert [len(found) for found in items] == [48, 6, 6]
    with pytest.raises(DataError, match="at least 3 items"):
        split_cold_item(log_of_degrees(2))


@pytest.mark.parametrize("with_time", [True, False])
def test_carving_keeps_one_in_train(with_time):
    log = random_log(num_users=3000, num_items=40, share=0.06, with_time=with_time)
    train, valid = carve_validation(log, 0.1, seed=2)
    assert_partition(log, (train, valid))
    assert torch.equal(train.user_degree > 0, log.user_degree > 0)
    degree = log.user_degree
    assert len(valid) == pytest.approx(0.1 * int(degree[degree >= 2].sum()), rel=0.1)
    # Rounding at random: a user never gives more than one above or below the share.
    assert ((valid.user_degree - 0.1 * log.user_degree).abs() < 1).all()


def test_carving_takes_something_where_it_can():
    train, valid = carve_validation(log_of_degrees(1, 2, 1), 0.001)
    assert (train.user_degree.tolist(), valid.user_degree.tolist()) == ([1, 1, 1], [0, 1, 0])
    assert len(carve_validation(log_of_degrees(1, 1), 0.5)[1]) == 0
    with pytest.raises(ArgumentError, match=r"'ratio' must be in \(0, 1\) \(got 1\)"):
        carve_validation(log_of_degrees(3), 1)


def test_apply_pools_parts_and_knows_names():
    log = random_log()
    half = len(log) // 2
    dataset = Dataset(
        train=log.select(torch.arange(half + 5)),  # five pairs are in both
        valid=log.select(torch.arange(0)),
        test=log.select(torch.arange(half, len(log))),
        users=IdMap.of_range(log.num_users),
        items=IdMap.of_range(log.num_items),
    )
    assert apply_split(dataset, "given") is dataset
    assert list_splits() == ["given", "ratio", "leave-one-out", "global-time", "cold-item"]
    for name in list_splits()[1:]:
        assert_partition(log, apply_split(dataset, name.replace("-", "_"), 1).parts().values())
    assert check_split("leave_one_out") == "leave-one-out"
    with pytest.raises(UnknownNameError, match="unknown split 'leave-one'; did you mean 'leave-one-out'"):
        apply_split(dataset, "leave-one")


def test_split_does_not_depend_on_file_order():
    log = random_log()
    shuffled = log.select(torch.randperm(len(log)))
    empty = log.select(torch.arange(0))
    maps = {"users": IdMap.of_range(log.num_users), "items": IdMap.of_range(log.num_items)}
    one, other = (Dataset(train=part, valid=empty, test=empty, **maps) for part in (log, shuffled))
    assert apply_split(one, "ratio", 3).fingerprint == apply_split(other, "ratio", 3).fingerprint
