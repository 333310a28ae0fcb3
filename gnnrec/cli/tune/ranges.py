"""Ranges given as text: ``--range``."""

from collections.abc import Sequence

from gnnrec.cli.settings import read_literal
from gnnrec.errors import ArgumentError
from gnnrec.models import Choice, FloatRange, IntegerRange, Range

__all__ = ["parse_ranges"]

_FORMS = "NAME=LOW:HIGH, NAME=LOW:HIGH:log, NAME=A,B,C or NAME=VALUE"


def parse_ranges(texts: Sequence[str]) -> dict[str, Range]:
    """Ranges by ``MODEL.ARGUMENT`` or ``ARGUMENT``.

    Raises:
        ArgumentError: If one has another form, is upside down or is given twice.

    Example:
        >>> parse_ranges(["num_layers=1:4", "lattice.raw_weight=0.5,0.9"])["num_layers"]
        IntegerRange(low=1, high=4, step=1, log=False, when={})
    """
    ranges: dict[str, Range] = {}
    for text in texts:
        name, separator, value = text.partition("=")
        if not (name and separator and value):
            raise ArgumentError(f"'--range' must read {_FORMS} (got {text!r})")
        if name in ranges:
            raise ArgumentError(f"'--range' of '{name}' is given twice; once is enough")
        try:
            ranges[name] = _range(value)
        except ArgumentError as error:
            raise ArgumentError(f"'--range' {text}: {error}") from None
    return ranges


def _range(text: str) -> Range:
    if ":" not in text:
        return Choice(tuple(_value(part) for part in text.split(",")))
    low, high, *scale = text.split(":")
    if scale not in ([], ["log"]):
        raise ArgumentError(f"must read {_FORMS}")
    first, last = _number(low), _number(high)
    if isinstance(first, int) and isinstance(last, int):
        return IntegerRange(first, last, log=bool(scale))
    return FloatRange(float(first), float(last), log=bool(scale))


def _number(text: str) -> int | float:
    value = _value(text)
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise ArgumentError(f"the ends must be numbers (got {text!r})")
    return value


def _value(text: str) -> str | int | float | bool | None:
    literal = {"true": True, "false": False, "none": None}.get(text.lower(), text)
    value = read_literal(literal) if isinstance(literal, str) else literal
    if not isinstance(value, str | int | float | bool | None):
        raise ArgumentError(f"{text!r} must be a number, a text, true, false or none")
    return value
