"""Models that use content must gain from it."""

from typing import ClassVar

from gnnrec.data import Dataset
from gnnrec.errors import ArgumentError
from gnnrec.evaluation import EvalOptions, evaluate
from gnnrec.testing.datasets import missing_features, planted_dataset, shuffled_features
from gnnrec.testing.model_conformance import ModelConformance
from graphs import BipartiteGraph

__all__ = ["PlantedModality"]


class PlantedModality(ModelConformance):
    """Tests of a model that uses item features, beside the conformance suite."""

    twin: ClassVar[type[ModelConformance]]
    """Suite of the same model without content."""
    margin: ClassVar[float] = 0.3
    """Relative gain in Recall@20 over the twin that planted features must give."""
    shuffled_share: ClassVar[float] = 0.25
    """Share of that gain, at most, that may be left with shuffled features."""

    empty_share: ClassVar[float] = 0.25
    """Share of the gain, at most, by which a model without any content may differ from its twin, either way."""
    kept_share: ClassVar[float] = 0.5
    """Share of the gain, at least, that must be left with 30 % of the features missing."""
    works_without_content: ClassVar[bool] = True
    """Whether the model can be trained when no item has content."""

    @staticmethod
    def recall(suite: ModelConformance, dataset: Dataset) -> float:
        """Test Recall@20 of a suite's model after training, at the epoch that validation selects.

        The log is small: at the end of training every model has learned it by heart, and content hardly matters.
        """
        graph = BipartiteGraph.from_interactions(dataset.train)
        options = EvalOptions(ks=(20,), beyond_accuracy=False)
        return evaluate(suite.trained(dataset, select=True), graph, dataset.test, options).metrics["recall@20"]

    def test_planted_modality(self) -> None:
        """Content that shows the tastes beats the twin by the margin; shuffled content loses it."""
        dataset = planted_dataset()
        without = self.recall(self.twin(), dataset)
        gain = self.recall(self, dataset) / without - 1
        lost = self.recall(self, shuffled_features(dataset)) / without - 1
        assert gain >= self.margin, f"{self.model} gains {gain:.1%} over its twin from planted features"
        assert lost <= self.shuffled_share * gain, f"{self.model} keeps {lost:.1%} of {gain:.1%} with shuffled features"

    def test_missing_content(self) -> None:
        """With 30 % of the features missing most of the gain stays; with all missing the model is its twin."""
        dataset = planted_dataset()
        without = self.recall(self.twin(), dataset)
        gain = self.recall(self, dataset) - without
        partly = self.recall(self, missing_features(dataset, 0.3)) - without
        assert partly >= self.kept_share * gain, f"{self.model} keeps {partly:.3f} of {gain:.3f} with 30 % missing"
        nothing = missing_features(dataset, 1.0)
        if self.works_without_content:
            left = self.recall(self, nothing) - without
            assert abs(left) <= self.empty_share * gain, (
                f"{self.model} differs from its twin by {left:.3f} without any content"
            )
        else:
            try:
                self.trained(nothing)
            except ArgumentError as error:
                assert "no item has features" in str(error)
            else:
                raise AssertionError("a model that needs content must refuse data without any")
