"""Studies with Optuna: which model, fusion, features and hyper-parameters are best on given data."""

from gnnrec.tuning.candidate import Candidate
from gnnrec.tuning.comparison import TestComparison
from gnnrec.tuning.feature_sets import parse_feature_sets
from gnnrec.tuning.finalists import Finalist
from gnnrec.tuning.options import TuneOptions
from gnnrec.tuning.space import StudySpace
from gnnrec.tuning.storage import StudyStorage
from gnnrec.tuning.tune import TuningResult, tune

__all__ = [
    "Candidate",
    "Finalist",
    "StudySpace",
    "StudyStorage",
    "TestComparison",
    "TuneOptions",
    "TuningResult",
    "parse_feature_sets",
    "tune",
]
