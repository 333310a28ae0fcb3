from typing import Any

import pytest

from gnnrec.errors import ArgumentError
from gnnrec.models import Choice, FloatRange, IntegerRange, Range

STEP = "'step' must be a positive integer, 1 on a logarithmic scale"


@pytest.mark.parametrize(
    ("range_", "inside", "outside"),
    [
        (IntegerRange(1, 4), [1, 2, 4], [0, 5, 2.0, True, "2", None]),
        (IntegerRange(5, 30, step=5), [5, 10, 30], [0, 7, 35]),
        (IntegerRange(3, 3), [3], [2, 4]),
        (IntegerRange(1, 100, log=True), [1, 37, 100], [0, 101]),
        (FloatRange(0.0, 0.5), [0.0, 0, 0.25, 0.5], [-0.1, 0.6, False, "0.1", None, float("nan")]),
        (FloatRange(1e-5, 1e-1, log=True), [1e-5, 1e-3, 1e-1], [0.0, 1e-6, 1]),
        (Choice((0.0, 0.5)), [0.0, 0.5], [0, 0.25, False]),
        (Choice((False, True)), [False, True], [0, 1, "True"]),
        (Choice(("fac", None)), ["fac", None], ["fd", 0, ["fac"]]),
    ],
    ids=str,
)
def test_a_range_knows_its_values(range_: Range, inside: list[Any], outside: list[Any]) -> None:
    assert [value for value in inside if value not in range_] == []
    assert [value for value in outside if value in range_] == []


@pytest.mark.parametrize(
    ("range_", "text"),
    [
        (IntegerRange(1, 4), "1 to 4"),
        (IntegerRange(5, 30, step=5), "5 to 30, step 5"),
        (IntegerRange(20, 500, log=True), "20 to 500 (logarithmic)"),
        (FloatRange(0.0, 0.5), "0 to 0.5"),
        (FloatRange(1e-5, 1e-1, log=True), "1e-05 to 0.1 (logarithmic)"),
        (Choice(("fac", 1, 0.5, True, None)), "fac, 1, 0.5, True, None"),
    ],
    ids=str,
)
def test_a_range_reads_well(range_: Range, text: str) -> None:
    assert str(range_) == text


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: IntegerRange(4, 1), "'low' must not be above 'high' (got 4 and 1)"),
        (lambda: FloatRange(0.5, 0.1), "'low' must not be above 'high' (got 0.5 and 0.1)"),
        (lambda: FloatRange(float("nan"), 1.0), "'low' must not be above 'high' (got nan and 1)"),
        (lambda: IntegerRange(0, 4, log=True), "'low' must be positive on a logarithmic scale (got 0)"),
        (lambda: FloatRange(0.0, 1.0, log=True), "'low' must be positive on a logarithmic scale (got 0)"),
        (lambda: FloatRange(-1.0, 1.0, log=True), "'low' must be positive on a logarithmic scale (got -1)"),
        (lambda: IntegerRange(1, 4, step=0), "'step' must be a positive integer, 1 on a logarithmic scale (got 0)"),
        (
            lambda: IntegerRange(1, 9, 2, log=True),
            "'step' must be a positive integer, 1 on a logarithmic scale (got 2)",
        ),
        (lambda: Choice(()), "'values' must hold at least one value (got none)"),
        (lambda: Choice((1, 2, 1)), "'values' must hold each value once (got (1, 2, 1))"),
        (lambda: Choice((None, None)), "'values' must hold each value once (got (None, None))"),
    ],
)
def test_impossible_ranges_are_refused(make: Any, message: str) -> None:
    with pytest.raises(ArgumentError) as raised:
        make()
    assert str(raised.value) == message


def test_values_of_different_kinds_may_be_equal() -> None:
    assert Choice((1, 1.0, True)).values == (1, 1.0, True)


def test_a_range_without_a_condition_always_matters() -> None:
    assert IntegerRange(1, 2).when == FloatRange(1, 2).when == Choice((1,)).when == {}
    assert IntegerRange(1, 2) != IntegerRange(1, 2, when={"fusion": ("graph",)})
