"""Recommendations from a run folder."""

from gnnrec.serving.predictor import Predictor, load
from gnnrec.serving.results import RecommendedItem, Recommendations, SimilarItems

__all__ = ["Predictor", "RecommendedItem", "Recommendations", "SimilarItems", "load"]
