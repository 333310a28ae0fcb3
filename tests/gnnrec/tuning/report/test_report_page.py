"""What the page says."""

import json
import re
import shutil
import sys
from html import unescape
from pathlib import Path

import pytest
from small_studies import NAME, write_failed_study

from gnnrec.cli.main import main
from gnnrec.errors import MissingExtraError
from gnnrec.tuning.report import write_report
from gnnrec.tuning.report.dashboard import dashboard_command
from gnnrec.tuning.report.page import POLICY
from gnnrec.tuning.study_reader import StudyReader


def words(page: str) -> str:
    """Text of the page, as people read it."""
    body = re.sub(r"<(script|style)[^>]*>.*?</\1>", "", page, flags=re.DOTALL)
    return re.sub(r"\s+", " ", unescape(re.sub(r"<[^>]+>", " ", body)))


def report_of(folder: Path) -> str:
    write_report(StudyReader(NAME, folder=folder.parent))
    return (folder / "report.html").read_text(encoding="utf-8")


@pytest.fixture()
def copy(finished: Path, tmp_path: Path) -> Path:
    """A copy of the finished study, to change."""
    return Path(shutil.copytree(finished, tmp_path / NAME, ignore=shutil.ignore_patterns("runs", "report*")))


@pytest.fixture(scope="module")
def page(finished: Path) -> str:
    return (finished / "report.html").read_text(encoding="utf-8")


def test_the_headline_names_data_trials_and_winner(page: str, finished: Path) -> None:
    reader = StudyReader(NAME, folder=finished.parent)
    said = words(page)
    assert f"planted <&> data (fingerprint {reader.settings['data']['fingerprint'][:8]}), split: given" in said
    counted = re.search(r"trials (\d+) complete, (\d+) pruned, 0 failed", said)
    assert counted and sum(map(int, counted.groups())) == 14
    assert re.search(r"training [\d.]+ s in the trials together", said)
    assert "recall@20 on validation, maximised" in said
    best = reader.best()
    assert f"Winner: {best.candidate}, with a validation recall@20 of {best.mean:.4f} ± {best.spread:.4f}" in said
    assert "over 2 seeds" in said
    assert reader.command(best) in said
    assert "The data were made in Python; the command needs their path." in said


def test_tables_hold_what_the_study_found(page: str, finished: Path) -> None:
    reader = StudyReader(NAME, folder=finished.parent)
    assert reader.result is not None
    said = words(page)
    for one in reader.result["finalists"]:
        assert f"{one['mean']:.4f} ± {one['spread']:.4f} " + ", ".join(f"{v:.4f}" for v in one["values"]) in said
    complete = [trial for trial in reader.study.get_trials(deepcopy=False) if trial.state.name == "COMPLETE"]
    first = max(complete, key=lambda trial: trial.values[0])
    table = said.partition("Best trials trial state recall@20 candidate best epoch of seconds ")[2]
    assert table.startswith(f"{first.number} complete {first.values[0]:.4f} ")
    assert f"{first.user_attrs['best_epoch']} of {first.user_attrs['epochs']} " in table
    vbpr = [one for one in complete if one.params["model"] == "vbpr" and one.params.get("fusion") == "attention"]
    values = [one.values[0] for one in vbpr]
    assert f"vbpr attention {max(values):.4f} {sum(values) / len(values):.4f} {len(values)} " in said
    assert "vbpr.content_dim 32, 64, 128 model is vbpr" in said
    assert "startup_trials 5 prune yes" in said
    assert "Importance of model, fusion and features" in said
    assert f"optuna-dashboard {finished / 'study.journal'}" in said


def test_differences_are_the_winner_minus_the_other(copy: Path) -> None:
    """They are stored the other way round."""
    path = copy / "result.json"
    result = json.loads(path.read_text())
    stored = {"difference": 0.0533, "ci_low": 0.0437, "ci_high": 0.0629}
    stored |= {"t_p_corrected": 1.8e-26, "wilcoxon_p_corrected": 0.25}
    for one in result["test"]["comparisons"]:
        one.update(stored if one["a"] == "classical" else {"difference": -0.02, "t_p_corrected": 0.03})
    path.write_text(json.dumps(result))
    said = words(report_of(copy))
    minus = "\N{MINUS SIGN}"
    assert f"{minus}0.0533 {minus}0.0629 to {minus}0.0437 < 0.0001 0.25" in said
    assert (
        f"the winner is worse than the best model without content (ease): recall@20 {minus}0.0533, p < 0.0001" in said
    )
    assert "the winner is better than its model as shipped" in said and "recall@20 +0.0200, p = 0.03" in said


def test_a_study_without_a_result_says_so(copy: Path) -> None:
    (copy / "result.json").unlink()
    said = words(report_of(copy))
    assert "Best trial so far" in said and "Winner" not in said
    assert "The study is not finished: there are neither finalists with several seeds nor a test." in said
    assert "None yet: the study is not finished." in said


