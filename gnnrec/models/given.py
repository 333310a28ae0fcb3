"""What callers give a model: checked and brought into one form in one place, for every model alike."""

import functools
from collections.abc import Callable, Mapping
from typing import Any

import torch
from torch import Tensor

from gnnrec.data.item_features import ItemFeatures
from gnnrec.errors import ArgumentError, DataError
from gnnrec.models.batch import Batch
from gnnrec.nn.content import modality_of
from graphs import BipartiteGraph

__all__ = ["Given", "as_graph", "with_batch", "with_data"]

_Known = dict[str, tuple[Tensor, ItemFeatures]]


class Given:
    """The graph, the features and the batch of a call, checked against a model's sizes.

    What stands for plain tensors is kept until others are given, with all that is worked out from it; copies and
    pickles leave it out.

    Args:
        num_users: Number of the model's users.
        num_items: Number of the model's items.
        feature_dims: Lengths of the features that the model was made for, by name.
    """

    def __init__(self, num_users: int, num_items: int, feature_dims: Mapping[str, int] | None = None) -> None:
        self.num_users = num_users
        self.num_items = num_items
        self.feature_dims = dict(feature_dims or {})
        self._graph: tuple[Tensor, BipartiteGraph] | None = None
        self._features: _Known = {}
        self._is_numbering_known = False

    def __getstate__(self) -> dict[str, Any]:
        return vars(self) | {"_graph": None, "_features": {}}

    def graph(self, graph: object) -> BipartiteGraph:
        """The graph of the model's users and items.

        Raises:
            ArgumentError: If it is none, or of other sizes.
        """
        if isinstance(graph, Tensor):
            if self._graph is None or self._graph[0] is not graph:
                self._graph = graph, _graph_of_edges(graph, self.num_users, self.num_items)
            return self._graph[1]
        graph = as_graph(graph)
        if (graph.num_users, graph.num_items) != (self.num_users, self.num_items):
            raise ArgumentError(
                f"'graph' must have the model's {self.num_users} users and {self.num_items} items "
                f"(got {graph.num_users} and {graph.num_items})"
            )
        return graph

    def features(self, features: object) -> dict[str, ItemFeatures]:
        """The features by name.

        Raises:
            ArgumentError: If they are none, are of another number of items, or of another length.
            DataError: If a plain tensor holds NaN, infinity or numbers that are too large.
        """
        if not isinstance(features, Mapping | None):
            raise ArgumentError(
                f"'features' must be a mapping of names to ItemFeatures or tensors (got {_kind(features)}), "
                'such as {"image": tensor}'
            )
        found = {name: _item_features(name, one, self._features) for name, one in (features or {}).items()}
        for name, one in found.items():
            if one.num_items != self.num_items:
                raise ArgumentError(
                    f"features '{name}' must have a row for each of the model's {self.num_items} items "
                    f"(got {one.num_items} rows)"
                )
            modality_of(found, name, self.feature_dims.get(name))
        return found

    def batch(self, batch: Any) -> Batch:
        """The triples.

        On a CPU, positions are checked in each batch. Elsewhere that would make the host wait for the device at every
        step, so only the first batch is: what numbers items from the number of users on, or from 1, shows there.

        Raises:
            ArgumentError: If they are no three columns of positions, or there are none.
        """
        if not (isinstance(batch, tuple | list) and len(batch) == 3 and all(isinstance(one, Tensor) for one in batch)):
            raise ArgumentError(
                f"'batch' must be Batch(users, positives, negatives), three int64 tensors (got {_kind(batch)})"
            )
        users, positives, negatives = batch
        if not (users.dim() == 1 and users.shape == positives.shape == negatives.shape) or any(
            one.dtype != torch.int64 for one in batch
        ):
            found = ", ".join(f"{one.dtype} of shape {tuple(one.shape)}" for one in batch)
            raise ArgumentError(f"'batch' must hold three int64 tensors of one shape (B,) (got {found})")
        if not users.numel():
            raise ArgumentError("'batch' must hold at least one triple (got none): a mean over nothing is no loss")
        if not self._is_numbering_known or users.device.type == "cpu":
            sizes = self.num_users, self.num_items, self.num_items
            for name, positions, size in zip(("users", "positives", "negatives"), batch, sizes, strict=True):
                _check_positions(f"'{name}' of 'batch'", positions, size)
            self._is_numbering_known = True
        return Batch(users, positives, negatives)


def as_graph(graph: object) -> BipartiteGraph:
    """The graph itself.

    Raises:
        ArgumentError: If it is something else.
    """
    if not isinstance(graph, BipartiteGraph):
        raise ArgumentError(
            f"'graph' must be a BipartiteGraph (got {_kind(graph)}); "
            "BipartiteGraph(edge_index, num_users, num_items) makes one of a tensor"
        )
    return graph


def with_data(method: Callable[..., Any]) -> Callable[..., Any]:
    """A method of a recommender that gets the graph and the features as :class:`Given` has them."""

    @functools.wraps(method)
    def checked(self: Any, graph: Any, features: Any, *rest: Any, **options: Any) -> Any:
        return method(self, self._given.graph(graph), self._given.features(features), *rest, **options)

    return checked


def with_batch(loss: Callable[..., Any]) -> Callable[..., Any]:
    """The same for a loss, which gets the batch so, too."""

    @functools.wraps(loss)
    def checked(self: Any, graph: Any, features: Any, batch: Any, *rest: Any, **options: Any) -> Any:
        return loss(self, graph, features, self._given.batch(batch), *rest, **options)

    return with_data(checked)


@torch.inference_mode(False)  # what is kept must serve training, too
def _graph_of_edges(edges: Tensor, num_users: int, num_items: int) -> BipartiteGraph:
    if edges.dim() != 2 or edges.shape[0] != 2 or edges.dtype != torch.int64:
        raise ArgumentError(
            "'graph' must be a BipartiteGraph or an edge_index, int64 of shape (2, E) "
            f"(got {edges.dtype} of shape {tuple(edges.shape)})"
        )
    for name, row, size in (("users", edges[0], num_users), ("items", edges[1], num_items)):
        _check_positions(f"{name} of the edge_index 'graph'", row, size)
    return BipartiteGraph(edges, num_users, num_items)


@torch.inference_mode(False)
def _item_features(name: str, given: object, known: _Known) -> ItemFeatures:
    if isinstance(given, ItemFeatures):
        return given
    if not isinstance(given, Tensor):
        raise ArgumentError(f"features '{name}' must be ItemFeatures or a tensor (got {_kind(given)})")
    if name in known and known[name][0] is given:
        return known[name][1]
    try:
        made = ItemFeatures(given)
    except (ArgumentError, DataError) as error:
        raise type(error)(f"features '{name}': {error}") from None
    if not given.requires_grad:  # what learns changes without being another tensor, so nothing is kept of it
        known[name] = given, made
    return made


def _check_positions(name: str, positions: Tensor, size: int) -> None:
    if not positions.numel():
        return
    low, high = torch.stack(torch.aminmax(positions)).tolist()
    if low < 0 or high >= size:
        raise ArgumentError(
            f"{name} must lie in [0, {size}) (got {low} to {high}); users and items are both counted from 0"
        )


def _kind(value: object) -> str:
    return "None" if value is None else type(value).__name__
