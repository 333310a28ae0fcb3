"""``gnnrec encoder`` from sounds in a published layout to figures and a picture, as a user runs it."""

import json
from pathlib import Path

import numpy as np
import pytest
import soundfile
from PIL import Image
from test_commands import call

pytestmark = pytest.mark.filterwarnings("ignore::encoders.errors.RandomWeightsWarning")

RATE = 16_000
HERTZ = {"dog": 250, "rooster": 1000, "sea_waves": 3500}
QUICK = ["--size", "audioclip-tiny", "--seconds", "0.5", "--device", "cpu", "--batch-size", "4"]
QUICK += ["--optimizer", "adamw", "--learning-rate", "0.003", "--decay", "0.9"]


@pytest.fixture(scope="module")
def esc50(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The official layout of ESC-50, with three classes, two folds, and pitch telling the class."""
    folder, random = tmp_path_factory.mktemp("sounds") / "ESC 50", np.random.default_rng(0)
    (folder / "meta").mkdir(parents=True)
    (folder / "audio").mkdir()
    rows = ["filename,fold,target,category,esc10,src_file,take"]
    time = np.arange(RATE // 2) / RATE
    for number in range(36):
        target = number % 3
        name = list(HERTZ)[target]
        fold, file = 1 + number // 3 % 2, f"{1 + number // 3 % 2}-{number}-A-{target}.wav"
        tone = 0.4 * np.sin(2 * np.pi * HERTZ[name] * random.uniform(0.9, 1.1) * time)
        soundfile.write(folder / "audio" / file, tone + 0.02 * random.standard_normal(len(time)), RATE)
        rows.append(f"{file},{fold},{target},{name},True,{number},A")
    (folder / "meta" / "esc50.csv").write_text("\n".join(rows) + "\n")
    return folder


def run(*arguments: object, code: int = 0) -> str:
    """Standard output, or of a refusal standard error."""
    got, out, err = call("encoder", *map(str, arguments))
    assert got == code, err
    return err if code else out


def train(*arguments: object, code: int = 0) -> str:
    return run("train", "audioclip", *arguments, code=code)


def test_a_fold_from_training_to_its_figures_and_a_picture(esc50: Path, tmp_path: Path) -> None:
    out, picture = tmp_path / "run", tmp_path / "confusion.png"
    options = [esc50, "--stage", "audio-pretrain", "--preset", "scratch", *QUICK, "--epochs", 25, "--fold", 2]
    trained = json.loads(train(*options, "--out", out, "--json"))
    assert trained["test"]["accuracy"] >= 0.8  # chance is a third
    measured = json.loads(run("evaluate", out, esc50, "--fold", 2, "--seconds", 0.5, "--picture", picture, "--json"))
    assert measured["classification"]["accuracy"] == pytest.approx(trained["test"]["accuracy"])
    with Image.open(picture) as drawn:
        assert drawn.format == "PNG" and min(drawn.size) > 200


def test_all_folds_and_a_stage_that_starts_from_the_former_one(esc50: Path, tmp_path: Path) -> None:
    first, second = tmp_path / "alone", tmp_path / "names"
    common = [esc50, "--preset", "scratch", *QUICK, "--epochs", 2]
    train(*common, "--stage", "audio-pretrain", "--fold", "all", "--out", first)
    text = train(*common, "--stage", "finetune-cooperative", "--weights", first, "--fold", "all", "--out", second)
    assert "fold 1" in text and "standard deviation" in text
    kept = json.loads((second / "folds.json").read_text())
    measured = json.loads(run("evaluate", second, esc50, "--fold", "all", "--seconds", 0.5, "--json"))
    assert set(measured["metrics"]) >= {
        "zero-shot audio: accuracy",
        "querying text to audio: precision@1",
        "querying audio to text: mean_average_precision",
    }
    # Right after fine-tuning against names, zero-shot by the same names is the same classification.
    assert measured["metrics"]["zero-shot audio: accuracy"]["values"] == pytest.approx(
        kept["metrics"]["accuracy"]["values"]
    )


def test_nobody_measures_on_what_was_trained_on(esc50: Path, tmp_path: Path) -> None:
    out = tmp_path / "run"
    common = [esc50, "--preset", "scratch", *QUICK, "--epochs", 1]
    train(*common, "--stage", "audio-pretrain", "--fold", 2, "--out", out)
    own = json.loads(run("evaluate", out, esc50, "--seconds", 0.5, "--json"))  # what it held out
    assert own == json.loads(run("evaluate", out, esc50, "--fold", 2, "--seconds", 0.5, "--json"))
    for fold in (1, "all"):
        message = run("evaluate", out, esc50, "--fold", fold, "--seconds", 0.5, code=2)
        assert "was trained on fold 1 of 'esc50'" in message and "it held out fold 2" in message
    tuned = ["--stage", "finetune-standalone", "--weights", out, "--fold", "all", "--out", tmp_path / "tuned"]
    assert "was trained on fold 1" in train(*common, *tuned, code=2)
    assert not (tmp_path / "tuned").exists()


def test_a_start_that_fails_leaves_nothing_behind(esc50: Path, tmp_path: Path) -> None:
    first, out = tmp_path / "first", tmp_path / "run"
    common = [esc50, "--preset", "scratch", "--epochs", 1, "--fold", 1, "--device", "cpu"]
    tiny = ["--size", "audioclip-tiny", "--seconds", 0.5, "--batch-size", 4]
    train(*common, *tiny, "--stage", "audio-pretrain", "--out", first)
    tuning = [*common, "--stage", "finetune-standalone", "--weights", first, "--out", out]
    assert "is of size 'audioclip-tiny'" in train(*tuning, "--seconds", 0.5, "--batch-size", 4, code=2)
    assert not out.exists()
    train(*tuning, *tiny)
    assert json.loads((out / "run.json").read_text())["settings"]["size"] == "audioclip-tiny"


def test_a_run_is_not_overwritten_and_goes_on_when_asked(esc50: Path, tmp_path: Path) -> None:
    common = [esc50, "--stage", "audio-pretrain", "--preset", "scratch", *QUICK, "--fold", 1, "--out", tmp_path / "run"]
    train(*common, "--epochs", 1)
    assert "holds a run" in train(*common, "--epochs", 2, code=2)
    train(*common, "--epochs", 2, "--resume")
    lines = (tmp_path / "run" / "history.jsonl").read_text().splitlines()
    assert [json.loads(line)["epoch"] for line in lines] == [1, 2]


def test_wrong_use_ends_in_one_line_that_names_what_is_right(esc50: Path, tmp_path: Path) -> None:
    common = [esc50, *QUICK, "--out", tmp_path / "run"]
    assert "'stage' must be one of audio-pretrain, cooperative" in train(*common, "--stage", "pretrain", code=2)
    assert "has folds 1, 2" in train(*common, "--stage", "audio-pretrain", code=2)
    assert "(got 9)" in train(*common, "--stage", "audio-pretrain", "--fold", 9, code=2)
    assert "needs items with a sound and a picture" in train(*common, "--stage", "joint", "--fold", 1, code=2)
    assert "there is no such file" in train(
        *common, "--stage", "finetune-standalone", "--fold", 1, "--weights", tmp_path / "none.pt", code=2
    )
    assert not (tmp_path / "run").exists()
