"""Recommendations from a run folder."""

from gnnrec.serving.predictor import Predictor, load
from gnnrec.serving.results import Recommendations, RecommendedItem, SimilarItems

__all__ = ["Predictor", "Recommendations", "RecommendedItem", "SimilarItems", "load"]
