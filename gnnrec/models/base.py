"""What every embedding recommender has."""

from abc import ABC, abstractmethod
from collections.abc import Mapping
from typing import Any, ClassVar, NamedTuple

import torch
from torch import Tensor, nn

from gnnrec.data.item_features import ItemFeatures
from gnnrec.models._arguments import check_positive_integer
from gnnrec.models.batch import Batch
from gnnrec.models.given import Given, with_batch, with_data
from gnnrec.models.ranges import Range
from graphs import BipartiteGraph

__all__ = ["Batch", "Embeddings", "Features", "Recommender"]

Features = Mapping[str, ItemFeatures]


class Embeddings(NamedTuple):
    """Final user and item vectors; the score of a pair is their dot product."""

    user: Tensor
    """Shape: (num_users, d)."""
    item: Tensor
    """Shape: (num_items, d)."""


class Recommender(nn.Module, ABC):
    """Base of the models that give one vector a user and one an item.

    The graph and the features are arguments of every call, so a model can be used in any training loop. Nothing is
    kept between calls but what a method's ``begin_epoch`` prepares for the training steps of one epoch, on the graph
    and features that it was given; evaluation never uses that.

    A subclass writes ``forward``, ``loss`` and the other methods for a :class:`~graphs.BipartiteGraph`, features of
    :class:`~gnnrec.data.item_features.ItemFeatures` and a :class:`Batch`. Callers may give tensors in their place,
    which are checked and made into these: an ``edge_index`` as PyG's of edges from users to items, shape (2, E), users
    in row 0 and items in row 1, **both counted from 0**; ``{"image": tensor}`` for content of every item, shape
    (num_items, d); ``(users, positives, negatives)``. Like those of a graph, such tensors must not be changed in place
    unless they learn: give another tensor. Wrong ones are refused with an error that names the argument.

    Args:
        num_users: Number of users.
        num_items: Number of items.
        feature_dims: Length of the features of each modality by name, to check those given; none by default.

    Raises:
        ArgumentError: If a number is no positive integer.
    """

    needs_features: ClassVar[bool] = False
    """Whether the model cannot do without item features."""
    scores_new_items: ClassVar[bool] = False
    """Whether content alone places an item that nobody has taken."""
    search_space: ClassVar[Mapping[str, Range]] = {}
    """What a search may try, by constructor argument; ``learning_rate`` and ``batch_size`` are training's."""
    paper_setting: ClassVar[Mapping[str, Any]] = {}
    """The paper's values where they differ from the defaults, by the same names; a search tries them first."""

    prepared: Any = None
    """What ``begin_epoch`` prepared. Copies and pickles leave it out; where parameters are loaded it is forgotten."""

    def __init__(self, num_users: int, num_items: int, feature_dims: Mapping[str, int] | None = None) -> None:
        super().__init__()
        check_positive_integer("num_users", num_users)
        check_positive_integer("num_items", num_items)
        self.num_users = num_users
        self.num_items = num_items
        self._given = Given(num_users, num_items, feature_dims)

    def __init_subclass__(cls, **options: Any) -> None:
        super().__init_subclass__(**options)
        for name in {"forward", "begin_epoch", "item_fold_in", "item_parts"} & vars(cls).keys():
            setattr(cls, name, with_data(vars(cls)[name]))
        if "loss" in vars(cls):
            cls.loss = with_batch(vars(cls)["loss"])  # type: ignore[method-assign]

    def __getstate__(self) -> dict[str, Any]:
        return vars(self) | {"prepared": None}

    def _load_from_state_dict(self, *arguments: Any, **options: Any) -> None:
        super()._load_from_state_dict(*arguments, **options)
        self.prepared = None  # by other parameters

    @abstractmethod
    def forward(self, graph: BipartiteGraph, features: Features) -> Embeddings:
        """Embeddings of all users and items.

        Args:
            graph: The training graph.
            features: Item features by name, on the model's device.
        """

    @abstractmethod
    def loss(self, graph: BipartiteGraph, features: Features, batch: Batch) -> dict[str, Tensor]:
        """Named loss terms of one step, scalars; the training loop adds them up."""

    @abstractmethod
    def reset_parameters(self) -> None:
        """Draw all parameters anew."""

    def begin_epoch(self, graph: BipartiteGraph, features: Features) -> None:
        """Hook for methods that rebuild a graph or prune edges once an epoch; does nothing here."""

    def parameter_groups(self) -> list[dict[str, Any]]:
        """Groups of parameters for an optimizer; one may have a learning rate and weight decay of its own."""
        return [{"params": list(self.parameters())}]

    def item_fold_in(self, graph: BipartiteGraph, features: Features) -> Tensor | None:
        """What an item adds to the vector of a user who was not in training, where the method defines it.

        That user's vector is the sum over the history, divided by the square root of its length.

        Returns:
            Shape: (num_items, d); ``None`` here.
        """
        return None

    def item_parts(self, graph: BipartiteGraph, features: Features) -> dict[str, Tensor] | None:
        """The item vectors as a sum of named terms, for explanations.

        Terms are named after the modalities, and ``"interactions"`` for what belongs to none: ids and the log. Where
        ids are spread over a modality's item graph, most models count the result as that modality's; each says what
        it does. The sum is the item vectors of ``forward`` in evaluation mode; a user's score splits into the products
        with each.

        Returns:
            Shape of each: (num_items, d); ``None`` here: the method knows no such split.
        """
        return None

    @torch.no_grad()
    def modality_usage(self, graph: BipartiteGraph, features: Features) -> dict[str, Tensor] | None:
        """How much of each item's vector comes from each modality, for plots and reports.

        Shares of the lengths of the terms of :meth:`item_parts`, in evaluation mode; they sum to 1 for each item, and
        are 0 where its vector is.

        Returns:
            Shape of each: (num_items,); ``None`` where the method knows no such split.
        """
        training = self.training
        self.eval()
        try:
            parts = self.item_parts(graph, features)
        finally:
            self.train(training)
        if parts is None:
            return None
        length = {name: torch.linalg.vector_norm(part, dim=1) for name, part in parts.items()}
        total = torch.stack(list(length.values())).sum(0).clamp(min=1e-12)
        return {name: value / total for name, value in length.items()}

    @torch.no_grad()
    def embeddings(self, graph: BipartiteGraph, features: Features) -> Embeddings:
        """Embeddings in evaluation mode, without gradient; the model's mode is restored."""
        training = self.training
        self.eval()
        try:
            return self(graph, features)  # type: ignore[no-any-return]
        finally:
            self.train(training)

    def extra_repr(self) -> str:
        """Sizes shown by ``repr``."""
        return f"num_users={self.num_users}, num_items={self.num_items}"
