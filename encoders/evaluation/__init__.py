"""Figures of encoders: retrieval, zero-shot classification, querying across modalities, cross-validation."""

from encoders.evaluation.average_precision import average_precision
from encoders.evaluation.classification import (
    MeanAveragePrecision,
    accuracy,
    average_precision_by_class,
    confusion_matrix,
    mean_average_precision,
)
from encoders.evaluation.confusion_picture import draw_confusion_matrix
from encoders.evaluation.folds import FoldResults
from encoders.evaluation.label_sets import LabelSets, label_set_ids
from encoders.evaluation.median_rank import MedianRank, RetrievalRanks, median_rank, recall_at, retrieval_ranks
from encoders.evaluation.querying import QueryingResult, querying
from encoders.evaluation.zero_shot import (
    ZeroShotResult,
    multi_label_probabilities,
    single_label_probabilities,
    zero_shot,
    zero_shot_scores,
)

__all__ = [
    "FoldResults",
    "LabelSets",
    "MeanAveragePrecision",
    "MedianRank",
    "QueryingResult",
    "RetrievalRanks",
    "ZeroShotResult",
    "accuracy",
    "average_precision",
    "average_precision_by_class",
    "confusion_matrix",
    "draw_confusion_matrix",
    "label_set_ids",
    "mean_average_precision",
    "median_rank",
    "multi_label_probabilities",
    "querying",
    "recall_at",
    "retrieval_ranks",
    "single_label_probabilities",
    "zero_shot",
    "zero_shot_scores",
]
