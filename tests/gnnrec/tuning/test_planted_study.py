"""A study finds what was planted: data that only attention over both modalities can read."""

from pathlib import Path

import pytest
import torch

from gnnrec.models import FloatRange
from gnnrec.testing import planted_fusion_dataset
from gnnrec.training import TrainOptions
from gnnrec.tuning import StudySpace, TuneOptions, parse_feature_sets, tune
from gnnrec.tuning.report.importance import importances
from gnnrec.tuning.report.snapshot import StudySnapshot
from gnnrec.tuning.study_reader import StudyReader

SEEDS = range(5)


@pytest.mark.slow
@pytest.mark.timeout(1800)
def test_study_finds_the_planted_fusion(tmp_path: Path) -> None:
    """In 4 of 5 seeds at least within 30 trials; fusion or features are what matters most."""
    torch.set_num_threads(1)
    found, first = [], []
    for seed in SEEDS:
        dataset = planted_fusion_dataset(seed)
        space = StudySpace(
            ("vbpr",),
            ("concat", "attention", "graph"),
            tuple(parse_feature_sets(["all"], list(dataset.features))),
            {"learning_rate": FloatRange(3e-3, 1e-2, log=True), "regularization": FloatRange(1e-3, 1e-1, log=True)},
        )
        training = TrainOptions(max_epochs=60, patience=10, batch_size=256, device="cpu")
        # Nothing is pruned: what is left of a pruned study is mostly of the right fusion, and says little about it.
        options = TuneOptions(trials=30, finalists=1, seeds=(seed + 100,), seed=seed, prune=False, training=training)
        result = tune(dataset, space, name=f"planted-{seed}", folder=tmp_path, options=options, test=False)
        winner = result.best.candidate
        found.append(winner.arguments["fusion"] == "attention" and len(winner.features) == 2)
        reader = StudyReader(f"planted-{seed}", folder=tmp_path)
        first.append(importances(StudySnapshot.take(reader))[0].parameters[0])
        print(seed, winner, f"{result.best.mean:.3f}", first[-1])
    assert sum(found) >= 4, found
    assert all(name in ("fusion", "features") for name in first), first
