"""The report of the training on ESC-10, and that it measures what the runs left behind."""

import json
from pathlib import Path

import pytest
from esc10_training import draw_curves, read_runs, report_lines
from PIL import Image

from encoders.training.stages import preset_options


@pytest.fixture
def runs(tmp_path: Path) -> Path:
    """Folders as :func:`~encoders.training.stages.run_folds` leaves them: two folds of two epochs."""
    for fold, accuracy in ((1, 0.75), (2, 0.85)):
        folder = tmp_path / f"fold-{fold}"
        folder.mkdir()
        (folder / "metrics.json").write_text(json.dumps({"test": {"accuracy": accuracy}, "peak_gigabytes": None}))
        records = [{"losses": {"classes": 2.0 / epoch, "transform": 0.5}, "seconds": 3.0 * epoch} for epoch in (1, 2)]
        (folder / "history.jsonl").write_text("".join(json.dumps(record) + "\n" for record in records))
    return tmp_path


def test_the_table_has_every_fold_with_mean_and_spread(runs: Path) -> None:
    found = read_runs("audio-pretrain", runs, [1, 2])
    assert found.losses == {1: [2.5, 1.5], 2: [2.5, 1.5]}
    lines = report_lines([found], {1: 0.6, 2: 0.7}, preset_options("scratch"), "audioclip-tiny", "the command")
    assert "| mean-spectrum | 60.0 | 70.0 | 65.0 | 7.1 | - | - |" in lines
    assert "| audio-pretrain | 75.0 | 85.0 | 80.0 | 7.1 | 4.5 | - |" in lines
    assert "    the command" in lines


def test_the_curves_are_drawn(runs: Path, tmp_path: Path) -> None:
    draw_curves([read_runs("audio-pretrain", runs, [1, 2])], tmp_path / "curves.png")
    with Image.open(tmp_path / "curves.png") as picture:
        assert picture.size[0] > 400
