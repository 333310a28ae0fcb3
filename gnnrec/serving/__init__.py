"""Recommendations from a run folder."""

from gnnrec.serving.explanation import Explanation, HistoryItem
from gnnrec.serving.predictor import Predictor, load
from gnnrec.serving.results import Recommendations, RecommendedItem, SimilarItems

__all__ = [
    "Explanation",
    "HistoryItem",
    "Predictor",
    "Recommendations",
    "RecommendedItem",
    "SimilarItems",
    "load",
]
