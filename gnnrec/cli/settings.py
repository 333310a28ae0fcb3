"""Values that are given as text: ``--set``, ``--column``, lists."""

import ast
import inspect
import json
from collections.abc import Mapping, Sequence
from typing import Any, Literal, get_args, get_origin

from gnnrec.errors import ArgumentError, UnknownNameError

__all__ = ["parse_columns", "parse_list_lengths", "parse_model_settings", "parse_names", "read_literal", "read_value"]


def parse_model_settings(model: str, settings: Sequence[str]) -> dict[str, Any]:
    """Values of a model's arguments, read by the types of its constructor.

    Raises:
        ArgumentError: If a setting is no ``key=value`` or its value has the wrong type.
        UnknownNameError: If the model has no such argument.
    """
    from gnnrec.models import model_arguments

    known = model_arguments(model)
    values = {}
    for setting in settings:
        key, separator, text = setting.partition("=")
        if not separator:
            raise ArgumentError(f"'--set' takes key=value (got {setting!r})")
        if key not in known:
            raise UnknownNameError(f"argument of '{model}'", key, known)
        if key in values:
            raise ArgumentError(f"'{key}' is set twice; once is enough")
        values[key] = read_value(key, text, known[key].annotation)
    return values


def read_literal(text: str) -> Any:
    """A number, tuple and the like as Python would read it, anything else as the text that it is."""
    try:
        return ast.literal_eval(text)
    except (ValueError, SyntaxError):
        return text


def parse_columns(pairs: Sequence[str]) -> dict[str, str]:
    """Columns of a table by role, from texts such as ``user=customer``.

    Raises:
        ArgumentError: If one is something else.
    """
    columns = {}
    for pair in pairs:
        role, separator, name = pair.partition("=")
        if not (role and separator and name):
            raise ArgumentError(f"'--column' must be a role and a column, such as user=customer (got '{pair}')")
        columns[role] = name
    return columns


def parse_names(text: str | None) -> list[str] | None:
    """Names of a comma-separated list; ``None`` stays."""
    return None if text is None else [name.strip() for name in text.split(",") if name.strip()]


def parse_list_lengths(text: str) -> tuple[int, ...]:
    """List lengths such as ``10,20``.

    Raises:
        ArgumentError: If one is no integer.
    """
    try:
        return tuple(int(part) for part in text.split(","))
    except ValueError as error:
        raise ArgumentError(f"'ks' must be integers separated by commas (got {text!r})") from error


def _read_mapping(key: str, text: str) -> dict[str, Any]:
    try:
        values = json.loads(text)
    except ValueError as error:
        raise ArgumentError(f"'{key}' must be a JSON object such as {{\"image\": 0.5}} (got {text!r})") from error
    if not isinstance(values, dict):
        raise ArgumentError(f"'{key}' must be a JSON object such as {{\"image\": 0.5}} (got {text!r})")
    return values


def read_value(key: str, text: str, annotation: Any) -> Any:
    """The value that a text means by the type of what it is for.

    Raises:
        ArgumentError: If it cannot be one; it names ``key`` and the type.
        UnknownNameError: If the type lists its values and it is none of them.
    """
    if get_origin(annotation) is Literal:
        if text not in get_args(annotation):
            raise UnknownNameError(f"value of '{key}'", text, get_args(annotation))
        return text
    kinds = (annotation,) if get_origin(annotation) is Mapping else get_args(annotation) or (annotation,)
    if type(None) in kinds and text.lower() == "none":
        return None
    if any(get_origin(kind) is Mapping for kind in kinds):
        return _read_mapping(key, text)
    if bool in kinds:
        if text.lower() in ("true", "false"):
            return text.lower() == "true"
        raise ArgumentError(f"'{key}' must be true or false (got {text!r})")
    if str in kinds or annotation is inspect.Parameter.empty:
        return text
    return _read_number(key, text, kinds)


def _read_number(key: str, text: str, kinds: Sequence[Any]) -> int | float:
    for kind in (int, float):
        if kind in kinds:
            try:
                return kind(text)
            except ValueError:
                continue
    names = " or ".join(kind.__name__ for kind in kinds if kind is not type(None))
    raise ArgumentError(f"'{key}' must be {names} (got {text!r})")