def test_a_study_that_was_made_longer_says_so(copy: Path) -> None:
    path = copy / "result.json"
    path.write_text(json.dumps(json.loads(path.read_text()) | {"trials": 10}))
    assert "finalists and test are of its first 10 trials, and 14 are finished now" in words(report_of(copy))


def test_finalists_that_lack_a_seed_have_no_mean(copy: Path) -> None:
    path = copy / "result.json"
    result = json.loads(path.read_text())
    result["finalists"][1] |= {"values": [], "mean": -float("inf"), "spread": None}
    path.write_text(json.dumps(result))
    assert "not trained with every seed" in words(report_of(copy))


def test_a_study_whose_trials_all_failed_has_a_report(tmp_path: Path) -> None:
    write_failed_study(tmp_path / NAME / "study.journal")
    written = write_report(StudyReader(NAME, folder=tmp_path))
    assert [path.name for path in written] == ["report.html"]
    page = written[0].read_text(encoding="utf-8")
    said = words(page)
    assert "0 complete, 0 pruned, 4 failed" in said
    assert "there is no best candidate yet" in said
    assert "Importance of parameters No trial is complete." in said
    assert "failed: the loss is <not> finite" in said and "<not>" not in page


@pytest.mark.parametrize(
    ("complete", "reason"),
    [(2, "It takes 5 complete trials at least; there are 2."), (8, "The 8 complete trials do not differ.")],
)
def test_importance_that_cannot_be_measured_says_why(tmp_path: Path, complete: int, reason: str) -> None:
    write_failed_study(tmp_path / NAME / "study.journal", complete=complete)
    written = write_report(StudyReader(NAME, folder=tmp_path))
    assert reason in words(written[0].read_text(encoding="utf-8"))
    assert "report_importance.png" not in {path.name for path in written}


def test_the_page_asks_for_nothing_from_outside(page: str) -> None:
    markup = re.sub(r"<(script|style)[^>]*>.*?</\1>", "", page, flags=re.DOTALL)
    assert "://" not in markup
    sources = re.findall(r'(?:src|href|action|data|poster)="([^"]*)"', markup)
    assert sources and all(source.startswith("data:") for source in sources)
    assert POLICY in page and "http" not in POLICY
    style = re.findall(r"<style>(.*?)</style>", page, re.DOTALL)[0]
    assert "url(" not in style and "@import" not in style
    assert page.count("plotly.js v") == 1


def test_names_of_the_data_cannot_end_the_script(page: str) -> None:
    plots = re.findall(r'id="plots">(.*?)</script>', page, re.DOTALL)[0]
    assert "<" not in plots
    assert len(json.loads(plots)) == page.count('class="plot"') > 5


def test_passwords_are_hidden_wherever_a_url_has_them() -> None:
    location = "postgresql://anna:hush@host:5432/db?sslpassword=hush&connect_timeout=1"
    shown = "postgresql://anna:PASSWORD@host:5432/db?connect_timeout=1&sslpassword=PASSWORD"
    assert dashboard_command(location) == f"optuna-dashboard '{shown}'"


def test_a_study_in_a_database_hides_its_password(tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path / 'studies.db'}"
    write_failed_study(url, complete=6)
    reader = StudyReader(NAME, folder=tmp_path, storage=url)
    reader.location = "mysql+pymysql://anna:hush@host/db"
    page = write_report(reader)[0]
    assert page.parent == tmp_path / NAME  # made, because only the database has the study
    content = page.read_text(encoding="utf-8")
    assert "hush" not in content
    assert "optuna-dashboard mysql+pymysql://anna:PASSWORD@host/db" in content
    assert "Put the password in the place of" in content


def test_several_objectives_have_a_pareto_front(with_costs: Path, page: str) -> None:
    said = words((with_costs / "report.html").read_text(encoding="utf-8"))
    assert "Pareto front of recall@20 and epoch_seconds" in said
    assert "epoch_seconds, minimised (mean seconds of a training epoch)" in said
    assert "No trial reported epochs. With several objectives none is reported." in said
    assert "There was no test." in said
    assert "Pareto" not in words(page)


def test_the_command_prints_what_it_wrote(
    copy: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sys, "argv", ["gnnrec", "tune", "report", NAME, "--folder", str(copy.parent)])
    with pytest.raises(SystemExit) as stopped:
        main()
    assert not stopped.value.code
    printed = [Path(line) for line in capsys.readouterr().out.splitlines()]
    assert printed[0] == copy / "report.html" and all(path.is_file() for path in printed)
    assert {path.name for path in printed} == {path.name for path in copy.glob("report*")}


@pytest.mark.parametrize("package", ["plotly", "matplotlib"])
def test_a_missing_package_is_named(copy: Path, monkeypatch: pytest.MonkeyPatch, package: str) -> None:
    monkeypatch.setitem(sys.modules, package, None)
    with pytest.raises(MissingExtraError, match=f"report of a study needs '{package}'.*gnnrec\\[tune\\]"):
        write_report(StudyReader(NAME, folder=copy.parent))
    assert not (copy / "report.html").exists()
