"""External ids to positions and back."""

import tracemalloc
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from gnnrec.data import IdMap, read_dataset
from gnnrec.data.id_map import plain_ids
from gnnrec.errors import ArgumentError, DataError

INTEGERS = st.integers(-(2**63), 2**63 - 1)
TEXTS = st.text(st.characters(exclude_categories=("Cs",), exclude_characters="\x00"), max_size=8)


@given(st.lists(INTEGERS, unique=True), INTEGERS)
def test_integers_there_and_back(ids, other):
    users = IdMap(ids, kind="user")
    assert users.positions(ids).tolist() == list(range(len(ids)))
    assert users.ids(range(len(ids))) == ids
    assert (other in users) == (other in ids)
    small = [number for number in ids if abs(number) < 10**18]
    assert users.positions([str(number) for number in small]).tolist() == [ids.index(number) for number in small]


@given(st.lists(TEXTS, unique=True, min_size=1), TEXTS)
def test_texts_there_and_back(ids, other):
    items = IdMap(ids, kind="item")
    assert items.positions(ids).tolist() == list(range(len(ids)))
    assert items.ids(range(len(ids))) == ids
    assert (other in items) == (other in ids)


@pytest.mark.parametrize("text", ["", "-", "--5", "5-", "²", "1.0", "x", "9" * 30])
def test_text_that_is_no_integer_is_unknown(text):
    assert IdMap([5, -5, 1, 2]).positions([text, "-5", 5]).tolist() == [-1, 1, 0]


def test_arrays_and_empty():
    users = IdMap(np.array([7, 3], dtype=np.int32))
    assert users.positions(np.array([3, 8, 7])).tolist() == [1, -1, 0]
    assert len(IdMap([])) == 0
    assert IdMap([]).positions([1, "a"]).tolist() == [-1, -1]
    assert users == IdMap([7, 3])
    assert users != IdMap([3, 7])


def test_repeated_ids():
    with pytest.raises(DataError, match="item ids must be unique; 2 occur again \\(first: 'a', 'b'\\)"):
        IdMap(["b", "a", "a", "b"], kind="item")
    with pytest.raises(ArgumentError, match="one-dimensional"):
        IdMap(np.zeros((2, 2)))


@pytest.mark.parametrize("ids", [IdMap([5, 3]), IdMap(["5", "3"])])
def test_whole_numbers_are_themselves_as_floats_and_what_is_no_id_is_unknown(ids):
    assert ids.positions([np.int64(3), 3.0, np.float64(5), "5"]).tolist() == [1, 1, 0, 0]
    assert ids.positions(np.array([3.0, 5.0, 3.5])).tolist() == [1, 0, -1]
    assert np.float64(3) in ids and 3.0 in ids and np.int32(3) in ids
    assert not any(value in ids for value in (None, 3.5, float("nan"), True, [3]))
    assert IdMap(["None", "nan", "True"]).positions([None, float("nan"), True]).tolist() == [-1, -1, -1]


def test_ids_in_any_container_are_whole_numbers_and_texts():
    frame = pd.DataFrame({"user": [3, 5, None], "name": ["a", "b", None]})
    numbers = (
        [3, 5], (np.int64(3), 5.0), np.array([3, 5]), frame.user.dropna(), pd.Index([3, 5]), pa.array([3, 5]),
        pd.array([3, 5], dtype="Int64"), torch.tensor([3, 5]), frame.user.dropna().to_numpy(), range(3, 6, 2),
    )  # fmt: skip
    for ids in numbers:
        assert plain_ids("ids", ids) == [3, 5] and all(type(value) is int for value in plain_ids("ids", ids))
    texts = frame.name.dropna()
    for ids in (texts, texts.unique(), pd.Index(texts), texts.astype("category"), texts.to_numpy(), pa.array(texts)):
        assert plain_ids("ids", ids) == ["a", "b"]


@pytest.mark.parametrize(
    ("ids", "message"),
    [
        ("ab", r"'ids' must be a list of ids \(got 'ab'\)"),
        (3, r"'ids' must be a list of ids \(got 3\)"),
        (np.str_("a"), "must be a list of ids"),
        ({"a": 1}, "must be a list of ids"),
        ([1, 2.5], r"'ids' must hold whole numbers and texts \(got 2.5 at place 1\)"),
        (pd.Series([1, None]), r"got nan at place 1"),
        (pd.array(["a", None]), "at place 1"),
        ([True], r"got True at place 0"),
        ([["a"]], r"got \['a'\] at place 0"),
        (np.zeros((2, 2)), "must be a list of ids"),
        ([2.0**60], "whole numbers"),
    ],
)
def test_what_is_no_list_of_ids_is_refused(ids, message):
    with pytest.raises(ArgumentError, match=message):
        plain_ids("ids", ids)


def test_one_long_id_costs_its_own_length_only(tmp_path: Path) -> None:
    ids = [f"u{number}" for number in range(20_000)]
    tracemalloc.start()
    users = IdMap([*ids, "x" * 200_000], kind="user")
    assert users.positions(["x" * 200_000, "u7", "u", "x" * 100_000]).tolist() == [20_000, 7, -1, -1]
    assert IdMap(range(20_000)).positions([*ids, "9" * 200_000, "12"])[-2:].tolist() == [-1, 12]
    log = tmp_path / "log.csv"
    log.write_text("user,item\n" + "".join(f"{name},i\n" for name in [*ids, "x" * 200_000]))
    assert read_dataset(log).num_users == 20_001
    most = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert most < 2**27  # texts as long as the longest would take 16 GB


def test_ids_of_a_map_are_plain_too() -> None:
    floats = IdMap([1.0, 2.0])  # type: ignore[list-item]
    assert floats.is_integer and floats.positions([1.0, 2]).tolist() == [0, 1]
    assert IdMap(np.array([1.0, 2.0])).is_integer and not IdMap([1.5, 2.0]).is_integer  # type: ignore[list-item]
    with pytest.raises(DataError, match="must be below"):
        IdMap([2**63, -1])
