"""The report says what the runs left behind."""

import csv
import io
import math
import statistics
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import torch
from encoder_figures import panel_rows
from encoder_pictures import nearest_items
from encoder_plots import cost_panels, curve_panels, gain_panels, gains_file
from encoder_report import Report, runs_csv, to_markdown
from encoder_study import Plan
from fabricated_encoder_runs import FROZEN, JOINT, ORACLE, PLAN, TUNED, USER_VALUES, ZERO, make_report, write_runs
from svg_marks import even_ticks, log_ticks

from gnnrec.evaluation.significance import holm_correction, paired_t_test


@pytest.fixture(scope="module")
def report(tmp_path_factory: pytest.TempPathFactory) -> Report:
    return make_report(write_runs(tmp_path_factory.mktemp("runs")))


def cells_of(text: str) -> list[list[str]]:
    return [line.strip("| ").split(" | ") for line in text.splitlines() if line.startswith("|")]


def test_means_spreads_and_costs_are_those_of_the_seeds(report: Report) -> None:
    row = next(row for row in report.panels[0].rows if row.setting == FROZEN)
    mean = statistics.mean(USER_VALUES[FROZEN])
    figures = row.figures("test", "recall@20")
    assert figures.mean == pytest.approx(mean + 0.01)
    assert figures.spread == pytest.approx(0.02 / math.sqrt(2))
    assert row.seconds == pytest.approx(1 + 2 + 0 + 4.5 + 0.5)
    shown = next(
        cells for cells in cells_of(to_markdown(report)) if cells[:2] == ["audioclip-tiny", "frozen (random weights)"]
    )
    assert shown[2:4] == ["1, 2", "0.3100 ± 0.0141"]
    assert shown[5] == f"{mean + 0.01:.4f} ± 0.0141"
    assert shown[-3:] == ["8.0 (3.0, 4.5)", "700 (200)", "-"]


def test_gains_are_those_of_users_against_no_content_corrected_over_the_whole_report(report: Report) -> None:
    rows = {row.setting: row.comparison for row in report.panels[0].rows}
    zero = np.array(USER_VALUES[ZERO])
    for setting, one in rows.items():
        difference = np.array(USER_VALUES[setting]) - zero
        assert one.difference == pytest.approx(difference.mean())
        assert one.relative == pytest.approx(difference.mean() / (zero.mean() + 0.01))
        assert one.ci_low <= one.difference <= one.ci_high
        assert difference.min() - 1e-9 <= one.ci_low and one.ci_high <= difference.max() + 1e-9
    p_values = [paired_t_test(np.array(USER_VALUES[setting]) + 0.01, zero + 0.01) for setting in rows]
    assert [one.t_p_corrected for one in rows.values()] == pytest.approx(holm_correction(p_values).tolist())
    assert report.num_comparisons == 4 == len(rows)


def test_the_correction_is_over_all_models(tmp_path: Path) -> None:
    folders = write_runs(tmp_path)
    both = Plan((PLAN.panels[0], replace(PLAN.panels[0], model="again", settings=(FROZEN,))), (), {})
    one = Plan((replace(PLAN.panels[0], settings=(FROZEN,)),), (), {})
    alone = panel_rows(one, folders)[0].rows[0].comparison
    assert alone.t_p_corrected == pytest.approx(alone.t_p)
    assert panel_rows(both, folders)[1].rows[0].comparison.t_p_corrected > alone.t_p


def test_the_choice_reads_validation_and_leaves_files_of_features_aside(report: Report) -> None:
    assert report.panels[0].chosen.setting == TUNED
    (finding,) = report.findings()
    assert "validation chooses audioclip-tiny, finetune, with 0.4267 ± 0.0141 in test Recall@20" in finding
    assert "+0.1667 against bpr-mf without content" in finding


def test_what_encoders_learned(report: Report) -> None:
    rows = {row.setting: row for row in report.panels[0].rows}
    assert rows[FROZEN].turned is None and rows[ORACLE].turned is None
    assert rows[TUNED].turned == pytest.approx(0.5, abs=5e-3)
    assert rows[JOINT].turned == pytest.approx(1.0, abs=5e-3)
    assert rows[TUNED].pair_loss == (4.0, 2.0)
    assert "pair loss 4.00 to 2.00" in to_markdown(report)


def test_runs_that_kept_an_epoch_of_the_warm_up_are_counted(report: Report) -> None:
    rows = {row.setting: row for row in report.panels[0].rows}
    # All kept epoch 2; encoders learned with the recommender after epoch 1 with seed 1, after epoch 2 with seed 2.
    assert [run.kept_warm_up for run in rows[JOINT].runs] == [False, True]
    assert not any(run.kept_warm_up for setting in (FROZEN, TUNED, ORACLE) for run in rows[setting].runs)
    assert to_markdown(report).count("1 of 2 runs kept an epoch from before it") == 1


