"""Validation of a model in training."""

from dataclasses import replace

from torch import Tensor

from gnnrec.data.interactions import Interactions
from gnnrec.evaluation import EvalOptions, evaluate, tie_order
from gnnrec.models import EmbeddingScorer, Recommender
from gnnrec.models.base import Features
from gnnrec.models.history_scorer import HistoryScorer
from graphs import BipartiteGraph

__all__ = ["Validation"]


class Validation:
    """Gives the accuracy of a model on the validation part, as the training loop asks for it.

    Args:
        graph: The training graph.
        features: Item features, on the same device.
        valid: The validation part.
        options: How to evaluate; figures beyond accuracy are left out.
        ties: See :func:`gnnrec.evaluation.evaluate`.
    """

    def __init__(
        self,
        graph: BipartiteGraph,
        features: Features,
        valid: Interactions,
        options: EvalOptions | None = None,
        *,
        ties: Tensor | None = None,
    ) -> None:
        self.graph = graph
        self.features = features
        self.ties = (tie_order(graph.num_items) if ties is None else ties).to(graph.device)
        self.positives = BipartiteGraph.from_interactions(valid).to(graph.device)
        self.options = replace(options or EvalOptions(), beyond_accuracy=False)

    def __call__(self, model: Recommender | HistoryScorer) -> dict[str, float]:
        """Metrics by name, such as ``"recall@20"``."""
        scorer = model
        if isinstance(model, Recommender):
            scorer = EmbeddingScorer(model.embeddings(self.graph, self.features))  # type: ignore[assignment]
        return evaluate(scorer, self.graph, self.positives, self.options, ties=self.ties).metrics  # type: ignore[arg-type]
