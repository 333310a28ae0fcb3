"""Ranges of the type of what they are for."""

from dataclasses import replace
from typing import Any, Literal, get_args, get_origin

from gnnrec.errors import ArgumentError, UnknownNameError
from gnnrec.models import Choice, FloatRange, IntegerRange, Range

__all__ = ["typed_range"]


def typed_range(name: str, one: Range, annotation: Any) -> Range:
    """A range with values of an argument's type, so that 0 to 1 for a real number is more than 0 and 1.

    Args:
        name: The argument, for messages.
        one: The range.
        annotation: Its type.

    Raises:
        ArgumentError: If the argument takes no such values.
        UnknownNameError: If the type lists its values, and one is none of them.
    """
    kinds = get_args(annotation) if get_origin(annotation) is not Literal else (annotation,)
    kinds = kinds or (annotation,)
    if isinstance(one, Choice):
        return replace(one, values=tuple(_value(name, value, kinds) for value in one.values))
    if int not in kinds and float not in kinds:
        raise ArgumentError(f"'{name}' is no number; a range of it must be a choice (got {one})")
    if isinstance(one, IntegerRange) and int not in kinds:
        if one.step != 1:
            raise ArgumentError(f"'{name}' is a real number; a range of it has no step (got {one})")
        return FloatRange(float(one.low), float(one.high), log=one.log, when=one.when)
    if isinstance(one, FloatRange) and float not in kinds:
        if not (float(one.low).is_integer() and float(one.high).is_integer()):
            raise ArgumentError(f"'{name}' must be an integer, so must the ends of its range (got {one})")
        return IntegerRange(int(one.low), int(one.high), log=one.log, when=one.when)
    return one


def _value(name: str, value: Any, kinds: tuple[Any, ...]) -> Any:
    for kind in kinds:
        if get_origin(kind) is Literal:
            found = "none" if value is None else value  # a text like the others, where the command line sees nothing
            if found not in get_args(kind):
                raise UnknownNameError(f"value of '{name}'", str(found), list(map(str, get_args(kind))))
            return found
    if type(value) in kinds or (value is None and type(None) in kinds):
        return value
    if float in kinds and type(value) is int:
        return float(value)
    names = " or ".join("none" if kind is type(None) else getattr(kind, "__name__", str(kind)) for kind in kinds)
    raise ArgumentError(f"'{name}' must be {names} (got {value!r})")