def test_other_users_are_refused(tmp_path: Path) -> None:
    folders = write_runs(tmp_path)
    path = folders[FROZEN, 1] / "metrics_per_user.parquet"
    pd.read_parquet(path).query("user_id != 'user-3'").to_parquet(path)
    with pytest.raises(ValueError, match=r"vbpr, audioclip-tiny, frozen: its runs have other users"):
        make_report(folders)


def test_a_report_without_its_zero_has_no_gains(tmp_path: Path) -> None:
    folders = {key: folder for key, folder in write_runs(tmp_path).items() if key[0] != ZERO}
    report = make_report(folders)
    assert report.panels[0].zero is None and report.num_comparisons == 0
    assert gain_panels(report) == []
    assert len(cost_panels(report)) == 1
    assert "| audioclip-tiny | finetune" in to_markdown(report)


def test_one_seed_has_no_spread(tmp_path: Path) -> None:
    text = to_markdown(make_report(write_runs(tmp_path, seeds=(1,))))
    assert not any("±" in cell for cells in cells_of(text) for cell in cells)


def test_the_table_of_runs(report: Report) -> None:
    rows = list(csv.DictReader(io.StringIO(runs_csv(report))))
    assert len(rows) == 12 == len(report.runs)
    row = next(row for row in rows if row["regime"] == "finetune" and row["seed"] == "2")
    assert float(row["test_recall@20"]) == pytest.approx(statistics.mean(USER_VALUES[TUNED]) + 0.02)
    assert (row["pair_loss_first"], row["pair_loss_last"], row["train_seconds"]) == ("4.0", "2.0", "6.0")
    assert "--encoder=audioclip-tiny --encoder-training=finetune" in row["command"]
    assert {row["command"].split()[0] for row in rows} == {"gnnrec"}
    assert not any("=/" in word or word.startswith("/") for row in rows for word in row["command"].split())


def test_the_rule_and_what_was_left_out_are_said(report: Report) -> None:
    text = to_markdown(report)
    joined = " ".join(text.split())
    assert "Gains are counted from the same method without content (bpr-mf for vbpr)." in joined
    assert "over all 4 comparisons of this report" in joined
    assert "- vbpr, resnet50, finetune: one kind of content" in text
    cold = replace(report, num_candidates=50, study=replace(report.study, split="cold-item", candidates="new"))
    assert "Gains are counted from the same model with random numbers for features" in cold.rule()
    assert "rank the 50 items that nobody took in training (Recall@20 by chance 0.40)" in cold.summary()


def test_plots_show_every_row(report: Report) -> None:
    (gains,) = [picture.markup() for picture in gain_panels(report)]
    for setting in (FROZEN, TUNED, JOINT, ORACLE):
        assert f"<title>{setting}: +" in gains
    (costs,) = [picture.markup() for picture in cost_panels(report)]
    assert costs.count("<title>") == 5
    (curves,) = [picture.markup() for picture in curve_panels(report)]
    assert curves.count("<polyline") == 10
    assert gains_file(report).count("<svg") == 2


def test_neighbours_go_by_what_both_items_have() -> None:
    everywhere = torch.ones(5, dtype=torch.bool)
    image = torch.tensor([[1.0, 0.0], [1.0, 0.1], [0.0, 1.0], [1.0, 0.3], [0.0, 1.0]])
    audio = torch.tensor([[1.0, 0.0], [0.0, 1.0], [1.0, 0.0], [1.0, 0.0], [1.0, 0.0]])
    heard = torch.tensor([True, False, True, True, False])
    # Of item 0: by images 1, 3, then 2 and 4; 1 has no sound, and that of 2 and 3 is the same.
    assert nearest_items({"image": (image, everywhere)}, [0], 2) == [[1, 3]]
    assert nearest_items({"image": (image, everywhere), "audio": (audio, heard)}, [0], 3) == [[1, 3, 2]]
    assert nearest_items({"audio": (audio, heard)}, [0, 1], 4) == [[2, 3], []]


def test_ticks_are_round_and_inside() -> None:
    assert even_ticks(-0.23, 0.25, 5) == pytest.approx([-0.2, -0.1, 0.0, 0.1, 0.2])
    assert even_ticks(1, 7, 5, whole=True) == [2, 4, 6]
    assert even_ticks(0.3, 0.3, 4) == [0.3]
    assert log_ticks(0.09, 25) == pytest.approx([0.1, 0.3, 1, 3, 10])
    assert log_ticks(2.0, 2.0) == [2.0]
