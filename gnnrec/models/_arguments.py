"""Checks of hyper-parameters that several models share."""

import math
from collections.abc import Mapping
from numbers import Integral, Real

from gnnrec.errors import ArgumentError

__all__ = [
    "check_feature_dims",
    "check_layers",
    "check_not_negative",
    "check_positive",
    "check_positive_integer",
    "check_share",
]

_MOST_LAYERS = 1000
"""Propagation has mixed everything long before; what asks for more is a mistake, and would never end."""


def check_feature_dims(model: str, feature_dims: object) -> None:
    """Refuse a model of item content without a modality, and lengths of features that are none.

    Args:
        model: The model's name in the registry.
        feature_dims: Length of the features of each modality by name.

    Raises:
        ArgumentError: If it is no mapping, there is no modality, one is called ``"interactions"`` like the term of
            ids, or a length is no positive integer.
    """
    if not isinstance(feature_dims, Mapping):
        raise ArgumentError(
            f"'feature_dims' must map names of modalities to lengths (got {feature_dims!r}), such as {{'image': 512}}"
        )
    if not feature_dims:
        raise ArgumentError(f"'feature_dims' must name at least one modality: {model} recommends from item content")
    if "interactions" in feature_dims:
        raise ArgumentError("'feature_dims' must not name a modality 'interactions': that is what the log itself tells")
    for name, dim in feature_dims.items():
        check_positive_integer(f"feature_dims[{name}]", dim)


def check_positive_integer(name: str, value: object) -> None:
    """Refuse anything but 1, 2, 3, ...

    Raises:
        ArgumentError: If ``value`` is something else.
    """
    if isinstance(value, bool) or not isinstance(value, Integral) or value < 1:
        raise ArgumentError(f"'{name}' must be a positive integer (got {value!r})")


def check_layers(name: str, value: object, *, least: int = 1) -> None:
    """Refuse numbers of layers that are none, or that no graph needs.

    Raises:
        ArgumentError: If ``value`` is no integer in [``least``, 1000].
    """
    if isinstance(value, bool) or not isinstance(value, Integral) or not least <= int(value) <= _MOST_LAYERS:
        raise ArgumentError(f"'{name}' must be an integer in [{least}, {_MOST_LAYERS}] (got {value!r})")


def check_not_negative(name: str, value: object) -> None:
    """Refuse negative numbers, infinity and NaN, and what is no number.

    Raises:
        ArgumentError: If ``value`` is one of these.
    """
    if not (isinstance(value, Real) and math.isfinite(value) and float(value) >= 0):
        raise ArgumentError(f"'{name}' must be a finite number of at least 0 (got {value!r})")


def check_positive(name: str, value: object) -> None:
    """Refuse zero, negative numbers, infinity and NaN, and what is no number.

    Raises:
        ArgumentError: If ``value`` is one of these.
    """
    if not (isinstance(value, Real) and math.isfinite(value) and float(value) > 0):
        raise ArgumentError(f"'{name}' must be a finite number above 0 (got {value!r})")


def check_share(name: str, value: object, *, of_all: bool = False) -> None:
    """Refuse anything but a share: at least 0, and less than 1 or, with ``of_all``, at most 1.

    Raises:
        ArgumentError: If ``value`` is something else.
    """
    if not (isinstance(value, Real) and 0 <= float(value) <= 1 and (of_all or float(value) < 1)):
        raise ArgumentError(f"'{name}' must lie in [0, 1{']' if of_all else ')'} (got {value!r})")
