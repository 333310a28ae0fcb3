"""Models by name."""

import fnmatch
import inspect
from collections.abc import Callable
from typing import Any, TypeVar

from gnnrec.errors import ArgumentError, UnknownNameError
from gnnrec.models.base import Recommender
from gnnrec.models.history_scorer import HistoryScorer

__all__ = ["ModelClass", "create_model", "list_models", "model_arguments", "model_class", "register_model"]

ModelClass = type[Recommender] | type[HistoryScorer]
_MODELS: dict[str, ModelClass] = {}
_Class = TypeVar("_Class", bound=ModelClass)

DATA_ARGUMENTS = ("num_users", "num_items", "feature_dims")
"""Constructor arguments that follow from the data; a user of the command line never sets them."""


def register_model(name: str) -> Callable[[_Class], _Class]:
    """Class decorator that makes a model available under ``name``.

    Raises:
        ArgumentError: If the name is taken, or what is decorated is no class of a model.
    """

    def register(model: _Class) -> _Class:
        if not (isinstance(model, type) and issubclass(model, (Recommender, HistoryScorer))):
            raise ArgumentError(
                f"model '{name}' must be a class derived from Recommender or HistoryScorer (got {model!r})"
            )
        if name in _MODELS:
            raise ArgumentError(f"model name '{name}' is taken by {_MODELS[name].__qualname__}")
        _MODELS[name] = model
        return model

    return register


def list_models(pattern: str = "*") -> list[str]:
    """Names of the registered models that match a shell pattern, sorted.

    Example:
        >>> list_models("light*")
        ['light-mgcn', 'lightgcn']
    """
    return sorted(fnmatch.filter(_MODELS, pattern))


def model_class(name: str) -> ModelClass:
    """The class registered under ``name``.

    Raises:
        UnknownNameError: If there is none; near matches are named.
    """
    if name not in _MODELS:
        raise UnknownNameError("model", name, _MODELS)
    return _MODELS[name]


def model_arguments(name: str) -> dict[str, inspect.Parameter]:
    """Hyper-parameters of a model by name: its constructor's arguments less those that follow from the data."""
    parameters = inspect.signature(model_class(name)).parameters
    return {key: value for key, value in parameters.items() if key not in DATA_ARGUMENTS}


def create_model(name: str, **arguments: Any) -> Recommender | HistoryScorer:
    """Make a model by name.

    Args:
        name: Registered name, see :func:`list_models`.
        **arguments: The constructor's arguments. ``num_users``, ``num_items`` and ``feature_dims`` may always be
            given; a model that has no such argument does without.

    Raises:
        UnknownNameError: If the model or an argument does not exist; near matches are named.

    Example:
        >>> create_model("lightgcn", num_users=3, num_items=4, embedding_dim=8)
        LightGCN(num_users=3, num_items=4, embedding_dim=8, num_layers=3)
    """
    known = inspect.signature(model_class(name)).parameters
    for key in arguments:
        if key not in known and key not in DATA_ARGUMENTS:
            raise UnknownNameError(f"argument of '{name}'", key, model_arguments(name))
    return model_class(name)(**{key: value for key, value in arguments.items() if key in known})
