"""A recommender and its encoders as one model."""

from typing import Any

import torch
from torch import Tensor

from gnnrec.errors import ArgumentError
from gnnrec.models.base import Batch, Embeddings, Features, Recommender
from gnnrec.training.live_features import LiveFeatures
from graphs import BipartiteGraph

__all__ = ["EndToEnd"]


class EndToEnd(Recommender):
    """A multimodal recommender whose features are made by encoders that learn with it.

    Neither knows of the other: the recommender is given features as always, and for a training step those of the
    step's items carry gradients to the encoders. In evaluation mode features come from memory, encoded anew when
    :class:`~gnnrec.training.live_options.LiveOptions` says so.

    Args:
        model: Any recommender with features of the names and lengths of ``live``, and of others, which stay frozen.
        live: The encoders with their items.
    """

    needs_features = True

    def __init__(self, model: Recommender, live: LiveFeatures) -> None:
        super().__init__(model.num_users, model.num_items)
        self.model = model
        self.live = live

    def reset_parameters(self) -> None:
        """Draw the recommender's parameters anew; the encoders stay as they are."""
        self.model.reset_parameters()

    def begin_epoch(self, graph: BipartiteGraph, features: Features) -> None:
        """Count the epoch, and let the recommender prepare its own from the features in memory."""
        current = self._current(features)
        self.live.begin_epoch()
        self.model.begin_epoch(graph, current)

    def forward(self, graph: BipartiteGraph, features: Features) -> Embeddings:
        """Embeddings by the features in memory."""
        embeddings: Embeddings = self.model(graph, self._current(features))
        return embeddings

    def loss(self, graph: BipartiteGraph, features: Features, batch: Batch) -> dict[str, Tensor]:
        """The recommender's loss, by features with gradient."""
        touched = torch.unique(torch.cat([batch.positives, batch.negatives]))
        return self.model.loss(graph, {**features, **self.live.touch(touched)}, batch)

    def item_fold_in(self, graph: BipartiteGraph, features: Features) -> Tensor | None:
        """The recommender's, by the features in memory."""
        return self.model.item_fold_in(graph, self._current(features))

    def item_parts(self, graph: BipartiteGraph, features: Features) -> dict[str, Tensor] | None:
        """The recommender's, by the features in memory."""
        return self.model.item_parts(graph, self._current(features))

    def parameter_groups(self) -> list[dict[str, Any]]:
        """The recommender's parameters, and the encoders' with a learning rate and weight decay of their own."""
        encoders = {
            "params": self.live.trained_parameters(),
            "lr": self.live.options.learning_rate,
            "weight_decay": self.live.options.weight_decay,
        }
        return [*self.model.parameter_groups(), encoders]

    def require_gradient(self, name: str, graph: BipartiteGraph, features: Features, batch: Batch) -> None:
        """See to it that the loss reaches the encoders; some recommenders only look up neighbours by content.

        Args:
            name: Of the recommender, for the message.
            graph: The training graph.
            features: Features that stay frozen.
            batch: Any step's triples.

        Raises:
            ArgumentError: If no parameter of any encoder gets a gradient.
        """
        with torch.random.fork_rng(devices=[]), self.live.encoding_for_sure():
            loss = torch.stack(list(self.loss(graph, features, batch).values())).sum()
            parameters = self.live.trained_parameters()
            found = torch.autograd.grad(loss, parameters, allow_unused=True) if loss.requires_grad else ()
        if all(gradient is None for gradient in found):
            names = ", ".join(map(repr, self.live.names))
            raise ArgumentError(
                f"'{name}' uses {names} in a way that has no gradient (such as neighbours by content), so encoders "
                "cannot learn from its loss; train it on frozen or fine-tuned features, or choose another model"
            )

    def _current(self, features: Features) -> Features:
        return {**features, **self.live.current()}
