"""Conformance suites that every model has to pass, for models of one's own too.

Subclass in a test file and name the model::

    class TestLightGCN(ModelConformance):
        model = "lightgcn"
"""

from gnnrec.testing.datasets import checkerboard_dataset, missing_features, planted_dataset, shuffled_features
from gnnrec.testing.model_conformance import ModelConformance
from gnnrec.testing.planted_fusion import planted_fusion_dataset
from gnnrec.testing.planted_modality import PlantedModality

__all__ = [
    "ModelConformance",
    "PlantedModality",
    "checkerboard_dataset",
    "missing_features",
    "planted_dataset",
    "planted_fusion_dataset",
    "shuffled_features",
]
