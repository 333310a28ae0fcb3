"""External ids to positions and back."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from gnnrec.data import IdMap
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
