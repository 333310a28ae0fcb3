"""Full ranking, metrics of each user, figures beyond accuracy, and significance."""

from gnnrec.evaluation.beyond_accuracy import beyond_accuracy
from gnnrec.evaluation.evaluate import Evaluation, evaluate
from gnnrec.evaluation.metrics import ranking_metrics
from gnnrec.evaluation.options import EvalOptions
from gnnrec.evaluation.ranking import Ranking, rank_items
from gnnrec.evaluation.top_items import tie_order

__all__ = [
    "EvalOptions",
    "Evaluation",
    "Ranking",
    "beyond_accuracy",
    "evaluate",
    "rank_items",
    "ranking_metrics",
    "tie_order",
]
